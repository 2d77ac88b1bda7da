"""`backref=` as a relationship of its own on the other side.

SQLAlchemy makes the other side from the arguments of this one. It is written out where those that
are copied over can be said there as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.declarative import backref_of, keyword, string
from migrate_async.index.orm import Model
from migrate_async.index.project import Project
from migrate_async.index.relationships import Relationship
from migrate_async.index.scopes import Class, last_name
from migrate_async.model import syntax as s
from migrate_async.plan.models.joins import Unsaid, joins
from migrate_async.plan.text import source

_COPIED = ("passive_updates", "post_update", "sync_backref", "viewonly")
"""Arguments that the other side gets as they are, unless `backref(...)` gives others."""


@dataclass(frozen=True)
class OtherSide:
    """The relationship `name` to write into `target`; `arguments` follow the class's name."""

    target: Class
    name: str
    relationship: Relationship
    arguments: tuple[str, ...]
    after: s.Stmt
    """The statement of the class body to write it after."""


def other_side(project: Project, model: Model, relationship: Relationship) -> OtherSide | str:
    """What `backref=` of `relationship` makes, or the reason to leave that to SQLAlchemy."""
    call = relationship.node
    name, given = backref_of(call)
    target = relationship.target
    goal = project.models.get(target.qualname) if target is not None else None
    if not name or target is None or goal is None or goal.is_sqlmodel:
        return "its class is not known"
    reverse = goal.relationships.get(name)
    if reverse is None or not reverse.is_backref or name in target.scope.names:
        return f"`{target.name}` has a `{name}` already"
    if len(call.args) > 1 or any(item.arg is None for item in call.keywords):
        return "its arguments are not all named"
    after = _last_attribute(target, at_least=call if target is model.cls else None)
    if after is None:
        return f"`{target.name}` has no place for it"
    try:
        arguments = [f'back_populates="{relationship.name}"', *_secondary(project, call, model)]
        arguments += _arguments(project, model, call, given, is_same=target is model.cls)
    except Unsaid as error:
        return str(error)
    return OtherSide(target, name, reverse, tuple(arguments), after)


def _arguments(
    project: Project, model: Model, call: s.Call, given: s.Call | None, *, is_same: bool
) -> Iterator[str]:
    own = {item.arg for item in given.keywords} if given is not None else set()
    for name in _COPIED:
        value = keyword(call, name)
        if value is not None and name not in own:
            if not isinstance(value, s.Constant):
                raise Unsaid(f"`{name}` is no constant")
            yield f"{name}={source(value)}"
    for name, text in joins(project, model, call):
        if name not in own:
            yield f"{name}={text}"
    if given is not None:
        yield from _given(given, is_same=is_same)


def _given(given: s.Call, *, is_same: bool) -> Iterator[str]:
    """The arguments of `backref("name", ...)`, as long as they mean the same elsewhere."""
    if len(given.args) > 1:
        raise Unsaid("`backref()` has arguments without names")
    for item in given.keywords:
        constant = all(isinstance(node, s.Constant) for node in s.walk(item.value))
        if item.arg is None or not (constant or is_same):
            raise Unsaid(f"`{item.arg or '**'}` of `backref()` names what is here")
        try:
            yield f"{item.arg}={source(item.value)}"
        except ValueError:
            raise Unsaid(f"`{item.arg}` of `backref()` is no simple expression") from None


def _secondary(project: Project, call: s.Call, model: Model) -> Iterator[str]:
    secondary = keyword(call, "secondary")
    if secondary is None:
        return
    table = _table_name(project, secondary, model.cls)
    if not table:
        raise Unsaid("its `secondary` table has no name that the other side could use")
    yield f'secondary="{table}"'


def _table_name(project: Project, secondary: s.Expr, cls: Class) -> str:
    """The name of the table that `secondary=` names, as the registry knows it."""
    if isinstance(secondary, s.Constant):
        return string(secondary)
    table = project.value_of(secondary, cls.scope)
    if not isinstance(table, s.Call) or last_name(table.func) != "Table" or not table.args:
        return ""
    if keyword(table, "schema") is not None:
        return ""
    return string(table.args[0])


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
