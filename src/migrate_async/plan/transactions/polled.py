"""Objects that others change while a function waits for it.

    while job.state != "done":
        db.commit()
        time.sleep(1)

Nothing here writes the object. A sync session expired it at the commit, and its next read showed
what another process had made of it by then. Converted code refreshes it just before that read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, last_name
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.transactions.bound_names import binds, is_bound_before
from migrate_async.plan.transactions.commits import begun, commits, models_in, refreshes
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.positions import Position, statements_before

_LEAVING = frozenset({"break", "continue"})
_EXPIRING = frozenset({"commit", "expire", "expire_all", "rollback"})
_WAITS = frozenset({"sleep"})


class Place(NamedTuple):
    """Where something is written: before `statement`, or `after` it."""

    statement: s.Stmt
    after: bool


class Polled:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects) -> None:
        self._project = project
        self._effects = effects

    def refreshes(self, function: Function, position: Position) -> dict[str, Place]:
        """The objects that a commit has to have fetched anew for a later read, with the place."""
        found: dict[str, Place] = {}
        if not self._commits(function, position.statement):
            return found
        for name in models_in(self._project, function):
            if not is_bound_before(function, name, position):
                continue
            place = self._place(function, name, position)
            if place is not None:
                found[name] = place
        return found

    def _commits(self, function: Function, statement: s.Stmt) -> bool:
        """Whether the session at hand is committed, and not one that a callee has for itself."""
        project, effects = self._project, self._effects
        if commits(project, statement, "sync") or begun(project, statement):
            return True
        return any(map(effects.does_commit, effects.given_session(function, statement)))

    def _place(self, function: Function, name: str, position: Position) -> Place | None:
        block, index = position.path[-1]
        rest = block[index + 1 :]
        for number, statement in enumerate(rest):
            if refreshes(statement, name) or _expires(statement):
                return None  # a place of its own
            if blocks.uses(statement, name):
                between = rest[:number]
                is_late = any(map(_waits, between)) or self._is_changed(
                    function, name, (*statements_before(function, position.statement), *between)
                )
                is_asked = self._asking_loop(function, name, position) is not None
                return Place(statement, after=False) if is_late or is_asked else None
        if isinstance(position.statement, s.With):
            return None
        loop = self._asking_loop(function, name, position)
        if loop is None:
            return None
        is_last = block is loop.body and not any(map(_may_leave, loop.body))
        return Place(block[-1] if is_last else position.statement, after=True)

    def _is_changed(self, function: Function, name: str, above: blocks.Block) -> bool:
        """Whether what runs before the read has another session write such objects."""
        assert function.node is not None  # noqa: S101  the caller has looked
        node = s.Name(*function.node.span, name)
        models = list(self._effects.models_held(node, function.scope))
        return any(
            self._effects.is_written_elsewhere(function, statement, models) for statement in above
        )

    def _asking_loop(
        self, function: Function, name: str, position: Position
    ) -> s.For | s.While | None:
        """The loop around a commit that goes on, or ends, by what the object `name` says."""
        for (around, at), (inner, _) in zip(position.path, position.path[1:], strict=False):
            loop = around[at]
            if not isinstance(loop, s.For | s.While) or inner is not loop.body:
                continue
            if not _binds_each(loop, name) and any(
                self._asks(function, test, name) for test in _tests(loop)
            ):
                return loop
        return None

    def _asks(self, function: Function, test: s.Expr, name: str) -> bool:
        """Whether `test` reads something of the object that may change."""
        for node in s.walk(test):
            if isinstance(node, s.Name) and node.id == name:
                around = self._project.parent(node)
                if isinstance(around, s.Attribute) and not self._is_key(function, around):
                    return True
                if isinstance(around, s.Call) and node in around.args:
                    return True
        return False

    def _is_key(self, function: Function, read: s.Attribute) -> bool:
        models = self._effects.models_held(read.value, function.scope)
        return any(
            read.attr in self._project.models[model.qualname].primary_key for model in models
        )


def _binds_each(loop: s.For | s.While, name: str) -> bool:
    """Whether each turn of `loop` gives `name` an object of its own."""
    is_target = isinstance(loop, s.For) and blocks.mentions(loop.target, name)
    return is_target or any(binds(statement, name) for statement in blocks.statements(loop.body))


def _tests(loop: s.For | s.While) -> Iterator[s.Expr]:
    """What decides whether `loop` goes on."""
    if isinstance(loop, s.While):
        yield loop.test
    for statement in blocks.statements(loop.body):
        if isinstance(statement, s.If) and any(map(_leaves, (*statement.body, *statement.orelse))):
            yield statement.test


def _leaves(statement: s.Stmt) -> bool:
    if isinstance(statement, s.Return | s.Raise):
        return True
    return isinstance(statement, s.Simple) and statement.keyword in _LEAVING


def _may_leave(statement: s.Stmt) -> bool:
    """Whether a turn may end at `statement`, before the last one of the loop."""
    inner = blocks.statements((statement,))
    return any(isinstance(item, s.Simple) and item.keyword == "continue" for item in inner)


def _expires(statement: s.Stmt) -> bool:
    call = blocks.called(statement, awaited=False)
    return call is not None and blocks.method_name(call) in _EXPIRING


def _waits(statement: s.Stmt) -> bool:
    call = blocks.called(statement, awaited=False)
    return call is not None and last_name(call.func) in _WAITS
