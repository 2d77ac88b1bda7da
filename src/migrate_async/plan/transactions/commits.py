"""Statements that commit, and what they mean for the objects at hand."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.sessions import SessionKind
from migrate_async.index.types import Instance
from migrate_async.model import syntax as s
from migrate_async.plan.blocks import called, method_name


def models_in(project: Project, function: Function) -> Iterator[str]:
    """Parameters and locals that hold one ORM object."""
    assert function.node is not None  # noqa: S101  the caller has looked
    found: dict[str, None] = {}
    for name in function.scope.names:
        if is_model(project, s.Name(*function.node.span, name), function.scope):
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


def begun(project: Project, statement: s.Stmt) -> str | None:
    """The sync session that the block of `with session.begin():` commits, and leaves open."""
    items = statement.items if isinstance(statement, s.With) else ()
    opened = {s.dotted_name(item.target) for item in items if item.target is not None}
    for item in items:
        func = item.context.func if isinstance(item.context, s.Call) else None
        if isinstance(func, s.Attribute) and func.attr == "begin":
            name = s.dotted_name(func.value)
            kind = project.session_kind(func.value, project.scope_of(func))
            return name if kind == "sync" and name not in opened else None
    return None


def is_model(project: Project, node: s.Name, scope: Scope) -> bool:
    """Whether `node` is one ORM object."""
    classes = (item.cls for item in project.infer(node, scope) if isinstance(item, Instance))
    return any(
        model.cls is cls
        for cls in classes
        if (model := project.models.get(cls.qualname)) is not None
    )


def refreshes(statement: s.Stmt, name: str) -> bool:
    """Whether `statement` binds `name` anew, or has a session fetch all its values."""
    if isinstance(statement, s.Assign):
        return any(isinstance(t, s.Name) and t.id == name for t in statement.targets)
    call = called(statement, awaited=False) or called(statement, awaited=True)
    if call is None:
        return False
    is_whole = len(call.args) == 1 and not any(k.arg == "attribute_names" for k in call.keywords)
    return method_name(call) == "refresh" and is_whole and s.dotted_name(call.args[0]) == name


def refresh(name: str, session: str, *tests: str, is_sure: bool) -> str:
    """`await db.refresh(x)`, if all `tests` hold.

    Unless it `is_sure` that there was a commit, only of an object with nothing to write: a refresh
    forgets what has not been flushed.
    """
    if not is_sure:
        tests = (*tests, f"not {session}.is_modified({name})")
    line = f"await {session}.refresh({name})"
    return f"if {' and '.join(tests)}:\n    {line}" if tests else line
