"""Reads of columns that the database made when a changed object was flushed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.project import Model
from migrate_async.index.scopes import Class, Function
from migrate_async.index.types import Instance
from migrate_async.lint.hazards.expiry import Expired, Expiry
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence
from migrate_async.plan import blocks
from migrate_async.plan.mapper_arguments import keys, written
from migrate_async.plan.new_objects import makes_object
from migrate_async.plan.transactions.commits import commits, models_in

_EAGER = "eager_defaults"


class FlushedReads(Expiry):
    """Answers for one project: `commit` of what it finds may be a flush."""

    def of(self, function: Function) -> Iterator[Expired]:
        """The first such read of each object after each flush, where nothing fetched it anew."""
        if not self._late or not isinstance(function.node, s.FunctionDef):
            return
        seen: set[s.AnyNode] = set()
        for statement in blocks.statements(function.node.body):
            session = self._flushed(statement, function)
            for name in models_in(self._project, function) if session else ():
                if not self._is_changed(name, statement, function):
                    continue
                if not self._belongs(name, session, statement, function):
                    continue
                read = self._first_read(statement, name, function)
                if read is not None and read not in seen:
                    seen.add(read)
                    sure = Confidence.MEDIUM if isinstance(read, s.Call) else Confidence.HIGH
                    yield Expired(read, statement, sure)

    def _flushed(self, statement: s.Stmt, function: Function) -> str:
        """The session that `statement` flushes; a commit that expires all is another matter."""
        call = blocks.called(statement, awaited=True)
        func = call.func if call is not None else None
        if isinstance(func, s.Attribute) and func.attr == "flush":
            kind = self._project.session_kind(func.value, function.scope)
            return s.dotted_name(func.value) if kind == "async" else ""
        if self.confidence(function) is not None:
            return ""
        return commits(self._project, statement, "async") or ""

    def _is_changed(self, name: str, flush: s.Stmt, function: Function) -> bool:
        """Whether `name` holds an object that was there before, and an attribute of it is set."""
        assert isinstance(function.node, s.FunctionDef)  # noqa: S101  the caller has looked
        owner = s.Name(*flush.span, name)
        made = self._project.assigned(owner, function.scope)
        if any(makes_object(self._project, value) for value in made):
            return False
        return any(
            isinstance(target, s.Attribute) and s.dotted_name(target.value) == name
            for statement in blocks.statements(function.node.body)
            if statement.span[:2] < flush.span[:2]
            for target in blocks.targets(statement)
        )

    def _reads(self, node: s.Attribute) -> bool:
        """Whether `node` reads a column that a flush has left to be fetched."""
        if not super()._reads(node):
            return False
        found = self._project.infer(node.value, self._project.scope_of(node))
        classes = [item.cls for item in found if isinstance(item, Instance)]
        return any(node.attr in self._late.get(cls, ()) for cls in classes)

    @cached_property
    def _late(self) -> dict[Class, frozenset[str]]:
        """The columns that the database makes, of the models that do not fetch them by a flush."""
        found = {
            model.cls: frozenset(c.name for c in model.columns.values() if c.generated)
            for model in self._project.models.values()
            if not self._is_eager(model)
        }
        return {cls: names for cls, names in found.items() if names}

    def _is_eager(self, model: Model) -> bool:
        return any(_EAGER in keys(written(cls)) for cls in self._project.mro(model.cls))
