"""What functions write and commit, themselves or through what they call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Scope, last_name
from migrate_async.index.sessions import SessionKind
from migrate_async.index.sites import CallSite
from migrate_async.index.types import (
    ClassObject,
    FunctionObject,
    Instance,
    ResultOf,
    SessionFactory,
    TypeVariable,
    elements,
)
from migrate_async.knowledge.sqlalchemy import RESULT_ONE, RESULT_SCALAR
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called, method_name
from migrate_async.plan.names import is_sync_side
from migrate_async.plan.row_changes import RowChanges, stored_or_deleted
from migrate_async.plan.transactions.bulk_updates import BulkUpdates
from migrate_async.plan.transactions.certainty import Certainty
from migrate_async.plan.transactions.commits import begun, commits, is_model
from migrate_async.plan.transactions.given_away import GivenAway
from migrate_async.plan.transactions.new_names import made_names
from migrate_async.plan.transactions.owners import Owners
from migrate_async.plan.transactions.positions import Position, statements_before
from migrate_async.plan.transactions.written import owners, takes_out, writes

_OF_RESULTS = RESULT_ONE | RESULT_SCALAR
_NO_COLLECTION = frozenset({"dynamic", "write_only", "noload", "raise", "raise_on_sql"})
"""Values of `lazy=` with which no loaded collection can become stale."""


class Effects:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.owners = Owners(project)
        self.changes = RowChanges(project)
        self.updates = BulkUpdates(project)
        self._written: dict[Function, frozenset[Class]] = {}
        self._commits: dict[Function, bool] = {}
        self._for_others: dict[Function, bool] = {}
        self._certainty = Certainty(project, self._is_commit, self.does_commit)
        self._given_away = GivenAway(project, writes, self.commits_at)
        self._deleted: dict[Function, frozenset[Class | None]] = {}
        self._related: dict[tuple[Function, str], frozenset[Class]] = {}

    def stale_names(
        self, function: Function, position: Position, *, is_own: bool
    ) -> tuple[str, ...]:
        """Locals whose objects the database may know better than `function` after a commit.

        Those that the function wrote, and those with a relationship to what was written: a
        collection that was loaded lacks the new row. `is_own`: the function commits itself.
        """
        commit = position.statement
        names = self.written_names(function, statements_before(function, commit))
        found = dict.fromkeys(names if is_own else self._left_stale(function, position))
        written = self._written_by(function, commit, is_own=is_own)
        at_once = self._updated_at_once(function, commit, is_own=is_own)
        if is_own:
            at_once |= self._changed_at_once(function, commit)
        for name in self._loaded_names(function, commit):
            is_changed = self.is_one(function, name) and self._is_one_of(function, name, at_once)
            if is_changed or self._is_related(function, name, written):
                found[name] = None
        found.update(dict.fromkeys(sorted(self.made_names(function, commit))))
        if is_own and self.owners.has_several(function):
            found.update(dict.fromkeys(self._written_elsewhere(function, commit)))
        return tuple(found)

    def _left_stale(self, function: Function, position: Position) -> Iterator[str]:
        """Locals that were written since the last commit, or by a callee, which commits now.

        Not those that this callee refreshes.
        """
        last = position.last(lambda statement: self.commits_at(function, statement))
        written = (
            statement
            for statement in statements_before(function, position.statement)
            if last is None or statement.span > last.span
        )
        sites = self._certainty.sites(function, position.statement)
        fresh = frozenset(self._given_away.refreshed_by(sites))
        for name in (*self.written_names(function, written), *self._changed_by(sites)):
            if name not in fresh:
                yield name

    def _changed_at_once(self, function: Function, commit: s.Stmt) -> frozenset[Class]:
        """The models of the rows that statements have changed, behind the back of the objects."""
        found = map(self.changes.updated_at_once, statements_before(function, commit))
        return frozenset().union(*found)

    def _updated_at_once(
        self, function: Function, commit: s.Stmt, *, is_own: bool
    ) -> frozenset[Class]:
        """The models that UPDATE statements are about, in what has been called, too."""
        above = statements_before(function, commit) if is_own else [commit]
        updates = self.updates
        return frozenset(
            update.model
            for statement in above
            for found in (
                updates.at(statement),
                *map(updates.of, self.targets(function, statement)),
            )
            for update in found
        )

    def _written_elsewhere(self, function: Function, commit: s.Stmt) -> Iterator[str]:
        """Locals with an object like one that another session may have written."""
        written = self._classes_before(function, commit) | frozenset(
            cls
            for statement in statements_before(function, commit)
            for owner in owners(statement)
            if not isinstance(owner, s.Name)
            for cls in self._models(owner)
        )
        for name in self._loaded_names(function, commit):
            if self._is_one_of(function, name, written):
                yield name

    def made_names(self, function: Function, commit: s.Stmt) -> frozenset[str]:
        """Locals with a new object that is handed on, and that the session may have by then."""
        return made_names(self._project, self.changes, function, commit)

    def is_one(self, function: Function, name: str) -> bool:
        """Whether `name` may hold one object; `listed` sees to lists."""
        assert function.node is not None  # noqa: S101  the caller has looked
        return is_model(self._project, s.Name(*function.node.span, name), function.scope)

    def _is_one_of(self, function: Function, name: str, classes: frozenset[Class]) -> bool:
        """Whether `name` may hold an object of one of `classes`."""
        assert function.node is not None  # noqa: S101  the caller has looked
        models = list(self.models_held(s.Name(*function.node.span, name), function.scope))
        return any(self._project.overlap(one, other) for one in models for other in classes)

    def is_made_stale(self, function: Function, name: str, position: Position) -> bool:
        """Whether the object called `name` is related to what is written before or by a commit."""
        commit = position.statement
        is_own = commits(self._project, commit, "sync") is not None
        written = self._written_by(function, commit, is_own=is_own)
        known = self.stale_names(function, position, is_own=is_own)
        return name not in known and self._is_related(function, name, written)

    def _written_by(self, function: Function, commit: s.Stmt, *, is_own: bool) -> frozenset[Class]:
        """The models that are written before `commit`, or by it, if a callee commits."""
        if is_own:
            return self._classes_before(function, commit)
        return frozenset(
            cls for target in self.targets(function, commit) for cls in self._writes_of(target)
        )

    def written_before(self, function: Function, commit: s.Stmt) -> frozenset[Class]:
        """The models that `function` writes before `commit`, or by it, itself or through others."""
        at_once = self._changed_at_once(function, commit)
        by_callees = self._written_by(function, commit, is_own=False)
        return self._classes_before(function, commit) | at_once | by_callees

    def is_fetched_again(
        self, function: Function, name: str, position: Position, *, is_own: bool
    ) -> bool:
        """Whether something that runs after a commit gives objects of the class of `name`.

        Not of one that may have been deleted: what is gone cannot be refreshed.
        """
        assert function.node is not None  # noqa: S101  the caller has looked
        node = s.Name(*function.node.span, name)
        wanted = set(self.models_held(node, function.scope))
        commit = position.statement
        gone = self._deleted_before(function, commit)
        if not is_own:
            gone |= self._written_by(function, commit, is_own=False)
        if any(self._project.overlap(one, other) for one in wanted for other in gone):
            return False
        return any(
            position.is_before(site.node) and not wanted.isdisjoint(self._models(site.node))
            for site in self._project.calls(function)
            if site.kind == "call" and (site.operation is not None or site.targets)
        )

    def surely_commits(self, function: Function, statement: s.Stmt) -> bool:
        """Whether `statement` commits whenever it runs, itself or through what it calls."""
        called = self._certainty.calls_commit(function, statement)
        return self._is_commit(statement) or called is True

    def commits_through(self, function: Function, statement: s.Stmt) -> str | None:
        """The session that a function which `statement` calls may commit; None: none does."""
        is_compound = blocks.is_compound(statement)
        if is_compound or isinstance(statement, s.Return | s.Raise):
            return None
        if self._certainty.calls_commit(function, statement) is False:
            return None
        if not any(map(self._commits_for_others, self.targets(function, statement))):
            return None
        sessions = {
            s.dotted_name(value)
            for site in self._project.calls(function)
            for value in self._sessions_of(site)
        } - {""}
        return sessions.pop() if len(sessions) == 1 else None

    def _sessions_of(self, site: CallSite) -> Iterator[s.Expr]:
        """The session that a call works on, and those that it is given."""
        if not isinstance(site.node, s.Call):
            return
        func = site.node.func
        given = site.node.values
        owner = [func.value] if isinstance(func, s.Attribute) else []
        for value in (*owner, *given):
            kind = self._project.session_kind(value, site.scope)
            if kind == "sync" and not is_sync_side(value, self._project):
                yield value

    def targets(self, function: Function, statement: s.Stmt) -> tuple[Function, ...]:
        """The functions of the project that a simple statement calls."""
        sites = self._certainty.sites(function, statement)
        return tuple(target for site in sites for target in site.targets)

    def commits_at(self, function: Function, statement: s.Stmt) -> bool:
        """Whether `statement` commits, itself or through a function that it calls."""
        return self._is_commit(statement) or any(
            self.does_commit(target) for target in self.targets(function, statement)
        )

    def given_session(self, function: Function, statement: s.Stmt) -> tuple[Function, ...]:
        """The functions that a simple statement calls, and gives a session."""
        sites = self._certainty.sites(function, statement)
        passing = filter(self._project.passes_session, sites)
        return tuple(target for site in passing for target in site.targets)

    def is_written_elsewhere(
        self, function: Function, statement: s.Stmt, models: Iterable[Class]
    ) -> bool:
        """Whether `statement` calls what writes objects of `models` in a session of its own."""
        if blocks.is_compound(statement):
            return False
        sites = self._certainty.sites(function, statement)
        writing = (
            target
            for site in sites
            if not self._project.passes_session(site)
            for target in site.targets
            if self.does_commit(target)
        )
        written = frozenset().union(*map(self._writes_of, writing))
        return any(self._project.overlap(one, other) for one in models for other in written)

    # --- functions -----------------------------------------------------------------------------

    def does_commit(self, function: Function) -> bool:
        """Whether `function`, or what it calls, commits a session."""
        if function not in self._commits:
            self._commits[function] = False
            self._commits[function] = self._finds_commit(function)
        return self._commits[function]

    def _commits_for_others(self, function: Function) -> bool:
        """Whether `function`, or what it calls, commits a session that it does not make itself."""
        if function not in self._for_others:
            self._for_others[function] = False
            self._for_others[function] = self.does_commit(function) and (
                self._commits_given(function)
                or any(self._hands_to_commit(function, site) for site in self._calls(function))
            )
        return self._for_others[function]

    def _commits_given(self, function: Function) -> bool:
        body = function.node.body if isinstance(function.node, s.FunctionDef) else ()
        for statement in filter(self._is_commit, blocks.statements(body)):
            session = self._committed(statement)
            if not session or not self.owners.is_made_here(function, session):
                return True
        return False

    def _committed(self, statement: s.Stmt) -> str:
        """The session that `statement` commits by itself; empty: it has no name."""
        kinds: tuple[SessionKind, ...] = ("sync", "async")
        names = (commits(self._project, statement, kind) for kind in kinds)
        return next(filter(None, names), None) or begun(self._project, statement) or ""

    def _hands_to_commit(self, function: Function, site: CallSite) -> bool:
        """Whether a call commits, and is given no session that `function` has made."""
        if not any(map(self._commits_for_others, site.targets)):
            return False
        given = [s.dotted_name(value) for value in self._sessions_of(site)]
        return not given or not all(self.owners.is_made_here(function, name) for name in given)

    def _calls(self, function: Function) -> Iterator[CallSite]:
        return (site for site in self._project.calls(function) if site.kind == "call")

    def _finds_commit(self, function: Function) -> bool:
        if not isinstance(function.node, s.FunctionDef):
            return False
        own = any(map(self._is_commit, blocks.statements(function.node.body)))
        return own or any(self.does_commit(target) for target in self._project.callees(function))

    def _is_commit(self, statement: s.Stmt) -> bool:
        """`session.commit()`, of either kind, or `with session.begin():`."""
        if isinstance(statement, s.With):
            return any(map(self._is_begin, statement.items))
        return any(commits(self._project, statement, kind) for kind in ("sync", "async"))

    def _is_begin(self, item: s.WithItem) -> bool:
        func = item.context.func if isinstance(item.context, s.Call) else None
        if not isinstance(func, s.Attribute) or func.attr != "begin":
            return False
        scope = self._project.scope_of(func)
        return self._project.session_kind(func.value, scope) is not None or any(
            isinstance(found, SessionFactory) for found in self._project.infer(func.value, scope)
        )

    def _writes_of(self, function: Function) -> frozenset[Class]:
        """The models whose objects `function`, or what it calls, adds, changes or deletes."""
        if function not in self._written:
            self._written[function] = frozenset()
            self._written[function] = self._finds_writes(function)
        return self._written[function]

    def _finds_writes(self, function: Function) -> frozenset[Class]:
        if not isinstance(function.node, s.FunctionDef):
            return frozenset()
        own = self._classes(blocks.statements(function.node.body))
        return own.union(*(self._writes_of(target) for target in self._project.callees(function)))

    # --- one function --------------------------------------------------------------------------

    def is_deleted_by_callees(self, function: Function, name: str, commit: s.Stmt) -> bool:
        """Whether what `function` calls up to `commit` may have deleted the object `name`."""
        for statement in statements_before(function, commit, is_included=True):
            for gone in map(self._deletes, self.targets(function, statement)):
                known = frozenset(cls for cls in gone if cls is not None)
                if None in gone or self._is_one_of(function, name, known):
                    return True
        return False

    def _deletes(self, function: Function) -> frozenset[Class | None]:
        """The models of which `function`, or what it calls, deletes objects; None: of any."""
        if function not in self._deleted:
            self._deleted[function] = frozenset()
            body = function.node.body if isinstance(function.node, s.FunctionDef) else ()
            gone = (node for part in blocks.statements(body) for node in takes_out(part))
            own = frozenset(cls for node in gone for cls in (*self._models(node),) or (None,))
            below = map(self._deletes, self._project.callees(function))
            self._deleted[function] = own.union(*below)
        return self._deleted[function]

    def is_loaded_by(self, statement: s.Stmt, name: str) -> bool:
        """Whether `statement` gives `name` one object that is the session's already."""
        return name in self._loaded(statement)

    def _classes_before(self, function: Function, commit: s.Stmt) -> frozenset[Class]:
        written = self._classes(statements_before(function, commit))
        targets = (
            target
            for statement in statements_before(function, commit)
            for target in self.targets(function, statement)
        )
        return written.union(*map(self._writes_of, targets))

    def _deleted_before(self, function: Function, commit: s.Stmt) -> frozenset[Class]:
        calls = (
            called(statement, awaited=False) for statement in statements_before(function, commit)
        )
        return frozenset(
            cls
            for call in calls
            if call is not None and method_name(call) == "delete" and call.args
            for cls in self._models(call.args[0])
        )

    def _classes(self, statements: Iterator[s.Stmt]) -> frozenset[Class]:
        found: set[Class] = set()
        for statement in statements:
            objects = (*writes(statement), *owners(statement))
            for node in (*objects, *stored_or_deleted(statement)):
                found.update(self._models(node))
            for change in self.changes.at_once(statement):
                found.update(self.changes.models_of(change.table))
        return frozenset(found)

    def _models(self, node: s.Expr) -> Iterator[Class]:
        yield from self.models_held(node, self._project.scope_of(node))

    def models_held(self, node: s.Expr, scope: Scope) -> Iterator[Class]:
        """The models of the object, or the objects, that `node` is or holds."""
        for item in elements(self._project.infer(node, scope)):
            if isinstance(item, Instance) and item.cls.qualname in self._project.models:
                yield item.cls

    def written_names(self, function: Function, statements: Iterable[s.Stmt]) -> Iterator[str]:
        """Locals holding ORM objects that the function adds or changes by `statements`."""
        for statement in statements:
            for node in writes(statement):
                scope = self._project.scope_of(node)
                is_unknown = not self._project.infer(node, scope) or self._is_generic(node, scope)
                if is_model(self._project, node, scope) or (
                    is_unknown and self._is_added(statement)
                ):
                    yield node.id
            yield from self._changed_by(self._certainty.sites(function, statement))

    def _changed_by(self, sites: Iterable[CallSite]) -> Iterator[str]:
        """Locals holding ORM objects that calls change."""
        for node in self._given_away.changed_by(sites):
            if is_model(self._project, node, self._project.scope_of(node)):
                yield node.id

    def _is_generic(self, node: s.Name, scope: Scope) -> bool:
        """Whether `node` is an object of a type that a generic class leaves open."""
        return any(isinstance(item, TypeVariable) for item in self._project.infer(node, scope))

    def _is_added(self, statement: s.Stmt) -> bool:
        """`db.add(x)`: whatever `x` is, a session takes nothing but ORM objects."""
        call = called(statement, awaited=False)
        func = call.func if call is not None else None
        return (
            isinstance(func, s.Attribute)
            and func.attr == "add"
            and self._project.session_kind(func.value, self._project.scope_of(func)) is not None
        )

    def _loaded_names(self, function: Function, commit: s.Stmt) -> Iterator[str]:
        """Locals with an object that is surely the session's: loaded, or added, here."""
        gone: set[str] = set()
        for statement in statements_before(function, commit):
            gone.update(node.id for node in takes_out(statement))
            call = called(statement, awaited=False)
            if call is not None and method_name(call) == "add" and call.args:
                yield from (call.args[0].id,) if isinstance(call.args[0], s.Name) else ()
        known: dict[str, None] = {}
        for statement in statements_before(function, commit):
            known.update(dict.fromkeys(self._loaded(statement)))
            known.update(dict.fromkeys(self._related_in(statement, known)))
        yield from (name for name in known if name not in gone)

    def _related_in(self, statement: s.Stmt, known: Collection[str]) -> Iterator[str]:
        """`x` in `x = y.owner`, where `y` is one of those that are `known`."""
        if isinstance(statement, s.Assign) and len(statement.targets) == 1:
            for target, value in _pairs(statement.targets[0], statement.value):
                if (
                    isinstance(target, s.Name)
                    and isinstance(value, s.Attribute)
                    and s.dotted_name(value.value) in known
                    and is_model(self._project, target, self._project.scope_of(value))
                ):
                    yield target.id

    def _loaded(self, statement: s.Stmt) -> Iterator[str]:
        """`x` in `x = f(...)` and `x, y = f(...), g(...)` where that gives one ORM object of the
        session, and makes no new one; `x` and `y` in `x, y = query.all()`.
        """
        if not isinstance(statement, s.Assign) or len(statement.targets) != 1:
            return
        for target, value in _pairs(statement.targets[0], statement.value):
            given = value.value if isinstance(value, s.Await) else value
            if not isinstance(given, s.Call) or not self._gives(given):
                continue
            parts = target.items if isinstance(target, s.Sequence) else (target,)
            scope = self._project.scope_of(given)
            for part in parts:
                if isinstance(part, s.Name) and (
                    part is target or is_model(self._project, part, scope)
                ):
                    yield part.id

    def _gives(self, call: s.Call) -> bool:
        makers = self._project.infer(call.func, self._project.scope_of(call))
        if any(isinstance(maker, ClassObject) for maker in makers):
            return False
        is_project = any(isinstance(maker, FunctionObject) for maker in makers)
        return is_project or self.is_operation(call)

    def is_operation(self, call: s.Call) -> bool:
        """Whether a query, a session or a result gives the value of `call`."""
        function = self._project.function_of(call)
        if last_name(call.func) in _OF_RESULTS and self._is_of_result(call):
            return True
        return any(
            site.node is call and site.operation is not None
            for site in self._project.calls(function)
        )

    def _is_of_result(self, call: s.Call) -> bool:
        func = call.func
        if not isinstance(func, s.Attribute):
            return False
        types = self._project.infer(func.value, self._project.scope_of(func))
        return any(isinstance(item, ResultOf) for item in types)

    def _is_related(self, function: Function, name: str, written: frozenset[Class]) -> bool:
        """Whether the object called `name` has a relationship to one of `written`."""
        targets = self._related_to(function, name)
        return any(self._project.overlap(target, cls) for target in targets for cls in written)

    def may_be_stale(self, function: Function, name: str) -> bool:
        """Whether the object called `name` has a relationship that can be loaded."""
        return bool(self._related_to(function, name))

    def _related_to(self, function: Function, name: str) -> frozenset[Class]:
        """The models that the relationships of the object called `name` lead to."""
        key = (function, name)
        if key not in self._related:
            assert function.node is not None  # noqa: S101  the caller has looked
            node = s.Name(*function.node.span, name)
            self._related[key] = frozenset(
                relationship.target
                for item in self._project.infer(node, function.scope)
                if isinstance(item, Instance) and item.cls.qualname in self._project.models
                for relationship in self._project.models[item.cls.qualname].relationships.values()
                if relationship.target is not None and relationship.lazy not in _NO_COLLECTION
            )
        return self._related[key]


def _pairs(target: s.Expr, value: s.Expr) -> Iterator[tuple[s.Expr, s.Expr]]:
    """What an assignment gives to what: `x, y = 1, 2` are two."""
    if not isinstance(target, s.Sequence) or not isinstance(value, s.Sequence):
        yield target, value
    elif len(target.items) == len(value.items):
        for part, given in zip(target.items, value.items, strict=True):
            yield from _pairs(part, given)
