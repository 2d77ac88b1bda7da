"""Which calls are calls of a library's functions and methods, found by the name of those.

Names are canonical (`knowledge.sqlalchemy.canonical`); a method is called `sqlalchemy.Engine.begin`
after the class that has it. Every call is looked at once, whatever the number of rules that ask.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, RawCall
from migrate_async.knowledge import sqlalchemy
from migrate_async.knowledge.legacy_api import FLASK_SQLALCHEMY
from migrate_async.lint.view import View
from migrate_async.model import syntax as s

_OWNERS: dict[type[t.Type], str] = {
    t.QueryOf: sqlalchemy.QUERY,
    t.SelectOf: "sqlalchemy.Select",
    t.ResultOf: "sqlalchemy.Result",
    t.RowOf: "sqlalchemy.Row",
}


class Use(NamedTuple):
    """A call in `function` of what SQLAlchemy calls `name`.

    `by_name`: nothing but the name of an unannotated parameter says so, or it may as well be a call
    of something of the project.
    """

    call: RawCall
    function: Function
    name: str
    by_name: bool

    @property
    def node(self) -> s.Call:
        return self.call.node


class _Called(NamedTuple):
    """A call, and the names of each type that its callee can be."""

    call: RawCall
    function: Function
    callees: tuple[tuple[frozenset[str], bool], ...]


class LibraryCalls:
    """The calls of the project that have such a name."""

    def __init__(self, view: View) -> None:
        self._called: list[_Called] = []
        self._by_name: dict[str, list[int]] = {}
        for function in view.project.functions:
            for call in function.calls:
                self._note(call, function, view.project)

    def _note(self, call: RawCall, function: Function, project: Project) -> None:
        types = t.ordered(project.infer(call.node.func, call.scope))
        callees = tuple(
            (frozenset(names_of(item)), bool(getattr(item, "heuristic", False))) for item in types
        )
        known = frozenset(name for names, _ in callees for name in names)
        for name in known:
            self._by_name.setdefault(name, []).append(len(self._called))
        if known:
            self._called.append(_Called(call, function, callees))

    def of(self, names: Collection[str]) -> Iterator[Use]:
        """The calls of the functions and methods `names`, in the order of the functions."""
        wanted = frozenset(names)
        last = frozenset(name.rpartition(".")[2] for name in wanted)
        numbers = {number for name in wanted for number in self._by_name.get(name, ())}
        for number in sorted(numbers):
            call, function, callees = self._called[number]
            func = call.node.func
            if isinstance(func, s.Attribute) and func.attr not in last:
                continue
            is_mixed = any(wanted.isdisjoint(names) for names, _ in callees)
            found, by_name = next((n & wanted, by) for n, by in callees if n & wanted)
            yield Use(call, function, min(found), is_mixed or by_name)


def names_of(item: t.Type) -> tuple[str, ...]:
    """What SQLAlchemy calls a function, class or method; empty for what is not its own."""
    if isinstance(item, t.External):
        return (item.dotted,)
    if isinstance(item, t.ExternalMethod):
        return _of_method(item)
    if isinstance(item, t.Method) and type(item.owner) in _OWNERS:
        return (f"{_OWNERS[type(item.owner)]}.{item.name}",)
    return ()


def _of_method(item: t.ExternalMethod) -> tuple[str, ...]:
    if item.owner == FLASK_SQLALCHEMY:
        return (f"sqlalchemy.orm.{item.name}", f"sqlalchemy.{item.name}")
    if item.owner in sqlalchemy.SESSIONS:
        return (f"{sqlalchemy.SESSION}.{item.name}",)
    return (f"{item.owner}.{item.name}",)
