"""How one side of a relationship says to the other what it joins: as text.

`foreign_keys` are the same for both sides, `primaryjoin` is, too, unless it says what is remote;
with a `secondary` table the two joins change places. What is text may name any model and table.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.declarative import keyword
from migrate_async.index.orm import Model
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class
from migrate_async.index.types import ClassObject
from migrate_async.knowledge.sqlalchemy import BASES_TO_DERIVE
from migrate_async.model import syntax as s

_TURNED = {"primaryjoin": "secondaryjoin", "secondaryjoin": "primaryjoin"}


class Unsaid(Exception):
    """The other side cannot say it; the message tells why."""


def joins(project: Project, model: Model, call: s.Call) -> Iterator[tuple[str, str]]:
    """The arguments about joins that the other side of `call` has, as name and text.

    Raises `Unsaid`.
    """
    foreign = keyword(call, "foreign_keys")
    if foreign is not None:
        yield "foreign_keys", _columns(project, model, foreign)
    is_double = keyword(call, "secondary") is not None
    for name, turned in _TURNED.items():
        value = keyword(call, name)
        if value is not None:
            yield (turned if is_double else name), _condition(name, value)


def _condition(name: str, value: s.Expr) -> str:
    if not isinstance(value, s.Constant) or value.kind != "str":
        raise Unsaid(f"its `{name}` is no text")
    text = str(value.value)
    if "remote(" in text or '"' in text or "\n" in text or "\\" in text:
        raise Unsaid(f"its `{name}` would have to be turned round")
    return f'"{text}"'


def _columns(project: Project, model: Model, value: s.Expr) -> str:
    if isinstance(value, s.Constant) and value.kind == "str":
        return f'"{value.value}"'
    items = value.items if isinstance(value, s.Sequence) else (value,)
    names = [_column(project, model, item) for item in items]
    return f'"{names[0]}"' if len(names) == 1 else f'"[{", ".join(names)}]"'


def _column(project: Project, model: Model, item: s.Expr) -> str:
    """`Model.column` for what the class body calls `column` or `Model.column`."""
    cls: Class | None = None
    name = ""
    if isinstance(item, s.Constant) and item.kind == "str":
        return str(item.value)
    if isinstance(item, s.Name):
        cls, name = model.cls, item.id
    elif isinstance(item, s.Attribute):
        name = item.attr
        types = project.infer(item.value, model.cls.scope)
        cls = next((found.cls for found in types if isinstance(found, ClassObject)), None)
    owner = project.models.get(cls.qualname) if cls is not None else None
    if owner is None or name not in owner.columns or not _is_only(project, owner.cls):
        raise Unsaid("its `foreign_keys` cannot be named on the other side")
    return f"{owner.cls.name}.{name}"


def _is_only(project: Project, cls: Class) -> bool:
    """Whether no model of the same base has the name of `cls`: text would be ambiguous."""
    alike = [model.cls for model in project.models.values() if model.cls.name == cls.name]
    root = _root(project, cls)
    return sum(_root(project, other) is root for other in alike) == 1


def _root(project: Project, cls: Class) -> Class | None:
    """The class in the project that is the declarative base of `cls`."""
    for ancestor in reversed(project.mro(cls)):
        if not BASES_TO_DERIVE.isdisjoint(project.bases(ancestor)):
            return ancestor
    return None
