"""Which variables of a function read, after a flush, what was loaded before it."""

from __future__ import annotations

from collections.abc import Iterable

from migrate_async.index.declarative import keyword
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.types import Instance, Types, held
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called
from migrate_async.plan.loads.paths import Step
from migrate_async.plan.loads.sinks import Sink
from migrate_async.plan.new_objects import classes_made
from migrate_async.plan.row_changes import RowChanges
from migrate_async.plan.transactions.commits import refreshes
from migrate_async.plan.transactions.early_relationships import EarlyRelationship
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.flushes import Flush, Flushes
from migrate_async.plan.transactions.positions import Position

_TESTS = frozenset({"not", "and", "or", "is", "is not", "==", "!="})


class EarlyReads:
    """Answers for one project, whose code hands objects on at the `sinks`."""

    def __init__(
        self,
        project: Project,
        effects: Effects,
        changes: RowChanges,
        flushes: Flushes,
        sinks: Iterable[Sink],
    ) -> None:
        self._project = project
        self._effects = effects
        self._changes = changes
        self._flushes = flushes
        self._models = frozenset(model.cls for model in project.models.values())
        self._kept: dict[Class, frozenset[Class]] = {}
        """Of classes, the models of which their objects keep one."""
        self._sinks: dict[Function, list[Sink]] = {}
        for sink in sinks:
            self._sinks.setdefault(sink.function, []).append(sink)

    def holds(self, function: Function, name: str, early: EarlyRelationship) -> bool:
        """Whether `name` is an object with the relationship, or one that keeps such an object."""
        types = self._types(function, name)
        models = held(types, self._models)
        is_one = any(self._is_one(cls, early) for cls in models)
        return is_one or bool(self.keepers(function, name, early))

    def keepers(self, function: Function, name: str, early: EarlyRelationship) -> frozenset[Class]:
        """The classes of `name` whose objects keep one with the relationship."""
        return frozenset(
            item.cls
            for item in self._types(function, name)
            if isinstance(item, Instance) and item.cls not in self._models
            if self.keeps(item.cls, early)
        )

    def _types(self, function: Function, name: str) -> Types:
        assert function.node is not None  # noqa: S101  the caller has looked
        return self._project.infer(s.Name(*function.node.span, name), function.scope)

    def keeps(self, cls: Class, early: EarlyRelationship) -> bool:
        """Whether methods of `cls` use `self.order`, an object with the relationship."""
        if cls not in self._kept:
            self._kept[cls] = frozenset(
                found
                for function in self._project.functions
                if function.cls is cls
                for node in function.own_attributes
                if isinstance(node.value, s.Name) and node.value.id == function.self_name
                for found in held(
                    self._project.infer(node, self._project.scope_of(node)), self._models
                )
            )
        return any(self._is_one(found, early) for found in self._kept[cls])

    def _is_one(self, cls: Class, early: EarlyRelationship) -> bool:
        return early.model in self._project.mro(cls)

    def is_read(
        self, function: Function, flush: Flush, name: str, early: EarlyRelationship
    ) -> bool:
        """Whether `name` is read with what has been flushed, before a commit expires it."""
        if flush.after:
            return self.reads_on(function, flush.position, name)
        statement = flush.position.statement
        return any(
            isinstance(sink.value, s.Name)
            and sink.value.id == name
            and self._project.statement_of(sink.node) is statement
            and any(_is_step(step, early) for path in sink.paths for step in path[:1])
            for sink in self._sinks.get(function, ())
        )

    def reads_late(
        self, function: Function, position: Position, name: str, early: EarlyRelationship
    ) -> bool:
        """As `reads_on`; after a commit, too, what `name` keeps: nobody refreshes that."""
        is_keeper = bool(self.keepers(function, name, early))
        return self.reads_on(function, position, name, past_commits=is_keeper)

    def reads_on(
        self, function: Function, position: Position, name: str, *, past_commits: bool = False
    ) -> bool:
        """Whether more than a column of `name` is read after the statement, before a commit."""
        for block, index in reversed(position.path):
            around = block[index]
            rest = list(block[index + 1 :])
            if around is not position.statement and isinstance(around, s.For | s.While):
                rest = [*around.body, *rest]  # the next turn
            for statement in rest:
                if not past_commits and self._flushes.expires(function, statement):
                    return False
                if refreshes(statement, name):
                    return False
                if self._uses(statement, name):
                    return True
                if isinstance(statement, s.Return | s.Raise):
                    return False
        return False

    def _uses(self, statement: s.Stmt, name: str) -> bool:
        """Whether `statement` uses more than a column of the object called `name`."""
        return any(
            isinstance(part, s.Name) and part.id == name and not self._is_harmless(part)
            for part in s.walk(statement)
        )

    def _is_harmless(self, node: s.Name) -> bool:
        """Whether just a column of an object is read there, or just whether it is one."""
        around = self._project.parent(node)
        return self._is_column(node) or (
            isinstance(around, s.If | s.While | s.Conditional)
            or (isinstance(around, s.Operation) and around.operator in _TESTS)
        )

    def _is_column(self, node: s.Name) -> bool:
        """Whether just a column of the object called `node` is read, or set."""
        around = self._project.parent(node)
        if not isinstance(around, s.Attribute):
            return False
        types = self._project.infer(node, self._project.scope_of(node))
        models = held(types, self._models)
        return bool(models) and all(
            around.attr in self._project.models[cls.qualname].columns for cls in models
        )

    def is_loaded_early(
        self, function: Function, before: list[s.Stmt], name: str, early: EarlyRelationship
    ) -> bool | None:
        """Whether only the mapping has loaded the early; None: something else may have."""
        is_given = any(param.name == name for param in function.params)
        is_fresh: bool | None = True if is_given else None
        for statement in before:
            told = self._binds(statement, name, early)
            if self._effects.is_loaded_by(statement, name):
                is_fresh = None if _mentions_attribute(statement, early.name) else True
            elif told == "made":
                is_fresh = is_fresh or False
            elif told == "bound":
                is_fresh = None
            elif self._refreshes(function, statement, name):
                is_fresh = True
            elif is_fresh and self._may_read(statement, name):
                is_fresh = None
        return is_fresh

    def _binds(self, statement: s.Stmt, name: str, early: EarlyRelationship) -> str:
        """`made` if `name` gets a new object without the early, `bound` for anything else."""
        if isinstance(statement, s.For) and s.dotted_name(statement.target) == name:
            return "bound"
        if not any(isinstance(t, s.Name) and t.id == name for t in blocks.targets(statement)):
            return ""
        value = getattr(statement, "value", None)
        if not any(self._is_one(cls, early) for cls in classes_made(self._project, value)):
            return "bound"
        is_given = isinstance(value, s.Call) and keyword(value, early.name) is not None
        return "bound" if is_given else "made"

    def _refreshes(self, function: Function, statement: s.Stmt, name: str) -> bool:
        """Whether `statement` commits, or refreshes the object called `name`."""
        if blocks.is_compound(statement):
            return False
        if self._flushes.expires(function, statement):
            return True
        return not isinstance(statement, s.Assign) and refreshes(statement, name)

    def _may_read(self, statement: s.Stmt, name: str) -> bool:
        """Whether the early may be read in `statement`: it would be loaded from then on."""
        if isinstance(statement, s.Return | s.Raise):
            return False  # and it ends there
        parts = [part for head in blocks.heads(statement) for part in s.walk(head)]
        call = called(statement, awaited=False)
        if call is not None and self._changes.session_of(call, ("add", "add_all")):
            parts = [part for part in parts if part not in call.values]
        return any(
            isinstance(part, s.Name) and part.id == name and not self._is_harmless(part)
            for part in parts
        )


def _is_step(step: Step, early: EarlyRelationship) -> bool:
    return step.model is early.model and step.name == early.name


def _mentions_attribute(statement: s.Stmt, name: str) -> bool:
    return any(isinstance(part, s.Attribute) and part.attr == name for part in s.walk(statement))
