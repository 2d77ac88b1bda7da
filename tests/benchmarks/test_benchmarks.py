"""The benchmarks run, on trees that are far too small to mean anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.migration import PYTEST

REPOSITORY = Path(__file__).parents[2]


def test_every_contestant_does_its_work(tmp_path: Path) -> None:
    """One that failed would end the run: each checks the exit code of what it measures."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app.py").write_text("def get(db):\n    return db.query(1).all()\n")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--tree", str(tmp_path), "--rounds", "1"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path.name}: 1 files, 2 lines" in done.stdout
    assert "libcst.tool codemod (no-op)" in done.stdout
    assert "scan, one file changed" in done.stdout
    assert (tmp_path / "app.py").read_text() == "def get(db):\n    return db.query(1).all()\n"


def test_trees_are_always_the_same(tmp_path: Path) -> None:
    """Two processes write equal files, and all of them are valid Python."""
    code = (
        "import sys; from pathlib import Path; from benchmarks import trees; "
        "trees.make_tree(Path(sys.argv[1]), trees.DENSE, 3000)"
    )
    for name in ("one", "two"):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / name)], cwd=REPOSITORY, check=True
        )
    one, two = (
        {
            path.relative_to(tmp_path / name): path.read_text()
            for path in (tmp_path / name).rglob("*.py")
        }
        for name in ("one", "two")
    )
    assert one == two
    assert sum(text.count("\n") for text in one.values()) >= 3000
    for path, text in one.items():
        compile(text, str(path), "exec")


def test_sizes_are_measured_and_compared() -> None:
    """A row for each size; the smallest is what the others are compared with."""
    arguments = ["--shape", "dense", "--files", "3", "6", "--command", "plan"]
    command = [sys.executable, "-m", "benchmarks.size", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line[:8].strip().isdigit()]
    assert [row[1] for row in rows] == ["plan", "plan"]
    assert int(rows[0][0]) < int(rows[1][0])
    assert rows[0][4] == "1.00"


def test_a_sweep_over_the_routes_tells_good_states_from_bad_ones() -> None:
    """With a test that fails in every state but the legacy one."""
    project = REPOSITORY / "fixtures/small/next_get_db/before"
    command = [sys.executable, "-m", "benchmarks.gradual", str(project), "--every", "0"]
    good = subprocess.run(
        [*command, "--test", f"{sys.executable} -m compileall -q ."],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert good.returncode == 0, good.stdout + good.stderr
    assert "seed 1: 0 files differ from one run" in good.stdout
    check = (
        "import pathlib; files = pathlib.Path().rglob('*.py'); "
        "assert not any('await' in file.read_text() for file in files)"
    )
    bad = subprocess.run(
        [*command, "--test", f'{sys.executable} -c "{check}"'],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert bad.returncode == 1
    assert "FAILED   --all" in bad.stdout


def test_the_colouring_is_held_against_what_tests_run(tmp_path: Path) -> None:
    """Of the small application everything that runs SQL is coloured, and nothing else."""
    project = tmp_path / "tutorial"
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "fixtures/small/tutorial/before", project, ignore=left_out)
    environment = {
        **os.environ,
        "SQL_TRACE": str(tmp_path / "trace.json"),
        "PYTHONPATH": str(REPOSITORY / "benchmarks"),
    }
    traced = subprocess.run(
        [*PYTEST, "-q", "-p", "sql_trace"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert traced.returncode == 0, traced.stdout
    command = [sys.executable, "-m", "benchmarks.ground_truth", str(project)]
    done = subprocess.run(
        [*command, str(tmp_path / "trace.json")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[1].count("(100.0%)") == 2, done.stdout
    assert "missed: 0" in lines


def test_a_repository_has_its_figures() -> None:
    project = REPOSITORY / "fixtures/small/tutorial/before"
    command = [sys.executable, "-m", "benchmarks.repositories", str(project)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = {line[:22].strip(): line[22:].strip() for line in done.stdout.splitlines()}
    assert rows["passing, unresolved"] == "0"
    assert rows["written"] == "yes"
    assert int(rows["converted"]) > 5


def test_the_recorder_is_measured_against_the_command_alone(tmp_path: Path) -> None:
    """Both do their work, and a ratio is printed."""
    (tmp_path / "main.py").write_text(
        "from sqlalchemy import create_engine, text\n"
        "create_engine('sqlite://').connect().execute(text('SELECT 1'))\n"
    )
    options = ["--project", str(tmp_path), "--rounds", "1", "--", sys.executable, "main.py"]
    command = [sys.executable, "-m", "benchmarks.recorder", *options]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ratio = next(line for line in done.stdout.splitlines() if line.startswith("ratio"))
    assert float(ratio.split()[1]) > 0
