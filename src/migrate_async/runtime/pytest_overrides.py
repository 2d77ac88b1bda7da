"""pytest: sync test overrides go on working for migrated routes, without a change to the tests.

A suite that says `app.dependency_overrides[get_db] = override_get_db` and yields a sync `Session`
there passes on the migrated application: its sessions are adapted (`runtime.legacy.overrides`). So
are those of a factory that it puts in the place of the application's own by
`monkeypatch.setattr(database, "SessionLocal", TestingSession)` (`runtime.legacy.stand_ins`).
Active wherever migrate-async is installed; `-p no:migrate_async_overrides` turns it off. An
application that has not migrated is not affected: overrides of sync dependencies stay as they are.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from migrate_async.runtime.legacy.overrides import AdaptingOverrides

_NAME = "dependency_overrides"


class _Overrides:
    """Stands for `FastAPI.dependency_overrides`, also of applications made before."""

    def __get__(self, app: Any, owner: type) -> Any:
        if app is None:
            return self
        known: AdaptingOverrides | None = app.__dict__.get("_adapting_overrides")
        if known is None:
            known = self._adapting(app, app.__dict__.setdefault(_NAME, {}))
        return known

    def __set__(self, app: Any, value: MutableMapping[Any, Any]) -> None:
        app.__dict__[_NAME] = value
        app.__dict__.pop("_adapting_overrides", None)

    @staticmethod
    def _adapting(app: Any, target: MutableMapping[Any, Any]) -> Any:
        from migrate_async.runtime.legacy.overrides import AdaptingOverrides  # noqa: PLC0415

        if isinstance(target, AdaptingOverrides):
            return target
        adapting = AdaptingOverrides(target)
        app.__dict__["_adapting_overrides"] = adapting
        return adapting


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Watch the overrides before the first test runs; some tests import FastAPI themselves."""
    application = _application()
    if application is not None and not isinstance(application.__dict__.get(_NAME), _Overrides):
        setattr(application, _NAME, _Overrides())


@functools.cache
def _application() -> Any:
    try:
        return importlib.import_module("fastapi.applications").FastAPI
    except ImportError:
        return None


_setattr: Callable[..., None] = pytest.MonkeyPatch.setattr
_NOTHING = object()


@functools.wraps(_setattr)
def _adapting_setattr(
    self: pytest.MonkeyPatch,
    target: Any,
    name: Any,
    value: object = _NOTHING,
    raising: bool = True,
) -> None:
    """pytest's method, which knows how to stand in for an async session factory."""
    found = _place(target, name, value)
    if found is None:
        given = () if value is _NOTHING else (value,)
        _setattr(self, target, name, *given, raising=raising)
        return
    from migrate_async.runtime.legacy.stand_ins import stand_ins  # noqa: PLC0415

    for attribute, new in list(stand_ins(*found)):
        _setattr(self, found[0], attribute, new, raising=raising)


def _place(target: Any, name: Any, value: object) -> tuple[object, str, object] | None:
    """The owner of an async session factory, its name there, and what is to stand for it."""
    if value is not _NOTHING:
        return (target, name, value) if _is_factory(target, name) else None
    path, _, attribute = str(target).rpartition(".")
    try:
        owner = pkgutil.resolve_name(path)
    except (ImportError, AttributeError, ValueError):
        return None  # pytest says so
    return (owner, attribute, name) if _is_factory(owner, attribute) else None


def _is_factory(owner: object, name: str) -> bool:
    from sqlalchemy.ext.asyncio import async_sessionmaker  # noqa: PLC0415

    return isinstance(getattr(owner, name, None), async_sessionmaker)


pytest.MonkeyPatch.setattr = _adapting_setattr  # type: ignore[method-assign]
