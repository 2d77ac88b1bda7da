"""Reads of objects in the statement, or the condition, that rolls back or commits.

    return {"done": undo(db), "name": user.name}

No line can go between the two: the attribute itself is awaited, `await user.awaitable_attrs.name`,
which loads what has been expired and else gives what is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TypeGuard

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.index.types import Instance
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan import blocks
from migrate_async.plan.transactions.commits import is_model
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.rolling_back import EXPIRING_ALL, RollingBack


class SameStatement:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects, rolling: RollingBack) -> None:
        self._project = project
        self._effects = effects
        self._rolling = rolling
        self._wholes: dict[Function, tuple[tuple[s.Stmt, s.Name], ...]] = {}

    def reads(self, function: Function) -> dict[s.Attribute, Model]:
        """The reads of columns that something in their statement may have expired."""
        return dict(self._reads(function))

    def wholes(self, function: Function) -> tuple[tuple[s.Stmt, s.Name], ...]:
        """The objects that are put into something, or handed on, once they have been expired.

        return {"done": undo(db), "user": user}
        """
        if function not in self._wholes:
            self._wholes[function] = tuple(self._find_wholes(function))
        return self._wholes[function]

    def _find_wholes(self, function: Function) -> Iterator[tuple[s.Stmt, s.Name]]:
        for statement, sites in self._expiring(function).items():
            rolled = [site.node for site in sites if self._rolls_back(site)]
            for head in blocks.heads(statement) if rolled else ():
                for node in filter(self._is_put, s.own_code(head)):
                    after = partial(_may_come_first, self._project, read=node, statement=statement)
                    if any(map(after, rolled)):
                        yield statement, node

    def _is_put(self, node: s.AnyNode) -> TypeGuard[s.Name]:
        """Whether an object stands where others get it: in a display, or as an argument."""
        if not isinstance(node, s.Name):
            return False
        around = self._project.parent(node)
        is_given = isinstance(around, s.Call) and node is not around.func
        if not is_given and not isinstance(around, s.Sequence | s.Mapping | s.Keyword):
            return False
        return is_model(self._project, node, self._project.scope_of(node))

    def told(self, function: Function) -> Iterator[Diagnostic]:
        """Those that no line after the statement can load again."""
        for statement, node in self.wholes(function):
            if isinstance(statement, s.Return) or isinstance(
                self._project.parent(node), s.Call | s.Keyword
            ):
                yield at(
                    function.module.path,
                    node.span,
                    "MA507",
                    f"what is read of `{node.id}` depends on what is loaded by then: this "
                    "statement rolls back before, and no load can be awaited here",
                    "call what rolls back in a statement of its own, above this one",
                )

    def _reads(self, function: Function) -> Iterator[tuple[s.Attribute, Model]]:
        for statement, sites in self._expiring(function).items():
            for head in blocks.heads(statement):
                for node, model in self._columns_in(head):
                    if any(self._may_expire(site, node, model, statement) for site in sites):
                        yield node, model
            for condition in _later_conditions(statement):
                for node, model in self._columns_in(condition):
                    if any(self._expires(site, node.attr, model) for site in sites):
                        yield node, model

    def _columns_in(self, part: s.AnyNode) -> Iterator[tuple[s.Attribute, Model]]:
        for node in s.own_code(part):
            if isinstance(node, s.Attribute):
                model = self._column_of(node)
                if model is not None:
                    yield node, model

    def _may_expire(
        self, site: CallSite, node: s.Attribute, model: Model, statement: s.Stmt
    ) -> bool:
        is_before = isinstance(statement, s.While) or _may_come_first(
            self._project, site.node, node, statement
        )
        return is_before and self._expires(site, node.attr, model)

    def _expiring(self, function: Function) -> dict[s.Stmt, list[CallSite]]:
        """The statements with calls that may expire objects, and these."""
        found: dict[s.Stmt, list[CallSite]] = {}
        for site in self._project.calls(function):
            if site.kind == "call" and (self._rolls_back(site) or self._commits(site)):
                statement = self._project.statement_of(site.node)
                if not self._is_whole(statement, site.node):
                    found.setdefault(statement, []).append(site)
        return found

    def _rolls_back(self, site: CallSite) -> bool:
        return self._is_operation(site, EXPIRING_ALL) or any(
            map(self._rolling.returns_rolled_back, site.targets)
        )

    def _commits(self, site: CallSite) -> bool:
        return self._is_operation(site, frozenset({"commit", "flush"})) or any(
            map(self._effects.does_commit, site.targets)
        )

    def _is_operation(self, site: CallSite, names: frozenset[str]) -> bool:
        found = site.operation
        return found is not None and found.owner == "session" and found.name in names

    @staticmethod
    def _is_whole(statement: s.Stmt, call: s.Expr) -> bool:
        """Whether `call` is all that `statement` evaluates, after its own arguments."""
        value = getattr(statement, "value", None)
        value = value.value if isinstance(value, s.Await) else value
        return value is call and not isinstance(statement, s.AugmentedAssign)

    def _expires(self, site: CallSite, name: str, model: Model) -> bool:
        """Whether a call expires the attribute, and not only what a flush does."""
        return self._rolls_back(site) or model.columns[name].generated

    def _column_of(self, node: s.Attribute) -> Model | None:
        """The model of which `node` reads a column, if it is surely one."""
        if blocks.is_target(node, self._project.parent):
            return None
        types = self._project.infer(node.value, self._project.scope_of(node))
        found = [
            self._project.models.get(item.cls.qualname)
            for item in types
            if isinstance(item, Instance)
        ]
        models = [model for model in found if model is not None and node.attr in model.columns]
        return models[0] if models and len(models) == len(found) else None


def _may_come_first(project: Project, call: s.Expr, read: s.Expr, statement: s.Stmt) -> bool:
    """Whether `call` may have run when `read` is evaluated: what stands first comes first.

    Other than in the turns of a comprehension, and in `a if condition else b`.
    """
    if call.span[:2] < read.span[:2]:
        return not _is_in(read, call)
    around = project.parent(call)
    while around is not statement and not isinstance(around, s.ModuleSyntax):
        if isinstance(around, s.Comprehension | s.Conditional) and _is_in(read, around):
            return True
        around = project.parent(around)
    return False


def _is_in(node: s.AnyNode, around: s.AnyNode) -> bool:
    return any(part is node for part in s.walk(around))


def _later_conditions(statement: s.Stmt) -> Iterator[s.Expr]:
    """Those of the `elif` after a condition."""
    while isinstance(statement, s.If) and statement.orelse:
        inner = statement.orelse[0]
        if not isinstance(inner, s.If) or not blocks.is_elif(inner, statement):
            return
        yield inner.test
        statement = inner
