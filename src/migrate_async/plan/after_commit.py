"""Values that change when a transaction commits.

A sync session expires its objects at commit, and the next read fetches what the database made of
them: rounded numbers, defaults, `onupdate` columns. The async session keeps what Python has
(`expire_on_commit=False`), so objects that a function wrote, committed and reads afterwards are
refreshed where the legacy code fetched them anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.sessions import SessionKind
from migrate_async.index.types import Instance
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks

NAME = "async-colour"

_MUTATORS = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "remove", "update"}
)


def refresh_edits(
    project: Project, function: Function, gone: frozenset[s.AnyNode]
) -> Iterator[p.AnyEdit]:
    """`await db.refresh(x)` after each commit that needs it.

    After a bulk UPDATE or DELETE that did not synchronise the session, every object may be stale:
    `db.expire_all()` lets later queries fetch them anew, as they did after a legacy commit.
    """
    if not isinstance(function.node, s.FunctionDef):
        return
    for block in blocks.blocks(function.node.body):
        for index, statement in enumerate(block):
            session = commits(project, statement, "sync")
            if session is None or statement in gone:
                continue
            rest = block[index + 1 :]
            stale = _unsynchronised(function.node, statement) and any(
                site.operation is not None and site.node.span > statement.span
                for site in project.calls(function)
            )
            names = (
                models_in(project, function) if stale else _written(project, function, statement)
            )
            lines = [f"{session}.expire_all()"] if stale else []
            lines += [
                f"await {session}.refresh({name})"
                for name in names
                if _read_before_refresh(rest, name)
            ]
            if lines:
                yield p.InsertStatements(
                    span=statement.span, codemod=NAME, code="\n".join(lines), after=True
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


def models_in(project: Project, function: Function) -> Iterator[str]:
    """Parameters and locals that hold one ORM object."""
    assert function.node is not None  # noqa: S101  the caller has looked
    found: dict[str, None] = {}
    for name in function.scope.names:
        if _is_model(project, s.Name(*function.node.span, name), function.scope):
            found[name] = None
    yield from found


def commits(project: Project, statement: s.Stmt, kind: SessionKind) -> str | None:
    """The session of that kind that `statement` commits."""
    call = called(statement, awaited=kind == "async")
    func = call.func if call is not None else None
    if not isinstance(func, s.Attribute) or func.attr != "commit":
        return None
    if project.session_kind(func.value, project.scope_of(func)) != kind:
        return None
    return s.dotted_name(func.value) or None


def called(statement: s.Stmt, *, awaited: bool) -> s.Call | None:
    """The call that `statement` is or, if `awaited`, awaits."""
    value = statement.value if isinstance(statement, s.ExpressionStatement) else None
    if awaited:
        value = value.value if isinstance(value, s.Await) else None
    return value if isinstance(value, s.Call) else None


def _written(project: Project, function: Function, commit: s.Stmt) -> Iterator[str]:
    """Locals holding ORM objects that the function adds or changes before `commit`."""
    assert isinstance(function.node, s.FunctionDef)  # noqa: S101
    found: dict[str, None] = {}
    for statement in blocks.statements(function.node.body):
        if statement.span[:2] >= commit.span[:2]:
            continue
        for node in _writes(statement):
            if _is_model(project, node, project.scope_of(node)):
                found[node.id] = None
    yield from found


def _writes(statement: s.Stmt) -> Iterator[s.Name]:
    """What `statement` writes.

    `x` in `db.add(x)`, `x = db.merge(y)`, `setattr(x, ...)`, `x.attribute = ...` and
    `x.items.append(...)`.
    """
    if isinstance(statement, s.Assign):
        is_merge = isinstance(statement.value, s.Call) and _method(statement.value) == "merge"
        for target in statement.targets:
            if is_merge and isinstance(target, s.Name):
                yield target
            if isinstance(target, s.Attribute) and isinstance(target.value, s.Name):
                yield target.value
    elif isinstance(statement, s.AugmentedAssign):
        target = statement.target
        if isinstance(target, s.Attribute) and isinstance(target.value, s.Name):
            yield target.value
    elif isinstance(statement, s.ExpressionStatement) and isinstance(statement.value, s.Call):
        call = statement.value
        changed = _changed_collection(call.func)
        if changed is not None:
            yield changed
        is_write = _method(call) in ("add", "setattr")
        if is_write and call.args and isinstance(call.args[0], s.Name):
            yield call.args[0]


def _method(call: s.Call) -> str:
    return s.dotted_name(call.func).rpartition(".")[2]


def _changed_collection(func: s.Expr) -> s.Name | None:
    """`x` in `x.items.append`: the database may order or complete the collection."""
    if not isinstance(func, s.Attribute) or func.attr not in _MUTATORS:
        return None
    owner = func.value.value if isinstance(func.value, s.Attribute) else None
    return owner if isinstance(owner, s.Name) else None


def _is_model(project: Project, node: s.Name, scope: Scope) -> bool:
    models = {model.cls for model in project.models.values()}
    types = project.infer(node, scope)
    return any(isinstance(found, Instance) and found.cls in models for found in types)


def _read_before_refresh(rest: blocks.Block, name: str) -> bool:
    """Whether what follows in the block reads `name` before refreshing or rebinding it."""
    for statement in rest:
        if refreshes(statement, name):
            return False
        if blocks.mentions(statement, name):
            return True
        if isinstance(statement, (s.Return, s.Raise)):
            return False
    return False


def refreshes(statement: s.Stmt, name: str) -> bool:
    """Whether `statement` binds `name` anew, or has a session fetch its values."""
    if isinstance(statement, s.Assign):
        return any(isinstance(t, s.Name) and t.id == name for t in statement.targets)
    call = called(statement, awaited=False) or called(statement, awaited=True)
    if call is None:
        return False
    is_refresh = _method(call) == "refresh"
    return is_refresh and bool(call.args) and s.dotted_name(call.args[0]) == name
