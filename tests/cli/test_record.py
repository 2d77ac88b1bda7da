"""`migrate-async record`: from a command to a profile, a report, a comparison and an exit code."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import jsonschema
import pytest

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.model.profile import Execution, Profile, RecordedTest, statement_key
from migrate_async.source.profiles import read_profile, write_profile
from support.cli import invoke
from support.migration import PYTEST
from support.recorded import MODELS

SCHEMA = Path(__file__).parents[2] / "docs" / "profile.schema.json"
PROGRAM = """\
import random
import sys
from models import *

db = Session(filled())
for author in db.query(Author).filter(Author.name != str(random.random())):
    author.books
print("the program's own output")
sys.exit(int(sys.argv[1]))
"""
TESTS = """\
from models import *


def test_names():
    db = Session(filled())
    assert [author.name for author in db.{query}] == ["Ann", "Bob", "Cid"]
"""
LEGACY = TESTS.format(query="query(Author).order_by(Author.id)")
MIGRATED = TESTS.format(query="scalars(select(Author).order_by(Author.id))")
OTHER = TESTS.format(query="scalars(select(Author).order_by(Author.name))")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with models and a program that exits as it is told."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "models.py").write_text(MODELS, encoding="utf-8")
    (tmp_path / "main.py").write_text(PROGRAM, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "COV_"))]:
        monkeypatch.delenv(name)
    return tmp_path


def test_it_writes_a_profile_and_reports(app: Path) -> None:
    result = invoke("record", "--", sys.executable, "main.py", "0")
    assert result.exit_code == ExitCode.CLEAN
    file = app / ".migrate-async" / "profile.json"
    (load,) = read_profile(file).loads
    assert (load.name, load.count, load.most) == ("Author.books", 3, 3)
    assert "3 lazy loads of 1 attribute at 1 place" in result.stdout
    assert "N+1 loads" in result.stdout
    assert "Author.books  main.py:7  the query at main.py:6" in result.stdout
    assert "Written to" in result.stdout
    committed = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(committed).validate(json.loads(file.read_bytes()))


def test_the_exit_code_is_that_of_the_command(app: Path) -> None:
    result = invoke("record", "--", sys.executable, "main.py", "7")
    assert result.exit_code == 7
    assert (app / ".migrate-async" / "profile.json").exists()


def test_json_is_all_that_goes_to_stdout(app: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = invoke(
        "record", "--format", "json", "--output", "p.json", "--", sys.executable, "main.py", "0"
    )
    assert capfd.readouterr().err == "the program's own output\n"
    document = json.loads(result.stdout)
    assert document["command"] == "record"
    assert document["loads"][0]["name"] == "Author.books"
    assert document["totals"] == {"loads": 3, "repeated": 1}
    assert (document["exit_code"], document["written"]) == (0, "p.json")


def test_several_runs_tell_which_parameters_vary(app: Path) -> None:
    invoke("record", "--runs", "2", "--output", "p.json", "--", sys.executable, "main.py", "0")
    profile = read_profile(app / "p.json")
    values = [row for run in profile.tests[0].executions for row in run.parameters]
    assert ("<varies>",) in values
    assert profile.loads[0].most == 3


def test_profiles_are_merged_without_a_command(app: Path) -> None:
    for name in ("a", "b"):
        write_profile(app / f"{name}.json", Profile(tests=(RecordedTest(f"test_{name}"),)))
    result = invoke("record", "--merge", "a.json", "--merge", "b.json", "--output", "c.json")
    assert result.exit_code == ExitCode.CLEAN
    assert [test.test for test in read_profile(app / "c.json").tests] == ["test_a", "test_b"]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (MIGRATED, ExitCode.CLEAN, "of them equal        1"),
        (OTHER, ExitCode.FINDINGS, "no known cause"),
    ],
    ids=["equal", "another statement"],
)
def test_tests_are_compared(text: str, code: int, said: str, app: Path) -> None:
    pytest_command = ("--", *PYTEST, "-q")
    (app / "test_names.py").write_text(LEGACY, encoding="utf-8")
    assert invoke("record", "--output", "before.json", *pytest_command).exit_code == 0
    (app / "test_names.py").write_text(text, encoding="utf-8")
    result = invoke("record", "--compare", "before.json", *pytest_command)
    assert result.exit_code == code, result.stdout + result.stderr
    assert said in result.stdout
    assert not (app / ".migrate-async" / "profile.json").exists()


def test_two_profiles_are_compared_without_a_command(app: Path) -> None:
    for name, sql in (("a", "SELECT 1"), ("b", "SELECT 2")):
        execution = Execution(statement=statement_key(sql))
        profile = Profile(
            tests=(RecordedTest("test", (execution,)),), statements={statement_key(sql): sql}
        )
        write_profile(app / f"{name}.json", profile)
    result = invoke("record", "--compare", "a.json", "--merge", "b.json", "--format", "json")
    assert result.exit_code == ExitCode.FINDINGS
    found = json.loads(result.stdout)["comparison"]["differences"]
    assert [(item["kind"], item["cause"]) for item in found] == [
        ("added", "unexplained"),
        ("lost", "unexplained"),
    ]
    assert invoke("record", "--compare", "a.json", "--merge", "a.json").exit_code == ExitCode.CLEAN


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to record"),
        (("--", "no-such-program"), "no program"),
        (("--", sys.executable, "-I", "-c", "pass"), "nothing was recorded"),
        (("--merge", "main.py"), "is not a profile"),
        (("--compare", "none.json", "--", "pytest"), "does not exist"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...], said: str, app: Path) -> None:
    result = invoke("record", *arguments)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.stderr
