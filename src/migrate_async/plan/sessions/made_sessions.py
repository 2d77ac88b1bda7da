"""The expression that makes a session, once it is an async one."""

from __future__ import annotations

from migrate_async.model import syntax as s
from migrate_async.plan.fetched import construction
from migrate_async.plan.inner_imports import find_inner_import, is_only_fetched
from migrate_async.plan.sessions.acquisitions import Acquisition
from migrate_async.plan.sessions.changes import SessionChanges
from migrate_async.plan.sessions.classes import async_home
from migrate_async.plan.sessions.reopened import on_async_engines
from migrate_async.plan.sessions.sources import factory_of
from migrate_async.plan.text import source

_EXPIRE_LATE = "expire_late"


def session_call(changes: SessionChanges, found: Acquisition) -> str:
    """The source of what makes the session; `{}` where that has edits of its own."""
    if is_of_made_factory(found):
        return "{}"
    original = _original(changes, found.call.func) if found.kind == "factory" else None
    if found.kind == "factory" and original is None:
        return source(found.call)
    if found.kind == "constructor":
        return _constructed(changes, found.call, _reopened(changes, found.call))
    made = construction(changes.project, found.call) if found.kind == "next" else None
    if made is not None:
        engine = changes.imported(made.engine.module.name, made.engine.name)
        return _constructed(changes, found.call, made.on(engine))
    return _of_original(changes, found, original)


def _of_original(
    changes: SessionChanges, found: Acquisition, original: tuple[str, str] | None
) -> str:
    """A call of the factory that `found` took its session from, by a twin perhaps."""
    if original is None:
        return f"{_factory(changes, found)}()"
    if isinstance(found.call.func, s.Attribute):
        # The run that left the twin did so below the name of its module, too.
        home = s.dotted_name(found.call.func.value)
        return source(replace_func(found.call, f"{home}.{original[1]}"))
    return source(replace_func(found.call, changes.imported(*original)))


def _constructed(changes: SessionChanges, session: s.Call, call: s.Call) -> str:
    """`call`, which makes what the sync `session` is, with the async class.

    It keeps what is loaded, unless the code itself says what it is to do.
    """
    name = changes.imported(async_home(changes.project, session), "AsyncSession")
    made = source(replace_func(call, name))
    if any(keyword.arg == "expire_on_commit" for keyword in call.keywords):
        return made
    made = f"{made[:-1]}, expire_on_commit=False)"
    if changes.expires_late():
        return f"{changes.imported('migrate_async', _EXPIRE_LATE)}({made})"
    return made


def _factory(changes: SessionChanges, found: Acquisition) -> str:
    """The name of the factory whose session `next(get_db())` was."""
    own = factory_of(changes.project, found)
    module, factory = (own.module.name, own.name) if own is not None else changes.provider.home
    home = changes.project.modules.get(module)
    inner = find_inner_import(changes.project, found.giver) if found.giver is not None else None
    if inner is None or home is None:
        return changes.imported(module, factory)
    keep = not is_only_fetched(changes.project, inner)
    return changes.inner.add(inner, home, factory, factory, keep=keep)


def _reopened(changes: SessionChanges, call: s.Call) -> s.Call:
    if changes.provider.twins is None:
        return call
    call, imports = on_async_engines(call, changes.function.module, changes.provider.twins)
    changes.imports += imports
    return call


def _original(changes: SessionChanges, func: s.Expr) -> tuple[str, str] | None:
    """Module and name of the factory that `func`, `SyncSessionLocal` of an earlier run, is of."""
    name, provider = s.dotted_name(func).rpartition(".")[2], changes.provider
    if provider.factory and name == provider.sync_factory:
        return provider.home
    if provider.twins is None or not isinstance(func, s.Name | s.Attribute):
        return None
    twin = provider.twins.named(changes.function.module, func)
    is_factory = twin is not None and twin in provider.twins.variables.values()
    return (twin.module.name, twin.name) if twin is not None and is_factory else None


def is_of_made_factory(found: Acquisition) -> bool:
    """`sessionmaker(bind=engine)()`: the factory has edits of its own."""
    return found.kind == "factory" and isinstance(found.call.func, s.Call)


def replace_func(call: s.Call, name: str) -> s.Call:
    """`call` with another callee."""
    func = s.Name(*call.func.span, name)
    return s.Call(*call.span, func, call.args, call.keywords)
