"""The pytest plugin, used by a small project in a folder of its own."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from support.databases import mariadb_url, postgresql_url

pytest_plugins = ["pytester"]

CASES = Path(__file__).parent / "cases"
PLUGIN = "migrate_async.runtime.pytest_plugin"
SERVERS: dict[str, Callable[[Path], str]] = {
    "memory": lambda _: "sqlite://",
    "file": lambda folder: f"sqlite:///{folder}/shop.db",
    "asyncpg": lambda _: postgresql_url(),
    "psycopg": lambda _: postgresql_url().replace("postgresql://", "postgresql+psycopg://"),
    "mariadb": lambda _: mariadb_url(),
}


def _run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    installed = any(entry.value == PLUGIN for entry in entry_points(group="pytest11"))
    plugin = ["-p", "no:hypothesispytest", *([] if installed else ["-p", PLUGIN])]
    # Not in process: drivers written in C do not survive being imported twice.
    return pytester.runpytest_subprocess(*plugin, *arguments)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    for source, target in [("shop.py", "shop.py"), ("shop_suite.py", "test_shop.py")]:
        pytester.path.joinpath(target).write_text((CASES / source).read_text())
    pytester.makeini(
        """
        [pytest]
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = function
        pythonpath = .
        migrate_async_metadata = shop:Base.metadata
        filterwarnings =
            error
            ignore:Using `httpx`
        """
    )
    return pytester


@pytest.mark.parametrize("server", SERVERS)
def test_the_suite_of_a_project_passes_and_leaves_nothing(
    project: pytest.Pytester, server: str, tmp_path: Path
) -> None:
    """Async and sync routes, sessions and clients; any order; commits that do not last."""
    result = _run(project, "--db-url", SERVERS[server](tmp_path), "-p", "no:randomly")
    result.assert_outcomes(passed=12)
    assert list(tmp_path.iterdir()) == [project.path] or list(tmp_path.iterdir()) == []


def test_the_loops_of_tests_may_have_any_scope(project: pytest.Pytester) -> None:
    result = _run(
        project,
        *("-o", "asyncio_default_test_loop_scope=session"),
        *("-o", "asyncio_default_fixture_loop_scope=session"),
    )
    result.assert_outcomes(passed=12)


def test_a_project_can_make_its_schema_and_leave_engines_alone(pytester: pytest.Pytester) -> None:
    """And after a test, nothing is redirected any more."""
    pytester.makeconftest(
        """
        import pytest
        from sqlalchemy import create_engine, text

        other = create_engine("sqlite://")

        @pytest.fixture(scope="session")
        def db_schema(scratch_database):
            async def migrate():
                async with scratch_database.engine.begin() as connection:
                    await connection.execute(text("CREATE TABLE made (x INTEGER)"))
            scratch_database.run(migrate())

        @pytest.fixture(scope="session")
        def db_redirects():
            return lambda engine: engine is not other
        """
    )
    pytester.makepyfile(
        """
        from conftest import other
        from sqlalchemy import create_engine, text
        from sqlalchemy.orm import Session

        def test_the_schema(legacy_session):
            assert legacy_session.scalar(text("SELECT count(*) FROM made")) == 0

        def test_the_other_engine(db_transaction):
            assert Session(other).connection().engine is other
            assert other.connect().engine is other
            assert Session(create_engine("sqlite://")).connection().engine is not other

        def test_without_a_transaction():
            engine = create_engine("sqlite://")
            assert Session(engine).connection().engine is engine
        """
    )
    _run(pytester).assert_outcomes(passed=3)


def test_the_plugin_costs_nothing_until_it_is_used() -> None:
    """It is imported by every pytest of the environment."""
    code = f"import sys, {PLUGIN}; print(*{{'sqlalchemy', 'fastapi', 'httpx'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
