"""pytest: sync test overrides go on working for migrated routes, without a change to the tests.

A suite that says `app.dependency_overrides[get_db] = override_get_db` and yields a sync `Session`
there passes on the migrated application: its sessions are adapted (`runtime.legacy.overrides`).
Active wherever migrate-async is installed; `-p no:migrate_async_overrides` turns it off. An
application that has not migrated is not affected: overrides of sync dependencies stay as they are.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import MutableMapping
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
