"""Sessions that are of the other kind than what they are bound to, or than what is declared."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.parameters import is_depends
from migrate_async.index.project import Function, Project
from migrate_async.index.sessions import SessionKind
from migrate_async.index.types import (
    External,
    ExternalInstance,
    FunctionObject,
    SessionFactory,
    Types,
    elements,
)
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.verify import findings as f

_BOUND = ("bind", "engine")
_SYNC = (sqlalchemy.ENGINE, sqlalchemy.CONNECTION)
_ASYNC = (sqlalchemy.ASYNC_ENGINE, sqlalchemy.ASYNC_CONNECTION)


def check_bindings(project: Project, fn: Function) -> Iterator[Diagnostic]:
    """`Session(engine)` and `sessionmaker(bind=engine)` in `fn`, where `engine` is async.

    Or `AsyncSession(engine)`, where it is not. What may be of both kinds is left alone.
    """
    for call in fn.calls:
        is_async = _is_async(project.infer(call.node.func, call.scope))
        if is_async is None or any(keyword.arg == "class_" for keyword in call.node.keywords):
            continue  # `sessionmaker(engine, class_=AsyncSession)`, as SQLAlchemy 1.4 had it
        for value in _engines(call.node):
            types = project.infer(value, call.scope)
            unfit = _SYNC if is_async else _ASYNC
            if types and all(isinstance(t, ExternalInstance) and t.dotted in unfit for t in types):
                kinds = ("an async", "a sync") if is_async else ("a sync", "an async")
                message = f"{kinds[0]} session is bound to {kinds[1]} engine"
                yield f.UNFIT_ENGINE.at(fn.module.path, call.node.span, message)


def check_injected(project: Project, fn: Function) -> Iterator[Diagnostic]:
    """`db: AsyncSession = Depends(get_db)`, where `get_db` gives a sync session.

    The reverse is a slip that works, as long as all is awaited.
    """
    for param in fn.params:
        given, outer = param.default, fn.scope.parent
        if not is_depends(given):
            continue
        if param.annotation is None or outer is None or not given.args:
            continue
        declared = project.session_kind_of(project.annotated(param.annotation, outer))
        if declared == "async" and _gives_sync(project, project.infer(given.args[0], outer)):
            message = f"{param.name} is declared an AsyncSession, and gets a sync session"
            yield f.UNFIT_DEPENDENCY.at(fn.module.path, given.span, message)


def _gives_sync(project: Project, dependency: Types) -> bool:
    """Whether all that it gives is known to be sync, whatever its annotation says."""
    functions = [item.fn for item in dependency if isinstance(item, FunctionObject)]
    kinds = {
        None if value is None else _kind_of_elements(project, fn, value)
        for fn in functions
        for value in fn.given
    }
    return kinds == {"sync"}


def _kind_of_elements(project: Project, fn: Function, value: s.Expr) -> SessionKind | None:
    """The kind of session that `value` is, or that it yields: `yield from get_session()`."""
    return project.session_kind_of(frozenset(elements(project.infer(value, fn.scope))))


def _engines(call: s.Call) -> Iterator[s.Expr]:
    yield from call.args[:1]
    yield from (keyword.value for keyword in call.keywords if keyword.arg in _BOUND)


def _is_async(called: Types) -> bool | None:
    """Whether what is called makes async sessions; None if it makes none, or nobody knows."""
    kinds = {_kind(item) for item in called}
    return kinds.pop() if len(kinds) == 1 else None


def _kind(item: object) -> bool | None:
    if isinstance(item, SessionFactory):
        return item.is_async
    if not isinstance(item, External):
        return None
    if item.dotted in (*sqlalchemy.ASYNC_SESSIONS, sqlalchemy.ASYNC_SESSIONMAKER):
        return True
    return False if item.dotted in (*sqlalchemy.SESSIONS, sqlalchemy.SESSIONMAKER) else None
