"""Unmodified `app.dependency_overrides` of sync tests serve migrated routes.

A test suite says `app.dependency_overrides[get_db] = override_get_db`, where the override yields
a sync `Session`. Once `get_db` is async, its routes need an `AsyncSession`: what the override
yields is wrapped in a `SyncSessionAdapter`. Overrides of sync dependencies stay as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import ModuleType
from typing import Any

from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import Session

from migrate_async.runtime.frames import location_of
from migrate_async.runtime.hop import HopSession
from migrate_async.runtime.legacy.adapter import adapted
from migrate_async.runtime.legacy.deprecation import warn_legacy
from migrate_async.runtime.legacy.sessions import get_sync_db

Dependency = Callable[..., Any]


class AdaptingOverrides(MutableMapping[Dependency, Dependency]):
    """A view of a dictionary of overrides which adapts what it hands out.

    :param target: where the overrides are kept; whoever holds it sees and makes all changes.
    :param strict: see `SyncSessionAdapter`.
    :param twins: pairs of an async dependency and its sync sibling, as `get_db` and
        `get_sync_db`: an override of one serves the other too. Those of the runtime are known.
    """

    def __init__(
        self,
        target: MutableMapping[Dependency, Dependency],
        *,
        strict: bool = True,
        twins: tuple[tuple[Dependency, Dependency], ...] = (),
    ) -> None:
        self._target = target
        self._strict = strict
        pairs = (*_own_twins(), *twins)
        self._twins = {**dict(pairs), **{sync: native for native, sync in pairs}}
        self._adapted: dict[Dependency, tuple[Dependency, Dependency]] = {}

    @property
    def target(self) -> MutableMapping[Dependency, Dependency]:
        """Where the overrides are kept."""
        return self._target

    def __getitem__(self, dependency: Dependency) -> Dependency:
        try:
            override = self._target[dependency]
        except KeyError:
            override = self._target[self._twins[dependency]]
        return self._adapt(dependency, override) if _is_async(dependency) else override

    def __setitem__(self, dependency: Dependency, override: Dependency) -> None:
        self._target[dependency] = override

    def __delitem__(self, dependency: Dependency) -> None:
        del self._target[dependency]

    def __iter__(self) -> Iterator[Dependency]:
        return iter(self._target)

    def __len__(self) -> int:
        return len(self._target)

    def _adapt(self, dependency: Dependency, override: Dependency) -> Dependency:
        known = self._adapted.get(dependency)
        if known is not None and known[0] is override:
            return known[1]
        adapting = adapt_dependency(override, strict=self._strict, hops=hops(dependency))
        self._adapted[dependency] = (override, adapting)
        return adapting


def install_overrides(
    app: Any, *, strict: bool = True, twins: tuple[tuple[Dependency, Dependency], ...] = ()
) -> None:
    """Adapt the overrides of a FastAPI application; arguments as of `AdaptingOverrides`."""
    overrides = app.dependency_overrides
    target = overrides.target if isinstance(overrides, AdaptingOverrides) else overrides
    app.dependency_overrides = AdaptingOverrides(target, strict=strict, twins=twins)


def adapt_dependency(
    override: Dependency, *, strict: bool = True, hops: bool = False
) -> Dependency:
    """A dependency that yields what `override` does, a sync session as an async one.

    `hops` says whether worker threads may load by reading, as with the sessions of the application.
    """

    async def adapting(**values: Any) -> AsyncIterator[Any]:
        async with _opened(override, values) as value:
            if not isinstance(value, Session):
                yield value
                return
            where = location_of(override)
            warn_legacy("a sync session for an async route", "an AsyncSession in tests", where)
            with adapted(value, strict=strict, hops=hops) as session:
                yield session

    # Not `functools.wraps`: FastAPI looks through it, and would see the sync function.
    adapting.__name__ = getattr(override, "__name__", "override")
    adapting.__signature__ = _signature(override)  # type: ignore[attr-defined]
    return adapting


def hops(dependency: Dependency) -> bool:
    """Whether a factory that `dependency` names makes sessions that hop, `HopSession`."""
    code = getattr(dependency, "__code__", None)
    known = getattr(dependency, "__globals__", {})
    named = [known[name] for name in getattr(code, "co_names", ()) if name in known]
    inside = [
        getattr(module, name, None)
        for module in named
        if isinstance(module, ModuleType)
        for name in getattr(code, "co_names", ())
    ]
    return any(map(makes_hopping, (*named, *inside)))


def makes_hopping(factory: object) -> bool:
    """Whether `factory` makes sessions that hop, `HopSession`."""
    if not isinstance(factory, async_sessionmaker):
        return False
    made = factory.kw.get("sync_session_class")
    return isinstance(made, type) and issubclass(made, HopSession)


def _opened(override: Dependency, values: dict[str, Any]) -> AbstractAsyncContextManager[Any]:
    """Enter an override where its session will work: on the loop's thread.

    FastAPI runs sync dependencies in worker threads. Here the session that one yields goes on
    working on the loop's thread, and what belongs to a thread (an in-memory SQLite database of a
    pool that keeps one connection per thread) must be the same for both.
    """
    if _is(inspect.isasyncgenfunction, override):
        return asynccontextmanager(override)(**values)
    if _is(inspect.isgeneratorfunction, override):
        return _entered(override, values)
    return _called(override, values)


@asynccontextmanager
async def _entered(override: Dependency, values: dict[str, Any]) -> AsyncIterator[Any]:
    with contextmanager(override)(**values) as value:
        yield value


@asynccontextmanager
async def _called(override: Dependency, values: dict[str, Any]) -> AsyncIterator[Any]:
    found = override(**values)
    yield await found if inspect.isawaitable(found) else found


def _is(kind: Callable[[Any], bool], function: Dependency) -> bool:
    """Whether a function, or the `__call__` of an object, is of a kind of `inspect`."""
    return kind(function) or kind(getattr(function, "__call__", None))  # noqa: B004


def _is_async(dependency: Dependency) -> bool:
    return _is(inspect.iscoroutinefunction, dependency) or _is(
        inspect.isasyncgenfunction, dependency
    )


def _signature(function: Dependency) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # an annotation that exists for type checkers only
        return inspect.signature(function)


def _own_twins() -> tuple[tuple[Dependency, Dependency], ...]:
    from migrate_async.runtime.dependencies import get_db  # noqa: PLC0415  needs FastAPI

    return ((get_db, get_sync_db),)
