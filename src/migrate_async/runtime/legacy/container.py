"""A service registry whose sessions cannot leak, and the same for a registry of your own.

`resolve("db_session")` hands out a session that nobody closes: the classic leak. Here every
session resolved inside a request is closed when the request ends, and rolled back if nobody
committed. What it needs is the request's scope, see `install` and `SessionScopeMiddleware`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from types import MethodType
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from migrate_async.runtime.errors import MigrateAsyncRuntimeError
from migrate_async.runtime.frames import app_location
from migrate_async.runtime.legacy.deprecation import counted_elsewhere, deprecated, warn_legacy
from migrate_async.runtime.legacy.modes import Mode
from migrate_async.runtime.legacy.sessions import LegacySession, SessionLocal
from migrate_async.runtime.tracking import current_scope, track_session

Factory = Callable[[], Any]
F = TypeVar("F", bound=Callable[..., Any])

REPLACEMENT = "`db: AsyncSession = Depends(get_db)`"
DEPENDENCY = "a dependency: `Depends(...)`"
DB_SESSION = "db_session"


class UnknownService(MigrateAsyncRuntimeError, LookupError):
    """No factory is registered under that name."""


class _SharedOrOwn:
    """A method that on the class itself works on the class's shared instance."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __get__(self, instance: Container | None, owner: type[Container]) -> MethodType:
        return MethodType(self._function, owner.shared() if instance is None else instance)


class Container:
    """Named factories. Works as an instance, and on the class as one shared registry.

    `"db_session"` is registered from the start, with `SessionLocal`.
    """

    _shared: Container | None = None

    def __init__(self) -> None:
        self._factories: dict[str, Factory] = {DB_SESSION: SessionLocal}

    @classmethod
    def shared(cls) -> Container:
        """The instance behind `Container.resolve(...)`; each subclass has its own."""
        if "_shared" not in vars(cls) or cls._shared is None:
            cls._shared = cls()
        return cls._shared

    @_SharedOrOwn
    def register_factory(self, name: str, factory: Factory) -> None:
        """Have `resolve(name)` call `factory()`; replaces an earlier one."""
        warn_legacy("register_factory()", DEPENDENCY)
        self._factories[name] = factory

    @_SharedOrOwn
    def resolve(self, name: str) -> Any:
        """What the factory makes; a session is closed with the request.

        :raises UnknownService: no factory has that name.
        """
        try:
            factory = self._factories[name]
        except KeyError:
            raise UnknownService(f"no factory is registered as {name!r}") from None
        return _make(factory, f"resolve({name!r})")


@deprecated("adopt_registry()", DEPENDENCY)
def adopt_registry(
    registry: Any, *, method: str = "resolve", names: Collection[str] | None = None
) -> Callable[[], None]:
    """Make the sessions that an application's own registry hands out close with the request.

    :param registry: an instance, a class or a module.
    :param method: its function that hands things out.
    :param names: watch only calls whose first argument is one of these.
    :returns: a function that undoes it.
    """
    found = inspect.getattr_static(registry, method)
    before = vars(registry).get(method)
    setattr(registry, method, _adopted(registry, method, found, names))

    def undo() -> None:
        if before is None:
            delattr(registry, method)
        else:
            setattr(registry, method, before)

    return undo


def _adopted(registry: Any, method: str, found: Any, names: Collection[str] | None) -> Any:
    """The wrapper, of the same kind as what it replaces."""
    if not inspect.isclass(registry):
        return _watched(getattr(registry, method), method, names, first=0)
    if isinstance(found, classmethod):
        return classmethod(_watched(found.__func__, method, names, first=1))
    if isinstance(found, staticmethod):
        return staticmethod(_watched(found.__func__, method, names, first=0))
    return _watched(found, method, names, first=1)


def _watched(function: F, method: str, names: Collection[str] | None, *, first: int) -> F:
    @wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        name = next(iter((*args[first:], *kwargs.values())), None)
        if names is not None and name not in names:
            return function(*args, **kwargs)
        return _make(lambda: function(*args, **kwargs), f"{method}({name!r})")

    return watched  # type: ignore[return-value]


def _make(factory: Factory, name: str) -> Any:
    with counted_elsewhere():
        made = factory()
    if isinstance(made, Session | AsyncSession):
        where = app_location()
        if not isinstance(made, LegacySession):  # those see to it themselves
            where = track_session(made, where)
            scope = current_scope()
            if scope is not None and isinstance(made, Session):
                scope.count_legacy(Mode.THREADS)
        warn_legacy(name, REPLACEMENT, where)
    return made
