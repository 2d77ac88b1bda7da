"""Where the rows that a function changes reach the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called
from migrate_async.plan.row_changes import RowChanges
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.positions import Position, positions, statements_before


@dataclass(frozen=True)
class Flush:
    """`session` flushes rows at the position; `after` says whether the statement itself does."""

    position: Position
    session: str
    after: bool = True

    @property
    def place(self) -> s.Stmt:
        """What a relationship is loaded again after: above all that a `return` awaits first."""
        block, index = self.position.path[-1]
        return block[index if self.after else index - 1]

    def before(self, function: Function) -> list[s.Stmt]:
        """What stands before the flush, and the flush itself, which may be a call that adds."""
        end = self.position.statement
        return list(statements_before(function, end, is_included=self.after))


class Flushes:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects, changes: RowChanges) -> None:
        self._project = project
        self._effects = effects
        self._changes = changes
        self._flushing: dict[Function, bool] = {}

    def of(self, function: Function, node: s.FunctionDef) -> Iterator[Flush]:
        """Those of `function`, apart from commits that expire all objects."""
        for position in positions(node.body):
            statement = position.statement
            if blocks.is_compound(statement):
                continue
            if self.expires(function, statement):
                continue  # and is seen to
            session = self._flushed_at(function, statement)
            if session:
                yield Flush(position, session)
            elif isinstance(statement, s.Return):
                session = self._session_of_changes(function, position)
                if session:
                    yield Flush(position, session, after=False)

    def _flushed_at(self, function: Function, statement: s.Stmt) -> str:
        """The session that flushes, or runs what the database does at once, in `statement`."""
        session = self._flushed(statement)
        if session or isinstance(statement, s.Return | s.Raise):
            return session
        if self._changes.at_once(statement):
            return self._session_in(statement) or self._only_session(function)
        calls = self._effects.targets(function, statement)
        return self._only_session(function) if any(map(self._does_flush, calls)) else ""

    def expires(self, function: Function, statement: s.Stmt) -> bool:
        """Whether `statement` commits, and every object gets new values by that."""
        return self.commit_expires and self._effects.commits_at(function, statement)

    @cached_property
    def commit_expires(self) -> bool:
        return commit_expires(self._project)

    def _flushed(self, statement: s.Stmt) -> str:
        call = called(statement, awaited=False) or called(statement, awaited=True)
        return self._changes.session_of(call, ("flush", "commit"))

    def _session_in(self, statement: s.Stmt) -> str:
        """The session on which `statement` calls something."""
        names = (
            node
            for node in s.walk(statement)
            if isinstance(node, s.Name | s.Attribute)
            and self._project.session_kind(node, self._project.scope_of(node)) is not None
        )
        return next(filter(None, map(s.dotted_name, names)), "")

    def _only_session(self, function: Function) -> str:
        """The one session that `function` works on or hands to others."""
        sessions = set(self._effects.owners.sessions(function))
        return sessions.pop() if len(sessions) == 1 else ""

    def _does_flush(self, function: Function) -> bool:
        """Whether `function`, or what it calls, flushes."""
        if function not in self._flushing:
            self._flushing[function] = False
            node = function.node
            body = node.body if isinstance(node, s.FunctionDef) else ()
            own = any(
                self._flushed(statement) or self._changes.at_once(statement)
                for statement in blocks.statements(body)
            )
            sites = (site for site in self._project.calls(function) if site.kind == "call")
            self._flushing[function] = own or any(
                self._does_flush(target) for site in sites for target in site.targets
            )
        return self._flushing[function]

    def _session_of_changes(self, function: Function, position: Position) -> str:
        """The session that something changed in above, in the same block, and did not flush."""
        block, index = position.path[-1]
        session = ""
        for statement in block[:index]:
            if self._flushed(statement):
                session = ""
            call = called(statement, awaited=False)
            added = self._changes.session_of(call, ("add", "add_all"))
            is_changed = self._changes.by(function, statement) - self._changes.at_once(statement)
            session = added or (self._only_session(function) if is_changed else session)
        return session


def commit_expires(project: Project) -> bool:
    """Whether no factory says `expire_on_commit=False`, with which a commit only flushes."""
    return not any(map(_keeps, _factories(project)))


def commit_keeps(project: Project) -> bool:
    """Whether all factories say so."""
    found = list(_factories(project))
    return bool(found) and all(map(_keeps, found))


def _factories(project: Project) -> Iterator[s.Expr]:
    for source in project.session_factories:
        if source.kind != "async_sessionmaker" and not source.module.is_test:
            yield source.value


def _keeps(value: s.Expr) -> bool:
    return any(
        isinstance(part, s.Keyword)
        and part.arg == "expire_on_commit"
        and isinstance(part.value, s.Constant)
        and not part.value.value
        for part in s.walk(value)
    )
