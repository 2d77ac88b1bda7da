"""The example application passes its own tests on every database."""

import os
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from support.databases import BACKENDS, mariadb_url, postgresql_url
from support.interpreters import run
from support.migration import SUITE

EXAMPLE = Path(__file__).parents[2] / "fixtures" / "example_app"
PLUGIN = "migrate_async.runtime.pytest_plugin"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_example_passes_its_tests(backend: str) -> None:
    servers = {"postgresql": postgresql_url, "mariadb": mariadb_url, "sqlite": lambda: "sqlite://"}
    installed = any(entry.value == PLUGIN for entry in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", PLUGIN]
    options = ["-q", f"--rootdir={EXAMPLE}"]
    arguments = [*SUITE, *plugin, *options, "--db-url", servers[backend]()]
    done = run(arguments, EXAMPLE, {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stdout
    assert " skipped" not in done.stdout
