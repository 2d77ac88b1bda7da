"""pytest: a test which leaks a session or a connection fails, with the line which opened it.

Switched on by `--migrate-async-leaks`, or `migrate_async_leaks = true` in the ini file. Connections
opened by fixtures of a wider scope than the test (class, module, session) are left alone, and so
is a test marked `@pytest.mark.allow_leaks`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from migrate_async.runtime.leaks import Leak, LeakDetector, OpenConnection, watch_leaks

OPTION = "migrate_async_leaks"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("migrate-async")
    text = "fail tests which leak database sessions or connections"
    group.addoption("--migrate-async-leaks", action="store_true", dest=OPTION, help=text)
    parser.addini(OPTION, text, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "allow_leaks: database connections may stay open")
    if config.getoption(OPTION) or config.getini(OPTION):
        config.pluginmanager.register(LeakPlugin(watch_leaks()), "migrate-async-leak-plugin")


class LeakPlugin:
    """Compares, for each test, what is checked out before its set-up and after its teardown."""

    def __init__(self, detector: LeakDetector) -> None:
        self._detector = detector
        self._before: set[OpenConnection] = set()
        self._found_before: dict[tuple[str, str, object], int] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, Any]:
        self._before = set(self._detector.open_connections())
        self._found_before = _counts(self._detector.leaks())
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        before = set(self._detector.open_connections())
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                self._before |= set(self._detector.open_connections()) - before

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        result = yield
        if item.get_closest_marker("allow_leaks") is None:
            problems = self._problems()
            if problems:
                pytest.fail("\n".join(["this test leaks:", *problems]), pytrace=False)
        return result

    def _problems(self) -> list[str]:
        still_open = [
            str(entry) for entry in self._detector.open_connections() if entry not in self._before
        ]
        found = self._detector.leaks()
        new = [
            str(leak)
            for leak in found
            if leak.count > self._found_before.get((leak.kind, leak.reason, leak.location), 0)
        ]
        return [*new, *still_open]


def _counts(found: list[Leak]) -> dict[tuple[str, str, object], int]:
    return {(leak.kind, leak.reason, leak.location): leak.count for leak in found}
