"""The recorder in the processes of a command: it starts by itself and breaks nothing."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

from migrate_async.recording.run import BOOT
from support.migration import PYTEST
from support.recorded import MODELS, profile_of, record, run

RECORDER = BOOT.parent
SOURCES = sorted(RECORDER.rglob("*.py"))
TESTS = """\
from models import *


def test_one():
    assert Session(filled()).query(Author).first().books


def test_two():
    assert Session(filled()).query(Author).count() == 3
"""
UNITTESTS = """\
import unittest
from models import *


class Books(unittest.TestCase):
    def test_one(self):
        self.assertTrue(Session(filled()).query(Author).first().books)
"""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_it_is_valid_for_python_3_8(path: Path) -> None:
    """The application may run on an older Python than we do."""
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_it_imports_the_standard_library_alone(path: Path) -> None:
    """The rest is looked up in what the application has imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [alias.name for node in imports for alias in node.names]
    names += [node.module or "" for node in froms if node.level == 0]
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    assert all(node.level == 1 for node in froms if node.level)


def test_it_does_not_import_sqlalchemy_by_itself(tmp_path: Path) -> None:
    program = "import sys; sys.exit('sqlalchemy' in sys.modules)"
    assert run(tmp_path, {}, [sys.executable, "-c", program]).returncode == 0
    assert list((tmp_path / "logs").iterdir()) == []


def test_each_test_of_pytest_has_its_statements(tmp_path: Path) -> None:
    files = {"models.py": MODELS, "test_books.py": TESTS}
    done = run(tmp_path, files, [*PYTEST, "-q"])
    assert done.returncode == 0, done.stdout
    profile = profile_of(tmp_path)
    assert [test.test for test in profile.tests] == [
        "test_books.py::test_one",
        "test_books.py::test_two",
    ]
    (load,) = profile.loads
    assert load.tests == ("test_books.py::test_one",)


def test_workers_of_xdist_are_recorded(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    files = {"models.py": MODELS, "test_books.py": TESTS}
    done = run(tmp_path, files, [*PYTEST, "-q", "-n", "2"])
    assert done.returncode == 0, done.stdout
    assert len(profile_of(tmp_path).tests) == 2


def test_each_test_of_unittest_has_its_statements(tmp_path: Path) -> None:
    files = {"models.py": MODELS, "books.py": UNITTESTS}
    done = run(tmp_path, files, [sys.executable, "-m", "unittest", "books"])
    assert done.returncode == 0, done.stderr
    profile = profile_of(tmp_path)
    assert [test.test for test in profile.tests] == ["books.Books.test_one"]
    assert profile.loads[0].tests == ("books.Books.test_one",)


def test_a_child_process_is_recorded(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'from models import *; filled()'], check=True)\n"
    )
    profile = record(tmp_path, program)
    assert any(text.startswith("CREATE TABLE") for text in profile.statements.values())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_fork_that_ends_without_notice_is_recorded(tmp_path: Path) -> None:
    program = """\
import os
from models import *
db = Session(filled())
db.query(Author).first()
child = os.fork()
if child == 0:
    db.query(Author).first().books
    os._exit(0)
os.waitpid(child, 0)
"""
    profile = record(tmp_path, program)
    assert [load.name for load in profile.loads] == ["Author.books"]
    assert len(list((tmp_path / "logs").iterdir())) == 2


def test_a_killed_process_loses_its_last_test_at_most(tmp_path: Path) -> None:
    text = TESTS + "\n\ndef test_three():\n    filled()\n    import os\n    os._exit(9)\n"
    files = {"models.py": MODELS, "test_books.py": text}
    done = run(tmp_path, files, [*PYTEST, "-q"])
    assert done.returncode == 9
    assert len(profile_of(tmp_path).tests) == 2


def test_the_applications_own_sitecustomize_runs(tmp_path: Path) -> None:
    files = {"custom/sitecustomize.py": "import builtins\nbuiltins.customised = __name__\n"}
    program = "import sys; print(customised, sys.modules['sitecustomize'].__file__)"
    custom = {"PYTHONPATH": str(tmp_path / "app" / "custom")}
    done = run(tmp_path, files, [sys.executable, "-c", program], custom)
    assert done.stdout.startswith("sitecustomize ")
    assert done.stdout.strip().endswith(str(Path("custom", "sitecustomize.py")))
    assert done.stderr == ""


def test_an_error_in_the_applications_own_sitecustomize_is_told(tmp_path: Path) -> None:
    """As without the recorder: Python says so and goes on."""
    files = {"custom/sitecustomize.py": "import nothing_of_that_name\n"}
    custom = {"PYTHONPATH": str(tmp_path / "app" / "custom")}
    done = run(tmp_path, files, [sys.executable, "-c", "print('ran')"], custom)
    assert done.stdout == "ran\n"
    assert "nothing_of_that_name" in done.stderr


def test_the_import_path_is_what_it_would_be(tmp_path: Path) -> None:
    program = "import sys; print(sys.path)"
    plain = run(tmp_path, {}, [sys.executable, "-S", "-c", program]).stdout
    recorded = run(tmp_path, {}, [sys.executable, "-c", program]).stdout
    assert str(BOOT) in plain
    assert str(BOOT) not in recorded


@pytest.mark.parametrize("part", ["places.Places.see", "log.Log.load", "sql.rows"])
def test_a_failure_of_the_recorder_is_noted_and_nothing_else(part: str, tmp_path: Path) -> None:
    module, _, name = part.partition(".")
    program = f"""\
import importlib
from models import *

def broken(*args, **options):
    raise RuntimeError("planted")

module = importlib.import_module("_migrate_async_recorder.{module}")
importlib.import_module("_migrate_async_recorder.statements").rows = broken
owner, _, name = "{name}".rpartition(".")
setattr(getattr(module, owner) if owner else module, name, broken)
db = Session(filled())
author = db.query(Author).first()
assert [book.title for book in author.books] == ["one", "two"]
db.commit()
"""
    if part != "sql.rows":
        program = program.replace(
            'importlib.import_module("_migrate_async_recorder.statements").rows = broken\n', ""
        )
    profile = record(tmp_path, program)
    assert any("planted" in problem for problem in profile.problems)


def test_a_log_that_cannot_be_written_breaks_nothing(tmp_path: Path) -> None:
    program = "import shutil, os\nshutil.rmtree(os.environ['MIGRATE_ASYNC_RECORD_FOLDER'])\n"
    program += "from models import *\nassert Session(filled()).query(Author).first().books\n"
    done = run(tmp_path, {"models.py": MODELS, "main.py": program}, [sys.executable, "main.py"])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
