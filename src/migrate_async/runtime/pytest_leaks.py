"""pytest: a test which leaks a session or a connection fails, with the line which opened it.

Switched on by `--migrate-async-leaks`, or `migrate_async_leaks = true` in the ini file. Connections
opened by fixtures of a wider scope than the test (class, module, session) are left alone, and so
is a test marked `@pytest.mark.allow_leaks`.

Whether a test leaks is known when its fixtures are torn down. Its reports are held back until
then, so that the test itself fails; a plugin which runs tests in its own way, as those that repeat
failing tests do, is left to it, and the leak is an error of the teardown.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

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
        self._leaks: list[str] = []
        self._reports_held = False

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        """Run one test as pytest does, but look for leaks before it is reported."""
        if _others_run_tests(item, self):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        self._reports_held = True
        try:
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        finally:
            self._reports_held = False
        if self._leaks:
            _blame(reports, "\n".join(["this test leaks:", *self._leaks]))
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, Any]:
        self._before = set(self._detector.open_connections())
        self._found_before = _counts(self._detector.leaks())
        self._leaks = []
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
            self._leaks = self._problems()
            if self._leaks and not self._reports_held:
                pytest.fail("\n".join(["this test leaks:", *self._leaks]), pytrace=False)
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


def _others_run_tests(item: pytest.Item, own: LeakPlugin) -> bool:
    """Whether another plugin than pytest itself replaces its way to run a test."""
    pytests = item.config.pluginmanager.get_plugin("runner")
    return any(
        not (impl.wrapper or impl.hookwrapper) and impl.plugin not in (pytests, own)
        for impl in item.ihook.pytest_runtest_protocol.get_hookimpls()
    )


def _blame(reports: list[pytest.TestReport], leaks: str) -> None:
    """Fail the test, or the teardown of one that was skipped or expected to fail."""
    guilty = next((r for r in reports if r.when == "call" and not r.skipped), reports[-1])
    if guilty.failed:
        guilty.sections.append(("leaks", leaks))
    else:
        guilty.outcome = "failed"
        guilty.longrepr = leaks


def _counts(found: list[Leak]) -> dict[tuple[str, str, object], int]:
    return {(leak.kind, leak.reason, leak.location): leak.count for leak in found}
