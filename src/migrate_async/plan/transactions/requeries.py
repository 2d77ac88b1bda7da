"""Queries that may meet objects from before a commit, which a sync session had expired by then.

`Refreshes` sees to the objects that a function has in its hands. Those that a dependency, a
caller, a list or another object holds are nobody's to refresh where the query runs: there the
session has to know (`migrate_async.LateExpirySession`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, note
from migrate_async.plan import blocks
from migrate_async.plan.transactions.commits import commits
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.held import Held, loops_around
from migrate_async.plan.transactions.positions import Position, positions

_NO_OBJECTS = frozenset(
    {"count", "delete", "exists", "scalar_subquery", "as_scalar", "subquery", "update"}
)
_GETS = frozenset({"get", "get_one", "merge"})
_Model = Class | None
_ModelT = TypeVar("_ModelT", bound=Class | None)


@dataclass(frozen=True)
class Requery:
    """`function` commits at `commit` and then has `model` objects loaded at `node`."""

    function: Function
    node: s.Expr
    model: Class


class Requeries:
    """Answers for one project, as it is before its sessions become async."""

    def __init__(self, project: Project, effects: Effects) -> None:
        self._project = project
        self._effects = effects
        self._held = project.shared(Held)
        self._loads: dict[Function, frozenset[_Model]] = {}
        self._asked = False

    def expire_late(self) -> bool:
        """Whether sessions that become async in this run have to expire objects late."""
        self._asked = self._asked or self.first is not None
        return self.first is not None

    def notes(self) -> Iterator[Diagnostic]:
        """What there is to say about sessions that expire objects late."""
        if not self._asked or self.first is None:
            return
        function, model = self.first.function, self.first.model
        yield note(
            function.module.path,
            self.first.node.span,
            "MA509",
            f"{function.qualname} loads {model.name} objects after a commit, and somebody "
            "may hold one from before it: sessions expire it when a query meets it again",
            "nothing: LateExpirySession does so at run time; add migrate-async to the "
            "application's dependencies",
        )

    @cached_property
    def first(self) -> Requery | None:
        """The first one, in the order of the source; None: there is none."""
        return next(self._all(), None)

    def _all(self) -> Iterator[Requery]:
        for function in self._project.functions:
            if function.is_module or function.module.is_test:
                continue
            if isinstance(function.node, s.FunctionDef):
                yield from self._of(function, function.node)
        for route in self._project.routes:
            yield from self._around(route.function, route.dependencies)

    def _around(self, route: Function, dependencies: tuple[Function, ...]) -> Iterator[Requery]:
        """A dependency commits, and what FastAPI runs after it loads."""
        if not any(map(self._effects.does_commit, dependencies)) or route.node is None:
            return
        held = self._held.at(route, route.node, ())
        for node, model in self._loads_in(route):
            yield from self._meeting(route, node, model, held)

    def _of(self, function: Function, node: s.FunctionDef) -> Iterator[Requery]:
        for position in positions(node.body):
            if not self._effects.commits_at(function, position.statement):
                continue
            later = list(self._later(function, position.statement))
            if later:
                left_out = self._refreshed(function, position)
                held = self._held.at(function, position.statement, left_out)
                for found, model in later:
                    yield from self._meeting(function, found, model, held)

    def _refreshed(self, function: Function, position: Position) -> Iterator[str]:
        """The names that `Refreshes` sees to."""
        is_own = commits(self._project, position.statement, "sync") is not None
        for name in self._effects.stale_names(function, position, is_own=is_own):
            if position.reads_later(name) or self._effects.is_fetched_again(
                function, name, position, is_own=is_own
            ):
                yield name

    def _meeting(
        self, function: Function, node: s.Expr, model: _Model, held: set[Class]
    ) -> Iterator[Requery]:
        loaded = self._held.reached([model]) if model is not None else held
        for cls in _in_order(held):
            if any(self._project.overlap(cls, other) for other in loaded):
                yield Requery(function, node, model or cls)
                return

    # --- loads ---------------------------------------------------------------------------------

    def _later(self, function: Function, commit: s.Stmt) -> Iterator[tuple[s.Expr, _Model]]:
        """What `function` loads after `commit`, itself or through calls."""
        after = commit.span[:2] if _has_body(commit) else commit.span[2:]
        again = [loop.span for loop in loops_around(self._project, commit)]
        again += [part.span for part in s.walk(commit) if isinstance(part, s.Comprehension)]
        for node, model in self._loads_in(function):
            start = node.span[:2]
            if start > after or any(span[:2] <= start <= span[2:] for span in again):
                yield node, model

    def _loads_in(self, function: Function) -> Iterator[tuple[s.Expr, _Model]]:
        yield from self._own_loads(function)
        for site in self._project.calls(function):
            loaded = self._loads_of_all(site.targets) if site.kind == "call" else ()
            for model in _in_order(loaded):
                yield site.node, model

    def _loads_of_all(self, functions: tuple[Function, ...]) -> frozenset[_Model]:
        return frozenset(model for function in functions for model in self._loads_of(function))

    def _loads_of(self, function: Function) -> frozenset[_Model]:
        """The classes that `function`, or what it calls, loads; None: one that is not known."""
        if function not in self._loads:
            self._loads[function] = frozenset()
            own = frozenset(model for _, model in self._own_loads(function))
            called = (self._loads_of_all(site.targets) for site in self._project.calls(function))
            self._loads[function] = own.union(*called)
        return self._loads[function]

    def _own_loads(self, function: Function) -> Iterator[tuple[s.Expr, _Model]]:
        for call in function.calls:
            types = self._project.infer(call.node, call.scope)
            for item in types:
                if isinstance(item, t.QueryOf | t.SelectOf) and self._gives_objects(call.node):
                    for model in _entities(item):
                        yield call.node, model
            func = call.node.func
            if (
                isinstance(func, s.Attribute)
                and func.attr in _GETS
                and self._project.session_kind(func.value, call.scope) is not None
            ):
                found = [item.cls for item in types if isinstance(item, t.Instance)]
                for cls in found or (None,):
                    yield call.node, cls

    def _gives_objects(self, call: s.Call) -> bool:
        """Whether a query is run for its objects, as far as the methods called on it tell."""
        current: s.AnyNode | s.ModuleSyntax = call
        while isinstance(current, s.Call | s.Attribute):
            if isinstance(current, s.Attribute) and current.attr in _NO_OBJECTS:
                return False
            around = self._project.parent(current)
            is_chain = isinstance(around, s.Attribute) or (
                isinstance(around, s.Call) and around.func is current
            )
            if not is_chain:
                return True
            current = around
        return True


def _in_order(models: Iterable[_ModelT]) -> list[_ModelT]:
    """As they stand in the source, what is not known first: a set has another order each run."""
    return sorted(models, key=lambda model: -1 if model is None else model.order)


def _entities(item: t.QueryOf | t.SelectOf) -> Iterator[_Model]:
    if not item.entities:
        yield None
    for entity in item.entities:
        if entity.kind in ("class", "alias", "class-variable", "unknown"):
            yield entity.model


def _has_body(statement: s.Stmt) -> bool:
    """Whether a call in `statement` is in the head of a block: what follows it is the block.

    `with db.begin():` commits at the end of its block.
    """
    return not isinstance(statement, s.With) and blocks.is_compound(statement)
