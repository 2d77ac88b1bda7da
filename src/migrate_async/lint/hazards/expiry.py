"""Whether the async sessions of a project expire their objects at commit, and what reads them
afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, RawCall, bindings_of
from migrate_async.index.types import ExternalInstance, Instance, SessionFactory
from migrate_async.knowledge import sqlalchemy
from migrate_async.lint.hazards.passing import Passed, holds, passed
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence
from migrate_async.plan import blocks
from migrate_async.plan.loads.origins import Origins
from migrate_async.plan.transactions.commits import commits, models_in, refreshes

_OPTION = "expire_on_commit"


@dataclass(frozen=True)
class Expired:
    """`node` reads an attribute of an object that `commit` has expired, or calls what does."""

    node: s.Attribute | s.Call
    commit: s.Stmt
    confidence: Confidence


class Expiry:
    """Answers for one project."""

    def __init__(self, view: View) -> None:
        self._project = view.project
        self._origins = view.analysis(Origins)
        self._made = _made(view.project)

    def confidence(self, function: Function) -> Confidence | None:
        """How sure it is that the async sessions of `function` expire objects; None: none does.

        The sessions that its own module makes count more than those of others.
        """
        in_test = function.module.is_test
        found = self._made.get(function.module)
        if found is None:
            homes = [module for module in self._made if not module.is_test]
            found = [expires for module in homes for expires in self._made[module]]
        if not any(found):
            return None
        return Confidence.HIGH if all(found) and not in_test else Confidence.MEDIUM

    def of(self, function: Function) -> Iterator[Expired]:
        """The first read of each object after each commit, where nothing fetched it anew."""
        confidence = self.confidence(function)
        if confidence is None or not isinstance(function.node, s.FunctionDef):
            return
        seen: set[s.AnyNode] = set()
        for statement in blocks.statements(function.node.body):
            session = commits(self._project, statement, "async")
            if session is None:
                continue
            for name in models_in(self._project, function):
                if not self._belongs(name, session, statement, function):
                    continue
                read = self._first_read(statement, name, function)
                if read is not None and read not in seen:
                    seen.add(read)
                    is_past = isinstance(read, s.Call)
                    sure = Confidence.MEDIUM if is_past else confidence
                    yield Expired(read, statement, sure)

    def _belongs(self, name: str, session: str, commit: s.Stmt, function: Function) -> bool:
        """Whether `session` holds the object `name` when it commits."""
        found = bindings_of(name, function.scope)
        if len(found) != 1:
            return False
        origin = self._origins.of(s.Name(*commit.span, name), function.scope)
        if origin is not None and not origin.calls:
            func = origin.call.func
            is_before = origin.call.span < commit.span
            return is_before and isinstance(func, s.Attribute) and _is(func.value, session)
        return any(
            _adds(call.node, session, name) and call.node.span < commit.span
            for call in function.calls
        )

    def _first_read(
        self, commit: s.Stmt, name: str, function: Function
    ) -> s.Attribute | s.Call | None:
        readers = self._readers(name, function)
        for statement in self._following(commit, function):
            if refreshes(statement, name) or _fetches(self._project, statement, function):
                return None
            for node in s.walk(statement):
                if isinstance(node, s.Attribute) and _is(node.value, name) and self._reads(node):
                    return node
                if isinstance(node, s.Call) and node in readers:
                    return node
            if isinstance(statement, s.Return | s.Raise):
                return None
        return None

    def _readers(self, name: str, function: Function) -> frozenset[s.Call]:
        """The calls that run a function which reads the object `name` that it gets."""
        return frozenset(
            given.call
            for given in passed(self._project, function)
            if _is(given.value, name) and self._is_reader(given)
        )

    def _is_reader(self, given: Passed) -> bool:
        body = given.helper.node.body if isinstance(given.helper.node, s.FunctionDef) else ()
        return any(
            isinstance(node, s.Attribute)
            and holds(node.value, given.name, given.helper.scope)
            and self._reads(node)
            for statement in body
            for node in s.own_code(statement)
        )

    def _reads(self, node: s.Attribute) -> bool:
        """Whether `node` reads a mapped attribute, which may fetch it."""
        parent = self._project.parent(node)
        if isinstance(parent, s.Assign) and any(target is node for target in parent.targets):
            return False
        for item in self._project.infer(node.value, self._project.scope_of(node)):
            model = (
                self._project.models.get(item.cls.qualname) if isinstance(item, Instance) else None
            )
            if model is not None and node.attr in {*model.columns, *model.relationships}:
                return True
        return False

    def _following(self, statement: s.Stmt, function: Function) -> Iterator[s.Stmt]:
        """What runs after `statement`: the rest of its block, and of the blocks around it."""
        node: s.AnyNode = statement
        while node is not function.node:
            parent = self._project.parent(node)
            if isinstance(parent, s.ModuleSyntax):
                return
            for block in _blocks(parent):
                if any(item is node for item in block):
                    index = next(i for i, item in enumerate(block) if item is node)
                    yield from block[index + 1 :]
                    if block[-1] is not node and isinstance(block[-1], s.Return | s.Raise):
                        return
            node = parent


def _blocks(parent: s.AnyNode) -> Iterator[tuple[s.Stmt, ...]]:
    if isinstance(parent, s.FunctionDef | s.Handler | s.Case):
        yield parent.body
    else:
        yield from blocks.inner_blocks(parent)  # type: ignore[arg-type]  # other nodes have none


def _is(expr: s.Expr, name: str) -> bool:
    return s.dotted_name(expr) == name


def _adds(call: s.Call, session: str, name: str) -> bool:
    func = call.func
    is_add = isinstance(func, s.Attribute) and func.attr == "add" and _is(func.value, session)
    return is_add and any(_is(arg, name) for arg in call.args)


def _fetches(project: Project, statement: s.Stmt, function: Function) -> bool:
    """Whether another query runs first, which gives expired objects their values back."""
    nodes = {node for node in s.walk(statement) if isinstance(node, s.Call)}
    return any(
        site.operation is not None
        and site.operation.name in ("execute", "scalars", "scalar", "exec", "get", "get_one")
        and site.node in nodes
        for site in project.calls(function)
    ) or any(
        site.awaited and site.node in nodes and project.passes_session(site)
        for site in project.calls(function)
    )


def _made(project: Project) -> dict[Module, list[bool | None]]:
    """By module, whether each async session factory in it expires objects."""
    found: dict[Module, list[bool | None]] = {}
    for function in project.functions:
        for call in function.calls:
            if _makes_sessions(project, call):
                found.setdefault(function.module, []).append(_expires(call))
    return found


def _makes_sessions(project: Project, call: RawCall) -> bool:
    """`async_sessionmaker(...)`, `sessionmaker(class_=AsyncSession)`, `AsyncSession(...)`."""
    if "annotation" in call.context:
        return False
    name = s.dotted_name(call.node.func).rpartition(".")[2]
    if name not in ("sessionmaker", "async_sessionmaker", "AsyncSession"):
        return False
    types = project.infer(call.node, call.scope)
    if any(isinstance(item, SessionFactory) and item.is_async for item in types):
        return name in ("sessionmaker", "async_sessionmaker")
    return name == "AsyncSession" and any(
        isinstance(item, ExternalInstance) and item.dotted in sqlalchemy.ASYNC_SESSIONS
        for item in types
    )


def _expires(call: RawCall) -> bool | None:
    """None when the arguments do not tell."""
    for keyword in call.node.keywords:
        if keyword.arg is None:
            return None
        if keyword.arg == _OPTION:
            value = keyword.value
            is_constant = isinstance(value, s.Constant) and value.kind == "bool"
            return bool(value.value) if is_constant else None  # type: ignore[union-attr]
    return True
