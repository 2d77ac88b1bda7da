"""Whether a relationship leads to many: what its arguments say, else where the foreign keys are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from migrate_async.index import scopes as sc
from migrate_async.index.declarative import keyword
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.orm import Model

_NAMED = re.compile(r"(?:(\w+)\.)?(\w+)")
_FOREIGN = re.compile(r"foreign\(\s*([\w.]+)\s*\)")


def leads_to_many(model: Model, target: Model, call: s.Call) -> bool | None:
    """Whether the foreign key is on the side of `target`; None when that is not certain."""
    if model is target:
        return True  # unless `remote_side` turns it round
    owners = {_owner(model, target, *found) for found in _foreign(call)}
    if owners in ({"here"}, {"there"}):
        return "there" in owners
    outgoing, incoming = _refers(model, target), _refers(target, model)
    return incoming if outgoing != incoming else None


def _owner(model: Model, target: Model, owner: str, column: str) -> str:
    """Where the foreign column is that the arguments name: `here`, `there`, or unknown."""
    if owner in ("", "cls"):
        return "here" if column in model.columns else ""
    names = {model.cls.name: "here", target.cls.name: "there"}
    return names.get(owner, "")


def _foreign(call: s.Call) -> Iterator[tuple[str, str]]:
    """The foreign columns that the arguments name, as class and attribute."""
    given = keyword(call, "foreign_keys")
    if given is not None:
        yield from _named(given)
    condition = keyword(call, "primaryjoin")
    for node in s.walk(condition) if condition is not None else ():
        if isinstance(node, s.Call) and sc.last_name(node.func) == "foreign" and node.args:
            yield from _named(node.args[0])
        elif isinstance(node, s.Constant) and node.kind == "str":
            for text in _FOREIGN.findall(str(node.value)):
                yield _split(text)


def _named(expr: s.Expr) -> Iterator[tuple[str, str]]:
    if isinstance(expr, s.Lambda):
        yield from _named(expr.body)
    elif isinstance(expr, s.Sequence):
        for item in expr.items:
            yield from _named(item)
    elif isinstance(expr, s.Constant):
        yield from _NAMED.findall(str(expr.value))
    else:
        yield _split(s.dotted_name(expr))


def _split(name: str) -> tuple[str, str]:
    owner, _, column = name.rpartition(".")
    return owner.rpartition(".")[2], column


def _refers(model: Model, target: Model) -> bool:
    """Whether a column of `model` has a foreign key to the table of `target`."""
    owners = (column.foreign_key.rpartition(".")[0] for column in model.columns.values())
    return any(owner and _is_table(owner.rpartition(".")[2], target) for owner in owners)


def _is_table(name: str, model: Model) -> bool:
    """Whether `name`, a table or class, is that of `model`.

    A table name that a function computes is not known; it mostly is the class's in another case.
    """
    if model.tablename:
        return name in (model.tablename, model.cls.name)
    plain = name.replace("_", "").lower()
    return plain in (model.cls.name.lower(), f"{model.cls.name.lower()}s")
