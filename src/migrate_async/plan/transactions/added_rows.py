"""Collections that the mapping loads too early for rows that are added by foreign key.

Where a relationship was loaded when it was read, a row that had been flushed by then was in it.
Loaded together with its object (`lazy="selectin"`), it is older than the row. So the run that
changes the mapping has the collection loaded again where the row has been flushed, in code that
stays sync, too. Where that is not certain to be what the legacy code did, it is reported.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.index.types import ClassObject, Instance, held
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan import blocks
from migrate_async.plan.database import ModuleEdits
from migrate_async.plan.loads.paths import Step
from migrate_async.plan.loads.sinks import Sink, own_attributes
from migrate_async.plan.loads.statements import Statements
from migrate_async.plan.transactions.commits import called, is_model, refreshes
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.positions import Position, positions

NAME = "eager-relationships"

_TESTS = frozenset({"not", "and", "or", "is", "is not", "==", "!="})
_CHOICES = (s.Operation, s.Conditional, s.Lambda, s.Comprehension)


@dataclass(frozen=True)
class Collection:
    """`model` objects get `name`, objects of `target`, as soon as they are loaded.

    `leads_on` if a query says what to load with these: loaded again, they would lack it.
    """

    model: Class
    name: str
    target: Class
    leads_on: bool = False


@dataclass(frozen=True)
class _Flush:
    """`session` flushes rows at the position; `after` says whether the statement itself does."""

    position: Position
    session: str
    after: bool = True

    @property
    def place(self) -> s.Stmt:
        """What the collection is loaded again after: above all that a `return` awaits first."""
        block, index = self.position.path[-1]
        return block[index if self.after else index - 1]


class AddedRows:
    """Answers for one project, in the run after which the mapping loads `collections`."""

    def __init__(
        self,
        project: Project,
        effects: Effects,
        collections: Iterable[Collection],
        sinks: Iterable[Sink],
    ) -> None:
        self._project = project
        self._effects = effects
        self._values = Statements(project)
        self._collections = tuple(collections)
        self._sinks: dict[Function, list[Sink]] = {}
        for sink in sinks:
            self._sinks.setdefault(sink.function, []).append(sink)
        self._added: dict[Function, frozenset[Class]] = {}
        self._models = frozenset(model.cls for model in project.models.values())
        self._open: dict[Function, bool] = {}
        self._flushing: dict[Function, bool] = {}
        self._done: dict[Function, set[tuple[str, Collection]]] = {}
        """Of which names something has been said about which collection."""

    def edits(self, converts: Callable[[Function], bool]) -> Iterator[tuple[Module, ModuleEdits]]:
        """What is loaded again, by coroutines and by what stays sync, and what is reported."""
        for function in self._project.functions:
            node = function.node
            if function.is_module or function.module.is_test or not isinstance(node, s.FunctionDef):
                continue
            if not self._collections or not self._adds(function):
                continue
            found = ModuleEdits()
            for flush in self._flushes(function, node):
                for collection in self._collections:
                    self._after(found, function, flush, collection, converts)
            found.diagnostics += dict.fromkeys(self._not_flushed(function, node))
            found.diagnostics += dict.fromkeys(self._kept(function, node))
            yield function.module, found

    # --- what is added -------------------------------------------------------------------------

    def _adds(self, function: Function) -> frozenset[Class]:
        """The models of which `function`, or what it calls, adds or deletes rows."""
        if function not in self._added:
            self._added[function] = frozenset()
            node = function.node
            body = node.body if isinstance(node, s.FunctionDef) else ()
            own = frozenset(
                cls
                for statement in blocks.statements(body)
                for cls in self._added_by(function, statement)
            )
            self._added[function] = own.union(*map(self._adds, self._callees(function)))
        return self._added[function]

    def _added_by(self, function: Function, statement: s.Stmt) -> frozenset[Class]:
        """The models of what `statement` adds or deletes, itself or by a helper for any model."""
        call = called(statement, awaited=False) or called(statement, awaited=True)
        is_own = self._session(call, {"add", "add_all", "delete"})
        own = self._effects.added_or_deleted(statement) if is_own else frozenset()
        helped = {
            cls
            for site in self._project.calls(function)
            if site.kind == "call" and any(map(self._adds_any, site.targets))
            if self._project.statement_of(site.node) is statement
            for cls in held(self._project.infer(site.node, site.scope), self._models)
        }
        return own | helped

    def _adds_any(self, function: Function) -> bool:
        """Whether `function` adds an object of a class that only its callers know."""
        if function not in self._open:
            node = function.node
            body = node.body if isinstance(node, s.FunctionDef) else ()
            self._open[function] = any(
                self._session(called(statement, awaited=False), {"add"})
                and not self._effects.added_or_deleted(statement)
                for statement in blocks.statements(body)
            )
        return self._open[function]

    def _callees(self, function: Function) -> Iterator[Function]:
        for site in self._project.calls(function):
            if site.kind == "call":
                yield from site.targets

    def _is_added(
        self,
        function: Function,
        statement: s.Stmt,
        collection: Collection,
        *,
        own_methods: bool = True,
    ) -> bool:
        """Whether `statement` adds or deletes something that `collection` may have to show."""
        own = self._added_by(function, statement)
        if self._is_of(own, collection) and not self._is_linked(function, collection):
            return True
        return any(
            self._is_of(self._adds(target), collection)
            for target in self._effects.targets(function, statement)
            if own_methods or target.cls is None or target.cls is not function.cls
        )

    def _is_of(self, classes: Iterable[Class], collection: Collection) -> bool:
        return any(self._effects.overlap(cls, collection.target) for cls in classes)

    def _is_linked(self, function: Function, collection: Collection) -> bool:
        """Whether all new objects are given their owner, whose collection they enter at once."""
        model = self._project.models.get(collection.target.qualname)
        back = {
            name
            for name, relationship in (model.relationships.items() if model is not None else ())
            if relationship.target is not None
            and self._effects.overlap(relationship.target, collection.model)
            and (relationship.back_populates or relationship.backref or relationship.is_backref)
        }
        made = [
            call.node
            for call in function.calls
            if any(
                isinstance(item, Instance) and self._is_of((item.cls,), collection)
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

    # --- where it is flushed -------------------------------------------------------------------

    def _flushes(self, function: Function, node: s.FunctionDef) -> Iterator[_Flush]:
        for position in positions(node.body):
            statement = position.statement
            if any(True for _ in blocks.inner_blocks(statement)):
                continue
            if self._expires(function, statement):
                continue  # and is seen to
            session = self._flushed(statement) or self._flushed_through(function, statement)
            if session:
                yield _Flush(position, session)
            elif isinstance(statement, s.Return):
                session = self._session_of_adds(position)
                if session:
                    yield _Flush(position, session, after=False)

    def _expires(self, function: Function, statement: s.Stmt) -> bool:
        """Whether `statement` commits, and every object gets new values by that."""
        return self._commit_expires and self._effects.commits_at(function, statement)

    @cached_property
    def _commit_expires(self) -> bool:
        """Whether no factory says `expire_on_commit=False`, with which a commit only flushes."""
        return not any(
            isinstance(part, s.Keyword)
            and part.arg == "expire_on_commit"
            and isinstance(part.value, s.Constant)
            and not part.value.value
            for source in self._project.session_factories
            if source.kind != "async_sessionmaker" and not source.module.is_test
            for part in s.walk(source.value)
        )

    def _flushed(self, statement: s.Stmt) -> str:
        call = called(statement, awaited=False) or called(statement, awaited=True)
        return self._session(call, {"flush", "commit"})

    def _session(self, call: s.Call | None, methods: set[str]) -> str:
        """The session of which `call` calls one of `methods`."""
        func = call.func if call is not None else None
        if not isinstance(func, s.Attribute) or func.attr not in methods:
            return ""
        kind = self._project.session_kind(func.value, self._project.scope_of(func))
        return s.dotted_name(func.value) if kind is not None else ""

    def _flushed_through(self, function: Function, statement: s.Stmt) -> str:
        """The one session of `function`, if something that `statement` calls flushes."""
        if isinstance(statement, s.Return | s.Raise):
            return ""
        if not any(map(self._does_flush, self._effects.targets(function, statement))):
            return ""
        sessions = {
            s.dotted_name(value)
            for site in self._project.calls(function)
            if isinstance(site.node, s.Call)
            for value in site.node.values
            if self._project.session_kind(value, site.scope) is not None
        } - {""}
        return sessions.pop() if len(sessions) == 1 else ""

    def _does_flush(self, function: Function) -> bool:
        if function not in self._flushing:
            self._flushing[function] = False
            node = function.node
            body = node.body if isinstance(node, s.FunctionDef) else ()
            self._flushing[function] = any(map(self._flushed, blocks.statements(body))) or any(
                map(self._does_flush, self._callees(function))
            )
        return self._flushing[function]

    def _session_of_adds(self, position: Position) -> str:
        """The session that something is added to above, in the same block, and not flushed."""
        block, index = position.path[-1]
        session = ""
        for statement in block[:index]:
            if self._flushed(statement):
                session = ""
            call = called(statement, awaited=False)
            session = self._session(call, {"add", "add_all"}) or session
        return session

    # --- what is loaded again ------------------------------------------------------------------

    def _after(
        self,
        found: ModuleEdits,
        function: Function,
        flush: _Flush,
        collection: Collection,
        converts: Callable[[Function], bool],
    ) -> None:
        statement = flush.position.statement
        before = list(_before(function, flush))
        if not any(self._is_added(function, other, collection) for other in before):
            return
        for name in function.scope.names:
            if not self._holds(function, name, collection):
                continue
            if not self._is_read(function, flush, name, collection):
                continue
            told = self._is_loaded_early(function, before, name, collection)
            is_one = is_model(self._project, s.Name(*statement.span, name), function.scope)
            self._done.setdefault(function, set()).add((name, collection))
            if told is False:
                continue
            if told is None or not is_one or collection.leads_on:
                found.diagnostics.append(_report(function, statement, collection))
                continue
            is_awaited = converts(function) or function.is_async
            code = self._code(function, flush, name, collection, is_awaited=is_awaited)
            place = flush.place.span
            found.edits.append(p.InsertStatements(span=place, codemod=NAME, code=code, after=True))

    def _holds(self, function: Function, name: str, collection: Collection) -> bool:
        assert function.node is not None  # noqa: S101  the caller has looked
        node = s.Name(*function.node.span, name)
        types = self._project.infer(node, function.scope)
        return any(collection.model in self._project.mro(cls) for cls in held(types, self._models))

    def _is_read(
        self, function: Function, flush: _Flush, name: str, collection: Collection
    ) -> bool:
        """Whether `name` is read with what has been flushed, before a commit expires it."""
        if flush.after:
            return self._reads_on(function, flush.position, name)
        statement = flush.position.statement
        return any(
            isinstance(sink.value, s.Name)
            and sink.value.id == name
            and self._project.statement_of(sink.node) is statement
            and any(_is_step(step, collection) for path in sink.paths for step in path[:1])
            for sink in self._sinks.get(function, ())
        )

    def _reads_on(self, function: Function, position: Position, name: str) -> bool:
        """Whether more than a column of `name` is read after the statement, before a commit."""
        for block, index in reversed(position.path):
            around = block[index]
            rest = list(block[index + 1 :])
            if around is not position.statement and isinstance(around, s.For | s.While):
                rest = [*around.body, *rest]  # the next turn
            for statement in rest:
                if self._expires(function, statement) or refreshes(statement, name):
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

    def _is_loaded_early(
        self, function: Function, before: list[s.Stmt], name: str, collection: Collection
    ) -> bool | None:
        """Whether only the mapping has loaded the collection; None: something else may have."""
        is_given = any(param.name == name for param in function.params)
        is_fresh: bool | None = True if is_given else None
        for statement in before:
            told = self._binds(statement, name, collection)
            if self._effects.is_loaded_by(statement, name):
                is_fresh = None if _mentions_attribute(statement, collection.name) else True
            elif told == "made":
                is_fresh = is_fresh or False
            elif told == "bound":
                is_fresh = None
            elif self._refreshes(function, statement, name):
                is_fresh = True
            elif is_fresh and self._may_read(statement, name):
                is_fresh = None
        return is_fresh

    def _binds(self, statement: s.Stmt, name: str, collection: Collection) -> str:
        """`made` if `name` gets a new object without a collection, `bound` for anything else."""
        if isinstance(statement, s.For) and s.dotted_name(statement.target) == name:
            return "bound"
        if not any(isinstance(t, s.Name) and t.id == name for t in blocks.targets(statement)):
            return ""
        value = getattr(statement, "value", None)
        if not isinstance(value, s.Call):
            return "bound"
        makers = self._project.infer(value.func, self._project.scope_of(value))
        is_made = any(isinstance(maker, ClassObject) for maker in makers)
        given = {keyword.arg for keyword in value.keywords}
        return "made" if is_made and collection.name not in given else "bound"

    def _refreshes(self, function: Function, statement: s.Stmt, name: str) -> bool:
        """Whether `statement` commits, or refreshes the object called `name`."""
        if any(True for _ in blocks.inner_blocks(statement)):
            return False
        if self._expires(function, statement):
            return True
        return not isinstance(statement, s.Assign) and refreshes(statement, name)

    def _may_read(self, statement: s.Stmt, name: str) -> bool:
        """Whether the collection may be read in `statement`: it would be loaded from then on."""
        if isinstance(statement, s.Return | s.Raise):
            return False  # and it ends there
        parts = [part for head in _heads(statement) for part in s.walk(head)]
        call = called(statement, awaited=False)
        if call is not None and self._session(call, {"add", "add_all"}):
            parts = [part for part in parts if part not in call.values]
        return any(
            isinstance(part, s.Name) and part.id == name and not self._is_harmless(part)
            for part in parts
        )

    def _code(
        self,
        function: Function,
        flush: _Flush,
        name: str,
        collection: Collection,
        *,
        is_awaited: bool,
    ) -> str:
        line = f'{flush.session}.refresh({name}, ["{collection.name}"])'
        line = f"await {line}" if is_awaited else line
        statement = flush.position.statement
        tests = []
        node = s.Name(*statement.span, name)
        may_be_none = self._values.may_be_none(node, function.scope, statement)
        if may_be_none and not _is_used(flush.position, name):
            tests.append(f"{name} is not None")
        if self._effects.owners.has(function, name, flush.session) is None or any(
            param.name == name for param in function.params
        ):
            tests.append(f"{name} in {flush.session}")
        return f"if {' and '.join(tests)}:\n    {line}" if tests else line

    # --- what is reported ----------------------------------------------------------------------

    def _not_flushed(self, function: Function, node: s.FunctionDef) -> Iterator[Diagnostic]:
        """Rows of which nothing shows where they are flushed, or what is done about it."""
        for position, collection in itertools.product(positions(node.body), self._collections):
            statement = position.statement
            is_compound = any(True for _ in blocks.inner_blocks(statement))
            if is_compound or not self._is_added(function, statement, collection):
                continue
            before = list(_before(function, _Flush(position, "")))
            for name in function.scope.names:
                if (
                    (name, collection) not in self._done.get(function, ())
                    and self._holds(function, name, collection)
                    and self._reads_on(function, position, name)
                    and self._is_loaded_early(function, before, name, collection) is not False
                ):
                    yield _report(function, statement, collection)

    def _kept(self, function: Function, node: s.FunctionDef) -> Iterator[Diagnostic]:
        """Rows that a method adds while its object keeps one with the collection.

        Those that another of its methods adds are reported there.
        """
        if function.cls is None:
            return
        for statement in blocks.statements(node.body):
            for collection in self._collections:
                if not self._is_added(function, statement, collection, own_methods=False):
                    continue
                if self._keeps(function.cls, collection):
                    yield _report(function, statement, collection)

    def _keeps(self, cls: Class, collection: Collection) -> bool:
        """Whether methods of `cls` use `self.order`, an object with the collection."""
        return any(
            collection.model in self._project.mro(found)
            for function in self._project.functions
            if function.cls is cls
            for node in own_attributes(function)
            if isinstance(node.value, s.Name) and node.value.id == "self"
            for found in held(self._project.infer(node, self._project.scope_of(node)), self._models)
        )


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


def _heads(statement: s.Stmt) -> Iterator[s.AnyNode]:
    """What `statement` runs apart from the blocks inside it, which come one by one."""
    if isinstance(statement, s.If | s.While):
        yield statement.test
    elif isinstance(statement, s.For):
        yield statement.iter
    elif isinstance(statement, s.With):
        yield from (item.context for item in statement.items)
    elif not any(True for _ in blocks.inner_blocks(statement)):
        yield statement


def _is_step(step: Step, collection: Collection) -> bool:
    return step.model is collection.model and step.name == collection.name


def _before(function: Function, flush: _Flush) -> Iterator[s.Stmt]:
    """What stands before the flush, and the flush itself, which may be a call that adds."""
    assert isinstance(function.node, s.FunctionDef)  # noqa: S101  the caller has looked
    end = flush.position.statement
    for statement in blocks.statements(function.node.body):
        if statement.span[:2] < end.span[:2] or (flush.after and statement is end):
            yield statement


def _mentions_attribute(statement: s.Stmt, name: str) -> bool:
    return any(isinstance(part, s.Attribute) and part.attr == name for part in s.walk(statement))


def _report(function: Function, statement: s.Stmt, collection: Collection) -> Diagnostic:
    read = f"{collection.model.name}.{collection.name}"
    return at(
        function.module.path,
        statement.span,
        "MA511",
        f"{read} is now loaded with its object, and {function.qualname} adds or deletes "
        f"{collection.target.name} rows: an object loaded before them may be read without them",
        f'`session.refresh(obj, ["{collection.name}"])` where the rows have been flushed',
    )
