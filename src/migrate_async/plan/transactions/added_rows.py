"""Relationships that the mapping loads too early for rows that are added or moved by their keys.

Where a relationship was loaded when it was read, a row that had been flushed by then was in it.
Loaded together with its object (`lazy="selectin"`), it is older than the row. So the run that
changes the mapping has the relationship loaded again where the row has been flushed, in code that
stays sync, too. Where that is not certain to be what the legacy code did, it is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, Scope
from migrate_async.index.types import Instance
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.plan import blocks
from migrate_async.plan.loads.sinks import Sink
from migrate_async.plan.loads.statements import Statements
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.row_changes import STORED, Change
from migrate_async.plan.transactions.commits import is_model
from migrate_async.plan.transactions.early_reads import EarlyReads
from migrate_async.plan.transactions.early_relationships import EarlyRelationship, rows_come_later
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.flushes import Flush, Flushes
from migrate_async.plan.transactions.positions import Position, positions, statements_before

NAME = "eager-relationships"

_CHOICES = (s.Operation, s.Conditional, s.Lambda, s.Comprehension)


class AddedRows:
    """Answers for one project, in the run after which the mapping loads `relationships`."""

    def __init__(
        self,
        project: Project,
        effects: Effects,
        relationships: Iterable[EarlyRelationship],
        sinks: Iterable[Sink],
    ) -> None:
        self._project = project
        self._effects = effects
        self._values = Statements(project)
        self._relationships = tuple(relationships)
        self._changes = effects.changes
        self._flushes = Flushes(project, effects, self._changes)
        self._reads = EarlyReads(project, effects, self._changes, self._flushes, sinks)
        self._models = frozenset(model.cls for model in project.models.values())
        self._shown: dict[tuple[Change, EarlyRelationship], bool] = {}
        self._done: dict[Function, set[tuple[str, EarlyRelationship]]] = {}
        """Of which names something has been said about which relationship."""
        self._reported: set[EarlyRelationship] = set()

    def edits(self, converts: Callable[[Function], bool]) -> Iterator[tuple[Module, ModuleEdits]]:
        """What is loaded again, by coroutines and by what stays sync, and what is reported."""
        for function in self._project.functions:
            node = function.node
            if function.is_module or function.module.is_test or not isinstance(node, s.FunctionDef):
                continue
            touched = [early for early in self._relationships if self._touches(function, early)]
            if not touched:
                continue
            found = ModuleEdits()
            for flush in self._flushes.of(function, node):
                for early in touched:
                    self._after(found, function, flush, early, converts)
            found.diagnostics += dict.fromkeys(self._not_flushed(function, node, touched))
            found.diagnostics += dict.fromkeys(self._kept(function, node, touched))
            yield function.module, found

    def uncertain(self) -> frozenset[EarlyRelationship]:
        """Those of which `edits` reports something."""
        for _ in self.edits(lambda _function: False):
            pass
        return frozenset(self._reported)

    def _report(
        self, function: Function, statement: s.Stmt, early: EarlyRelationship
    ) -> Diagnostic:
        self._reported.add(early)
        return rows_come_later(function, statement, early)

    # --- what changes --------------------------------------------------------------------------

    def _touches(self, function: Function, early: EarlyRelationship) -> bool:
        """Whether `function`, or what it calls, changes something that `early` has to show."""
        return any(self._shows(early, change) for change in self._changes.of(function))

    def _shows(self, early: EarlyRelationship, change: Change) -> bool:
        key = change, early
        if key not in self._shown:
            self._shown[key] = self._changes.is_shown(change, early.model, early.relationship)
        return self._shown[key]

    def _is_changed(
        self,
        function: Function,
        statement: s.Stmt,
        early: EarlyRelationship,
        *,
        own_methods: bool = True,
    ) -> bool:
        """Whether `statement` changes something that `early` has to show."""
        own = [c for c in self._changes.by(function, statement) if self._shows(early, c)]
        if any(change.kind != STORED for change in own):
            return True
        if own and (self._changes.at_once(statement) or not self._is_linked(function, early)):
            return True
        return any(
            self._touches(target, early)
            for target in self._effects.targets(function, statement)
            if own_methods or target.cls is None or target.cls is not function.cls
        )

    def _is_linked(self, function: Function, early: EarlyRelationship) -> bool:
        """Whether all new objects are given their owner, whose collection they enter at once."""
        model = self._project.models.get(early.target.qualname)
        back = {
            name
            for name, relationship in (model.relationships.items() if model is not None else ())
            if relationship.target is not None
            and self._project.overlap(relationship.target, early.model)
            and (relationship.back_populates or relationship.backref or relationship.is_backref)
        }
        made = [
            call.node
            for call in function.calls
            if any(
                isinstance(item, Instance) and self._project.overlap(item.cls, early.target)
                for item in self._project.infer(call.node, call.scope)
            )
            and self._makes(call.node)
        ]
        return bool(made) and all(
            any(keyword.arg in back for keyword in call.keywords) for call in made
        )

    def _makes(self, call: s.Call) -> bool:
        function = self._project.function_of(call)
        return not any(
            site.node is call and (site.operation is not None or site.targets)
            for site in self._project.calls(function)
            if site.kind == "call"
        )

    # --- what is loaded again ------------------------------------------------------------------

    def _after(
        self,
        found: ModuleEdits,
        function: Function,
        flush: Flush,
        early: EarlyRelationship,
        converts: Callable[[Function], bool],
    ) -> None:
        statement = flush.position.statement
        before = flush.before(function)
        if not any(self._is_changed(function, other, early) for other in before):
            return
        for name in function.scope.names:
            if not self._reads.holds(function, name, early):
                continue
            if not self._reads.is_read(function, flush, name, early):
                continue
            told = self._reads.is_loaded_early(function, before, name, early)
            is_one = is_model(self._project, s.Name(*statement.span, name), function.scope)
            self._done.setdefault(function, set()).add((name, early))
            if told is False:
                continue
            if told is None or not is_one or early.leads_on:
                found.diagnostics.append(self._report(function, statement, early))
                continue
            is_awaited = converts(function) or self._is_async(function, flush)
            code = self._code(function, flush, name, early, is_awaited=is_awaited)
            place = flush.place.span
            found.edits.append(p.InsertStatements(span=place, codemod=NAME, code=code, after=True))

    def _is_async(self, function: Function, flush: Flush) -> bool:
        """Whether the session is one already; a coroutine that stays sync may have a sync one."""
        session = s.Name(*flush.position.statement.span, flush.session)
        return self._project.session_kind(session, function.scope) == "async"

    def _code(
        self,
        function: Function,
        flush: Flush,
        name: str,
        early: EarlyRelationship,
        *,
        is_awaited: bool,
    ) -> str:
        line = f'{flush.session}.refresh({name}, ["{early.name}"])'
        line = f"await {line}" if is_awaited else line
        statement = flush.position.statement
        tests = []
        node = s.Name(*statement.span, name)
        may_be_none = self._values.may_be_none(node, function.scope, statement)
        if may_be_none and not _is_used(flush.position, name):
            tests.append(f"{name} is not None")
        is_made = self._is_made_by_helper(function, name)
        if (
            is_made
            or self._effects.owners.has(function, name, flush.session) is None
            or any(param.name == name for param in function.params)
        ):
            tests.append(f"{name} in {flush.session}")
        if is_made:
            tests.append(f"{name} not in {flush.session}.new")
        return f"if {' and '.join(tests)}:\n    {line}" if tests else line

    def _is_made_by_helper(self, function: Function, name: str) -> bool:
        """Whether a function of the project gives a new object, which it may not have added."""
        values = self._values_of(function, name)
        sites = (site for site in self._project.calls(function) if site.node in values)
        return any(
            self._makes(call.node) and self._is_object(call.node, call.scope)
            for site in sites
            for target in site.targets
            for call in target.calls
        )

    def _is_object(self, node: s.Expr, scope: Scope) -> bool:
        types = self._project.infer(node, scope)
        return any(isinstance(item, Instance) and item.cls in self._models for item in types)

    def _values_of(self, function: Function, name: str) -> list[s.Expr]:
        node = function.node
        assert isinstance(node, s.FunctionDef)  # noqa: S101  the caller has looked
        values = [
            statement.value
            for statement in blocks.statements(node.body)
            if isinstance(statement, s.Assign)
            and any(isinstance(t, s.Name) and t.id == name for t in statement.targets)
        ]
        return [value.value if isinstance(value, s.Await) else value for value in values]

    # --- what is reported ----------------------------------------------------------------------

    def _not_flushed(
        self, function: Function, node: s.FunctionDef, touched: list[EarlyRelationship]
    ) -> Iterator[Diagnostic]:
        """Rows of which nothing shows where they are flushed, or what is done about it."""
        for position in positions(node.body):
            statement = position.statement
            if blocks.is_compound(statement):
                continue
            for early in touched:
                if self._is_changed(function, statement, early):
                    yield from self._left(function, position, early)

    def _left(
        self, function: Function, position: Position, early: EarlyRelationship
    ) -> Iterator[Diagnostic]:
        statement = position.statement
        before = list(statements_before(function, statement, is_included=True))
        for name in function.scope.names:
            if (
                (name, early) not in self._done.get(function, ())
                and self._reads.holds(function, name, early)
                and self._reads.reads_late(function, position, name, early)
                and self._reads.is_loaded_early(function, before, name, early) is not False
                and not self._is_told_there(function, statement, name, early)
            ):
                yield self._report(function, statement, early)

    def _is_told_there(
        self, function: Function, statement: s.Stmt, name: str, early: EarlyRelationship
    ) -> bool:
        """Whether only methods of what keeps such an object change rows: see `_kept`."""
        if any(self._shows(early, change) for change in self._changes.by(function, statement)):
            return False
        keepers = self._reads.keepers(function, name, early)
        targets = self._effects.targets(function, statement)
        return all(t.cls in keepers for t in targets if self._touches(t, early))

    def _kept(
        self, function: Function, node: s.FunctionDef, touched: list[EarlyRelationship]
    ) -> Iterator[Diagnostic]:
        """Rows that a method changes while its object keeps one with the relationship.

        Those that another of its methods changes are reported there.
        """
        if function.cls is None:
            return
        for statement in blocks.statements(node.body):
            for early in touched:
                if not self._is_changed(function, statement, early, own_methods=False):
                    continue
                if self._reads.keeps(function.cls, early):
                    yield self._report(function, statement, early)


def _is_used(position: Position, name: str) -> bool:
    """Whether an attribute of `name` has surely been read before the statement: it is not None."""
    return any(
        isinstance(part, s.Attribute) and isinstance(part.value, s.Name) and part.value.id == name
        for block, index in position.path
        for statement in block[:index]
        if isinstance(statement, s.ExpressionStatement | s.Assign) and not _has_choice(statement)
        for part in s.walk(statement)
    )


def _has_choice(statement: s.Stmt) -> bool:
    return any(isinstance(part, _CHOICES) for part in s.walk(statement))
