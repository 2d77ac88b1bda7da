"""Session factories and registries: their async form."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from migrate_async.index.declarative import keyword
from migrate_async.index.project import Project
from migrate_async.index.sessions import Variable
from migrate_async.model import plan as p
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.annotations import AnnotationEdits, retype
from migrate_async.plan.engines import NAME, engine_edits, inline_engine, rename_callee
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.own_session_classes import of_sqlmodel, own_class
from migrate_async.plan.text import source

SYNC_CLASS = "sync_session_class"
"""The argument that names the class of the sync session which an async one works through."""

_LATE_EXPIRY = "LateExpirySession"
_TASK_SCOPED = "task_scoped_session"
_DROPPED = frozenset({"autocommit", "future"})

_OF_SQLMODEL = "sqlmodel.ext.asyncio.session"
"""Where the async session is that has `exec()`, as those of SQLModel do."""


def factory_edits(
    project: Project, factory: Variable, expires_late: Callable[[], bool]
) -> ModuleEdits:
    """`sessionmaker(...)` as `async_sessionmaker(..., expire_on_commit=False)`.

    A factory that says `expire_on_commit=True` keeps it: its code may count on fresh collections.
    With `expires_late` the objects expire when a query meets them again.
    """
    found = ModuleEdits()
    call = factory.call
    rename_callee(found, factory.module, call, "async_sessionmaker")
    engine = inline_engine(call)
    if engine is not None:
        found.take(engine_edits(project, Variable("", "", "engine", engine, factory.scope)))
    for name in sorted(_DROPPED):
        if keyword(call, name) is not None:
            found.edits.append(p.RemoveArgument(span=call.span, codemod=NAME, name=name))
    own = own_class(project, factory)
    if own is not None:
        found.edits.append(p.RemoveArgument(span=call.span, codemod=NAME, name="class_"))
        if of_sqlmodel(project, factory, own):
            session = add_import(found, factory.module, _OF_SQLMODEL, "AsyncSession", NAME)
            code = f"class_={session}"
            found.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=code))
        code = f"{SYNC_CLASS}={source(own)}"
        found.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=code))
    retyped = _session_class(project, factory)
    found.edits += retyped.edits
    found.imports += retyped.imports
    found.unneeded += retyped.unneeded
    if keyword(call, "expire_on_commit") is None:
        code = "expire_on_commit=False"
        found.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=code))
        if expires_late():
            _expire_late(found, factory)
    return found


def registry_edits(registry: Variable, *, has_scope: bool, is_kept: bool) -> ModuleEdits:
    """`scoped_session(...)` as `async_scoped_session(...)`, which asks for a scope.

    Without one, a session belonged to a thread: in a function that nobody shares it with, to the
    task that runs the function; with `is_kept`, in an object, to any task.
    """
    found = ModuleEdits()
    call = registry.call
    if is_kept and not has_scope:
        rename_callee(found, registry.module, call, _TASK_SCOPED, "migrate_async")
        return found
    rename_callee(found, registry.module, call, "async_scoped_session")
    if not has_scope:
        task = add_import(found, registry.module, "asyncio", "current_task", NAME)
        found.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=f"scopefunc={task}"))
    return found


def factory_obstacle(project: Project, factory: Variable) -> Diagnostic | None:
    """Why the factory cannot become async, if so."""
    path = factory.module.path
    if keyword(factory.call, "query_cls") is not None:
        return at(
            path,
            factory.call.span,
            "MA402",
            "sessionmaker(query_cls=...) has no async counterpart",
            "turn the custom Query methods into functions that take a select()",
        )
    if (
        keyword(factory.call, "class_")
        and not _session_class(project, factory).edits
        and own_class(project, factory) is None
    ):
        return at(
            path,
            factory.call.span,
            "MA402",
            "sessionmaker(class_=...) names a class of the project that does more than override "
            "what AsyncSession calls",
            "derive an async class from AsyncSession, with this one as its sync_session_class",
        )
    if factory.kind == "scoped_session":
        return at(
            path,
            factory.call.span,
            "MA403",
            "scoped_session keeps one session per thread, which an event loop does not have",
            "pass the session as a parameter, from Depends(get_db)",
        )
    return None


def _expire_late(found: ModuleEdits, factory: Variable) -> None:
    """`sync_session_class=LateExpirySession`, for a factory without a class of its own."""
    call = factory.call
    if keyword(call, "class_") is not None:
        found.diagnostics.append(
            at(
                factory.module.path,
                call.span,
                "MA510",
                "queries after a commit may give objects as they were before it: the factory has "
                "a session class of its own",
                "refresh() what must be fresh, or derive its sync_session_class from "
                "migrate_async.LateExpirySession",
            )
        )
        return
    session = add_import(found, factory.module, "migrate_async", _LATE_EXPIRY, NAME)
    code = f"{SYNC_CLASS}={session}"
    found.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=code))


def _session_class(project: Project, factory: Variable) -> AnnotationEdits:
    """`class_=Session`: its async counterpart; no edits for a class that has none."""
    found = AnnotationEdits()
    session = keyword(factory.call, "class_")
    if session is not None:
        retype(project, factory.scope, session, found)
    return AnnotationEdits(
        [msgspec.structs.replace(edit, codemod=NAME) for edit in found.edits],
        [msgspec.structs.replace(change, codemod=NAME) for change in found.imports],
        found.unneeded,
    )
