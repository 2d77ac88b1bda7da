"""What functions write that an object which was loaded before does not show.

A relationship that is loaded when it is read has the rows that were flushed by then. One that an
option loads with its object is older. SQLAlchemy keeps it up to date for what is appended to it or
set on it, not for rows that are added by foreign key, changed or deleted.

`plan.row_changes` reads the same statements and answers the other way round where nobody can tell.
Here a write that may be anything counts: the path is not loaded early, which is right whatever it
writes. There only what is known to change rows of a table counts: each change adds code to the
application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, RawCall, last_name
from migrate_async.index.types import QueryOf
from migrate_async.knowledge import transactions as known
from migrate_async.model import syntax as s
from migrate_async.plan.loads.paths import Path, Step

_DELETES = "delete"
_ADDS = (known.STAGES | known.WRITES) - {_DELETES}


class LaterWrites:
    """Answers for one project; `called` gives what a function runs."""

    def __init__(self, project: Project, called: Callable[[Function], Iterator[Function]]) -> None:
        self._project = project
        self._called = called
        self._adding: dict[Function, bool] = {}
        self._changing: dict[Function, bool] = {}

    def may_outdate(self, path: Path, function: Function) -> bool:
        """Whether `function`, or what it calls, may write what `path`, loaded before, lacks."""
        if all(step.relationship is None for step in path):
            return False
        if self._runs(function, self._changes, self._changing):
            return True
        return any(map(_has_rows, path)) and self._runs(function, self._adds, self._adding)

    def _runs(
        self, function: Function, does: Callable[[Function], bool], known: dict[Function, bool]
    ) -> bool:
        if function not in known:
            known[function] = False  # for recursive functions
            known[function] = does(function) or any(
                self._runs(target, does, known) for target in self._called(function)
            )
        return known[function]

    def _adds(self, function: Function) -> bool:
        return self._uses_session(function, _ADDS)

    def _changes(self, function: Function) -> bool:
        return (
            self._uses_session(function, frozenset({_DELETES}))
            or any(map(self._writes, function.calls))
            or any(
                isinstance(item.node, s.Attribute) and item.node.attr in self._foreign_keys
                for item in function.sets
            )
        )

    def _uses_session(self, function: Function, methods: frozenset[str]) -> bool:
        return any(
            node.attr in methods
            and self._project.session_kind(node.value, self._project.scope_of(node)) is not None
            for node in function.own_attributes
        )

    def _writes(self, call: RawCall) -> bool:
        """`update(Item)`, `query.delete()`, `text("INSERT ...")`, `setattr(item, name, value)`."""
        func, name = call.node.func, last_name(call.node.func)
        first = call.node.args[0] if call.node.args else None
        if name == "setattr":
            return isinstance(func, s.Name)
        if name == "text":
            written = str(first.value) if isinstance(first, s.Constant) else ""
            return written.lstrip().lower().startswith(known.WRITING_WORDS)
        if name not in known.WRITING_STATEMENTS:
            return False
        if isinstance(func, s.Attribute) and s.dotted_name(func.value) not in ("sa", "sqlalchemy"):
            types = self._project.infer(func.value, call.scope)
            return any(isinstance(item, QueryOf) for item in types)
        return True

    @cached_property
    def _foreign_keys(self) -> frozenset[str]:
        return frozenset(
            column.name
            for model in self._project.models.values()
            for column in model.columns.values()
            if column.foreign_key
        )


def _has_rows(step: Step) -> bool:
    """Whether rows of the target say that they belong to it: a collection, or one to one."""
    relationship = step.relationship
    return relationship is not None and (
        step.is_many or any(keyword.arg == "uselist" for keyword in relationship.node.keywords)
    )
