"""What only the database knows of an object that has been flushed.

    user.hits = User.hits + 1
    db.flush()
    return user.hits

A flush expires attributes that were set to SQL expressions, and those that are mapped to one, and
the next read fetched them. Converted code fetches them after the flush, or after the query that
flushes. A commit is seen to in `after_commit`, what a mapping says of its columns in
`generated_columns`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.declarative import string
from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.types import ClassObject, External, Instance
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called, method_name
from migrate_async.plan.read_names import read_names
from migrate_async.plan.transactions.autoflushes import Autoflushes
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.expired_arguments import attribute_names
from migrate_async.plan.transactions.positions import Position, positions, statements_before

NAME = "async-colour"

_FUNCTIONS = frozenset({"sqlalchemy.func", "sqlalchemy.sql.func", "sqlalchemy.sql.expression.func"})


class Flushed:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects) -> None:
        self._project = project
        self._effects = effects
        self._autoflushes = Autoflushes(project)

    @cached_property
    def _read(self) -> frozenset[str]:
        return read_names(self._project)

    def edits(self, function: Function, gone: frozenset[s.AnyNode]) -> Iterator[p.AnyEdit]:
        """`await db.refresh(user, ["hits"])` after what flushes `user`."""
        if not isinstance(function.node, s.FunctionDef):
            return
        done: set[tuple[str, str, s.Stmt]] = set()
        for position in positions(function.node.body):
            statement = position.statement
            is_whole = blocks.is_compound(statement) or statement in gone
            if is_whole or isinstance(statement, s.Return | s.Raise):
                continue
            session = self._flushed(statement)
            given = list(self._expressions(function, statement)) if session else []
            session = session or self._autoflushed(function, statement)
            if not session:
                continue
            given += self._assigned(function, position)
            fresh = [item for item in given if item not in done]
            done.update(fresh)
            yield from self._refreshes(function, position, session, fresh)

    def _refreshes(
        self,
        function: Function,
        position: Position,
        session: str,
        given: list[tuple[str, str, s.Stmt]],
    ) -> Iterator[p.AnyEdit]:
        names = dict.fromkeys(name for name, _, _ in given if position.reads_later(name))
        for name in names:
            attributes = dict.fromkeys(attribute for other, attribute, _ in given if other == name)
            listed = ", ".join(f'"{attribute}"' for attribute in attributes)
            code = f"await {session}.refresh({name}, [{listed}])"
            is_held = self._effects.owners.has(function, name, session)
            if is_held is False:
                continue
            if is_held is None:
                code = f"if {name} in {session}:\n    {code}"
            span = position.statement.span
            yield p.InsertStatements(span=span, codemod=NAME, code=code, after=True)

    def _flushed(self, statement: s.Stmt) -> str:
        call = called(statement, awaited=False)
        return self._effects.changes.session_of(call, ("flush",))

    def _autoflushed(self, function: Function, statement: s.Stmt) -> str:
        """The session that flushes for a query in `statement`."""
        if not self._autoflushes.at(function, statement):
            return ""
        sessions = set(self._effects.owners.sessions(function))
        return sessions.pop() if len(sessions) == 1 else ""

    def _assigned(self, function: Function, flush: Position) -> Iterator[tuple[str, str, s.Stmt]]:
        """The names and attributes that are set to SQL expressions before `flush`, and where.

        But for those that an earlier run has had fetched.
        """
        before = list(statements_before(function, flush.statement))
        block, index = flush.path[-1]
        seen = (*before, *blocks.statements(block[index + 1 : index + 2]))
        for statement in before:
            if not isinstance(statement, s.Assign | s.AugmentedAssign):
                continue
            for target in blocks.targets(statement):
                if not isinstance(target, s.Attribute) or not isinstance(target.value, s.Name):
                    continue
                if any(_fetches(other, target, statement) for other in seen):
                    continue
                if self._is_sql(statement.value) and self._models(target.value, function.scope):
                    yield target.value.id, target.attr, statement

    def _expressions(self, function: Function, flush: s.Stmt) -> Iterator[tuple[str, str, s.Stmt]]:
        """Those that are mapped to SQL expressions, of what is written before `flush`."""
        above = statements_before(function, flush)
        for name in self._effects.written_names(function, above):
            node = s.Name(*flush.span, name)
            for model in self._models(node, function.scope):
                for attribute in sorted(self._read & model.expressions - model.deferred):
                    yield name, attribute, flush

    def _models(self, node: s.Name, scope: Scope) -> list[Model]:
        found = self._project.infer(node, scope)
        classes = [item.cls.qualname for item in found if isinstance(item, Instance)]
        return [self._project.models[name] for name in classes if name in self._project.models]

    def _is_sql(self, value: s.Expr) -> bool:
        """Whether `value` computes with a column of a class, or calls a function of SQL."""
        return any(map(self._is_of_sql, s.walk(value)))

    def _is_of_sql(self, node: s.AnyNode) -> bool:
        if not isinstance(node, s.Attribute):
            return False
        for item in self._project.infer(node.value, self._project.scope_of(node)):
            if isinstance(item, ClassObject) and item.cls.qualname in self._project.models:
                model = self._project.models[item.cls.qualname]
                return node.attr in model.columns
            if isinstance(item, External) and item.dotted in _FUNCTIONS:
                return True
        return False


def _fetches(statement: s.Stmt, target: s.Attribute, written: s.Stmt) -> bool:
    """Whether `statement` is `await db.refresh(user, ["hits"])`, below what has `written` that."""
    call = called(statement, awaited=True)
    if call is None or method_name(call) != "refresh" or statement.span <= written.span:
        return False
    names = attribute_names(call)
    is_same = s.dotted_name(call.args[0]) == s.dotted_name(target.value) if call.args else False
    listed = names.items if isinstance(names, s.Sequence) else ()
    return is_same and any(string(item) == target.attr for item in listed)
