"""`backref=` as a relationship of its own on the other side.

SQLAlchemy makes the other side from the arguments of this one. It is written out only where the
arguments that are copied over are known to be none, or `secondary`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.declarative import backref_of, keyword
from migrate_async.index.orm import Model
from migrate_async.index.project import Project
from migrate_async.index.relationships import Relationship
from migrate_async.index.scopes import Class, last_name
from migrate_async.model import syntax as s
from migrate_async.plan.text import source

_COPIED = frozenset(
    {
        *("foreign_keys", "overlaps", "passive_updates", "post_update", "primaryjoin"),
        *("secondaryjoin", "sync_backref", "viewonly"),
    }
)
"""Arguments that the other side gets as well, some of them turned round."""


@dataclass(frozen=True)
class OtherSide:
    """The relationship `name` to write into `target`; `arguments` follow the class's name."""

    target: Class
    name: str
    relationship: Relationship
    arguments: tuple[str, ...]
    after: s.Stmt
    """The statement of the class body to write it after."""


def other_side(project: Project, model: Model, relationship: Relationship) -> OtherSide | None:
    """What `backref=` of `relationship` makes; None where it is better left to SQLAlchemy."""
    call = relationship.node
    name, given = backref_of(call)
    target = relationship.target
    goal = project.models.get(target.qualname) if target is not None else None
    if not name or target is None or goal is None or goal.is_sqlmodel:
        return None
    reverse = goal.relationships.get(name)
    if reverse is None or not reverse.is_backref or name in target.scope.names:
        return None
    if any(key.arg in _COPIED or key.arg is None for key in call.keywords) or len(call.args) > 1:
        return None
    arguments = [f'back_populates="{relationship.name}"']
    secondary = keyword(call, "secondary")
    if secondary is not None:
        table = _table_name(project, secondary, model.cls)
        if not table:
            return None
        arguments.append(f'secondary="{table}"')
    extra = list(_extra(given, is_same=target is model.cls)) if given is not None else []
    after = _last_attribute(target, at_least=call if target is model.cls else None)
    if None in extra or after is None:
        return None
    return OtherSide(target, name, reverse, (*arguments, *filter(None, extra)), after)


def _extra(given: s.Call, *, is_same: bool) -> Iterator[str | None]:
    """The arguments of `backref("name", ...)`; None for one that only means something there."""
    if len(given.args) > 1:
        yield None
    for item in given.keywords:
        constant = all(isinstance(node, s.Constant) for node in s.walk(item.value))
        if item.arg is None or not (constant or is_same):
            yield None
            continue
        try:
            yield f"{item.arg}={source(item.value)}"
        except ValueError:
            yield None


def _table_name(project: Project, secondary: s.Expr, cls: Class) -> str:
    """The name of the table that `secondary=` names, as the registry knows it."""
    if isinstance(secondary, s.Constant):
        return str(secondary.value) if secondary.kind == "str" else ""
    table = project.assigned(secondary, cls.scope)
    if not isinstance(table, s.Call) or last_name(table.func) != "Table" or not table.args:
        return ""
    if keyword(table, "schema") is not None:
        return ""
    name = table.args[0]
    return str(name.value) if isinstance(name, s.Constant) and name.kind == "str" else ""


def _last_attribute(cls: Class, at_least: s.Call | None) -> s.Stmt | None:
    """The last assignment in the first stretch of them, past `at_least` in any case."""
    found: s.Stmt | None = None
    least = 0 if at_least is None else at_least.line
    for statement in cls.node.body:
        if isinstance(statement, s.Assign | s.AnnotatedAssign):
            found = statement
        elif isinstance(statement, s.FunctionDef | s.ClassDef) and found and found.line >= least:
            break
    return found
