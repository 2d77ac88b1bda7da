"""What starting up imports, seen from outside: subprocesses, one each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"libcst", "sqlalchemy", "fastapi", "migrate_async_codemods"}

REPORT = """
import sys
sys.argv = ["migrate-async", {arguments}]
try:
    from migrate_async.__main__ import main
    main()
except SystemExit as end:
    code = end.code
sys.stderr.write(repr((int(code or 0), sorted(name for name in sys.modules if "." not in name))))
"""


def run(arguments: list[str], folder: Path) -> tuple[int, set[str]]:
    """The exit code and the top-level modules that were imported."""
    listed = ", ".join(map(repr, arguments))
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(arguments=listed)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = eval(done.stderr.splitlines()[-1])  # noqa: S307 - our own repr
    return code, set(modules)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app.py").write_text(
        "from sqlalchemy.orm import Session\n\n\ndef get(db: Session):\n"
        "    return db.query(1).all()\n"
    )
    return tmp_path


def test_the_version_imports_neither_libcst_nor_rich(project: Path) -> None:
    code, modules = run(["--version"], project)
    assert code == 0
    assert not modules & {*HEAVY, "rich", "msgspec"}


def test_the_help_imports_all_commands_and_nothing_that_they_do(project: Path) -> None:
    """A time would say how busy the machine is; what is imported is what it takes."""
    code, modules = run(["--help"], project)
    assert code == 0
    assert not modules & {*HEAVY, "rich", "ssl", "asyncio", "multiprocessing", "pathspec"}


@pytest.mark.parametrize("command", ["scan", "plan", "lint"])
def test_reading_commands_do_not_import_libcst(command: str, project: Path) -> None:
    code, modules = run([command, "--no-cache"], project)
    assert code == 1
    assert not modules & {*HEAVY, "asyncio", "ssl", "multiprocessing"}


def test_lint_imports_neither_rich_nor_the_target(project: Path) -> None:
    """A hook runs it at each commit; the target stays text, whatever it does when imported."""
    (project / "app.py").write_text((project / "app.py").read_text() + "\nraise SystemExit(9)\n")
    code, modules = run(["lint", "--no-cache"], project)
    assert code == 1
    assert not modules & {*HEAVY, "rich", "app"}


@pytest.mark.parametrize("missing", ["click", "libcst", "msgspec", "rich"])
def test_a_bare_install_is_told_what_to_install(missing: str, project: Path) -> None:
    """`None` in `sys.modules` makes a package look as if it were not installed."""
    code = f"import sys; sys.modules[{missing!r}] = None; import runpy; "
    start = "sys.argv[1:] = ['scan']; runpy.run_module('migrate_async', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code + start],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"needs {missing}, not installed" in done.stderr
    assert 'pip install "migrate-async[tools]"' in done.stderr
    assert "Traceback" not in done.stderr
