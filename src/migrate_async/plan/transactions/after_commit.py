"""Values that change when a transaction commits.

A sync session expires its objects at commit, and the next read fetches what the database made of
them: rounded numbers, defaults, `onupdate` columns. The async session keeps what Python has
(`expire_on_commit=False`), so objects that a function wrote, committed and reads afterwards are
refreshed where the legacy code fetched them anew. So are those that a later query gives again: the
session has them already, and leaves what they have loaded as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.blocks import called, method_name
from migrate_async.plan.names import free_name
from migrate_async.plan.transactions.attributes_written import WrittenAttributes
from migrate_async.plan.transactions.commits import (
    begun,
    commits,
    is_model,
    models_in,
    refresh,
    refreshes,
)
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.flushes import commit_keeps
from migrate_async.plan.transactions.given import refreshes_of_given
from migrate_async.plan.transactions.listed import Listed, each
from migrate_async.plan.transactions.polled import Polled
from migrate_async.plan.transactions.positions import Position, positions, statements_before
from migrate_async.plan.transactions.values import Values
from migrate_async.plan.transactions.written import writes

NAME = "async-colour"

_Found = dict[tuple[s.Stmt, bool], dict[str, None]]
"""Lines, by the statement that they follow, or, if that is false, precede."""


class Refreshes:
    """Plans `await db.refresh(x)` after each commit that needs it, for one project.

    After a bulk UPDATE or DELETE that did not synchronise the session, every object may be stale:
    `db.expire_all()` lets later queries fetch them anew, as they did after a legacy commit.
    """

    def __init__(self, project: Project, effects: Effects, values: Values) -> None:
        self._project = project
        self._effects = effects
        self._values = values
        self._keeps = commit_keeps(project)
        self._attributes = WrittenAttributes(project, effects, values)
        self._listed = Listed(project, effects, values)
        self._polled = Polled(project, effects)

    def edits(self, function: Function, gone: frozenset[s.AnyNode]) -> Iterator[p.AnyEdit]:
        """Those of `function`, of which the statements in `gone` are no longer there."""
        if not isinstance(function.node, s.FunctionDef):
            return
        found: _Found = {}
        for position in positions(function.node.body):
            if position.statement not in gone:
                self._after(found, function, position)
        for (statement, after), lines in found.items():
            code = "\n".join(lines)
            yield p.InsertStatements(span=statement.span, codemod=NAME, code=code, after=after)

    def _after(self, found: _Found, function: Function, position: Position) -> None:
        statement, effects = position.statement, self._effects
        session = commits(self._project, statement, "sync") or begun(self._project, statement)
        is_own = session is not None
        session = session or effects.commits_through(function, statement)
        if session is None:
            return
        if not self._keeps:
            for code in self._attributes.refreshes(function, position, session):
                found.setdefault((statement, True), {})[code] = None
        names = effects.stale_names(function, position, is_own=is_own)
        if is_own and self._is_unsynchronised(function, statement):
            found.setdefault((statement, True), {})[f"{session}.expire_all()"] = None
            held = models_in(self._project, function)
            names = tuple(name for name in held if _is_known(function, name, statement))
        polled = self._polled_at(found, function, position, session)
        for name in (name for name in names if name not in polled):
            if position.reads_later(name) or effects.is_fetched_again(
                function, name, position, is_own=is_own
            ):
                place = position.place_of_refresh(self._project, name)
                lines = self._refresh(function, name, position, session)
                found.setdefault((place, True), {}).update(dict.fromkeys(lines))
        if not self._keeps:
            for again in self._listed.refreshes(function, position, session):
                found.setdefault((again.place, True), {})[again.code] = None
        for line in refreshes_of_given(self._project, function, position, session, effects):
            found.setdefault((statement, True), {})[line] = None

    def _polled_at(
        self, found: _Found, function: Function, position: Position, session: str
    ) -> frozenset[str]:
        """What others may change after the commit, and is refreshed just before it is read."""
        polled = {} if self._keeps else self._polled.refreshes(function, position)
        for name, place in polled.items():
            lines = self._refresh(function, name, position, session)
            found.setdefault((place.statement, place.after), {}).update(dict.fromkeys(lines))
        return frozenset(polled)

    def _refresh(
        self, function: Function, name: str, position: Position, session: str
    ) -> Iterator[str]:
        """`await db.refresh(x)`, if there is an `x` and `db` has it; what is not known is asked."""
        is_held = _is_held(function, name, session, self._effects, position)
        if is_held is False:
            return
        is_sure = self._effects.surely_commits(function, position.statement)
        node = s.Name(*position.statement.span, name)
        if not is_model(self._project, node, function.scope):
            yield from self._refresh_each(function, node, session, is_held=is_held, is_sure=is_sure)
            return
        tests = []
        if _may_be_none(function, name, position, self._values):
            tests.append(f"{name} is not None")
        if is_held is None:
            tests.append(f"{name} in {session}")
        yield refresh(name, session, *tests, is_sure=is_sure)

    def _refresh_each(
        self,
        function: Function,
        objects: s.Name,
        session: str,
        *,
        is_held: bool | None,
        is_sure: bool,
    ) -> Iterator[str]:
        """The same for each of several `objects`."""
        model = next(self._effects.models_held(objects, function.scope), None)
        if model is None or not self._values.is_list(objects, function.scope):
            return
        item = free_name(function, model.name.lower())
        tests = [] if is_held else [f"{item} in {session}"]
        yield each(item, objects.id, session, *tests, is_sure=is_sure)

    def _is_unsynchronised(self, function: Function, commit: s.Stmt) -> bool:
        node = function.node
        return (
            isinstance(node, s.FunctionDef)
            and _unsynchronised(node, commit)
            and _runs_later(self._project, function, commit)
        )


def _may_be_none(function: Function, name: str, position: Position, values: Values) -> bool:
    """Whether `name` may hold None there: it does not if something has surely been written."""
    is_written = any(
        node.id == name
        for block, index in position.path
        for statement in block[:index]
        for node in writes(statement)
    )
    node = s.Name(*position.statement.span, name)
    return not is_written and values.may_be_none(node, function.scope, position.statement)


def _is_held(
    function: Function, name: str, session: str, effects: Effects, position: Position
) -> bool | None:
    """Whether `session` has the object called `name` after a commit; None: only a run can tell."""
    is_gone = _is_gone(function, name, position)
    if is_gone:
        return False
    if name in effects.made_names(function, position.statement):
        return None
    if is_gone is None or effects.is_deleted_by_callees(function, name, position.statement):
        return None
    return effects.owners.has(function, name, session)


def _is_gone(function: Function, name: str, position: Position) -> bool | None:
    """Whether the object called `name` has been deleted before a commit; None: it may have been."""
    told: bool | None = False
    for statement in statements_before(function, position.statement):
        call = called(statement, awaited=False)
        if call is not None and method_name(call) in ("delete", "expunge") and call.args:
            if s.dotted_name(call.args[0]) == name:
                surely = any(statement in block[:index] for block, index in position.path)
                told = True if surely else None
        elif isinstance(statement, s.Assign) and refreshes(statement, name):
            told = False
    return told


def _runs_later(project: Project, function: Function, commit: s.Stmt) -> bool:
    """Whether something runs on the session after `commit`."""
    return any(
        site.operation is not None and site.node.span > commit.span
        for site in project.calls(function)
    )


def _is_known(function: Function, name: str, commit: s.Stmt) -> bool:
    """Whether something can be bound to `name` at `commit`: a parameter, or it appears before."""
    return any(param.name == name for param in function.params) or any(
        node.id == name and node.span[:2] < commit.span[:2] for node in function.nodes(s.Name)
    )


def _unsynchronised(node: s.FunctionDef, commit: s.Stmt) -> bool:
    """Whether `synchronize_session=False` stands before `commit`."""
    return any(
        isinstance(part, s.Keyword)
        and part.arg == "synchronize_session"
        and isinstance(part.value, s.Constant)
        and part.value.kind == "bool"
        and not part.value.value
        and part.span[:2] < commit.span[:2]
        for part in s.walk(node)
    )
