"""From logs to a profile, with the names that the tool's other output has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from migrate_async.errors import UsageError
from migrate_async.model.profile import Execution, Place, Profile
from migrate_async.recording.addresses import Addresses
from migrate_async.recording.collect import collect
from support.projects import project

API = """\
import functools
from sqlalchemy.orm import declarative_base
from sqlalchemy import Column, Integer

Base = declarative_base()


class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)


@router.get("/books")
@functools.cache
def books(db):
    def titles():
        return [book.title for book in db]

    return sorted(titles(), key=lambda title: title)


class Shelf:
    size = 3

    @property
    def full(self):
        return True
"""
ADDRESSES = Addresses(project({"app/api.py": API}))


@pytest.mark.parametrize(
    ("line", "via", "place"),
    [
        (5, "", Place("app/api.py", 5, "app.api.<module>")),
        (15, "", Place("app/api.py", 15, "app.api.books")),
        (17, "", Place("app/api.py", 17, "app.api.books.titles")),
        (19, "", Place("app/api.py", 19, "app.api.books")),
        (13, "response", Place("app/api.py", 15, "app.api.books")),
        (23, "", Place("app/api.py", 23, "app.api.<module>")),
        (27, "", Place("app/api.py", 27, "app.api.Shelf.full")),
    ],
)
def test_a_line_has_the_function_that_it_is_in(line: int, via: str, place: Place) -> None:
    assert ADDRESSES.place("app/api.py", line, via) == place


def test_a_file_that_is_no_module_has_no_functions() -> None:
    assert ADDRESSES.place("templates/a.html", 3) == Place("templates/a.html", 3)


@pytest.mark.parametrize("name", ["app.api.Book", "src.app.api.Book", "__main__.Book"])
def test_a_model_has_one_name_however_it_was_imported(name: str) -> None:
    assert ADDRESSES.model(name) == "app.api.Book"


def test_a_model_of_a_package_keeps_its_name() -> None:
    assert ADDRESSES.model("package.models.User") == "package.models.User"


# --- logs --------------------------------------------------------------------------------------


def logged(folder: Path, *logs: list[dict[str, Any]], end: str = "\n") -> Profile:
    """The profile of processes that wrote those lines; `end` follows the last one."""
    for number, lines in enumerate(logs):
        text = "\n".join(map(json.dumps, lines)) + end
        (folder / f"{number:03}-1.jsonl").write_text(text, encoding="utf-8")
    return collect(folder, ADDRESSES)


def ran(number: int, *values: str, cause: str = "", at: str = "app/api.py:1") -> list[Any]:
    return [number, [list(values)] if values else [], 1, cause, at, ""]


def statement(number: int, text: str) -> dict[str, Any]:
    return {"statement": [number, text]}


def texts(profile: Profile) -> list[str]:
    return [profile.statements[run.statement] for run in profile.tests[0].executions]


def test_processes_number_their_statements_apart(tmp_path: Path) -> None:
    one = [statement(1, "SELECT 1"), {"test": "t", "executions": [ran(1)]}]
    two = [statement(1, "SELECT 2"), {"test": "t", "executions": [ran(1)]}]
    assert texts(logged(tmp_path, one, two)) == ["SELECT 1", "SELECT 2"]


def test_half_a_line_at_the_end_is_what_a_killed_process_leaves(tmp_path: Path) -> None:
    lines = [statement(1, "SELECT 1"), {"test": "t", "executions": [ran(1)]}, {"test": "u"}]
    profile = logged(tmp_path, lines, end="")
    assert [test.test for test in profile.tests] == ["t"]


def test_a_line_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"000-1\.jsonl:1"):
        logged(tmp_path, [{"test": 3}])


def test_equal_loads_of_two_tests_are_one(tmp_path: Path) -> None:
    load = ["app.api.Book", "pages", "relationship", ["app/api.py", 17], ""]
    producer = ["query", ["app/api.py", 16], 1, []]
    lines = [statement(1, "SELECT 1")]
    for test, count in (("t", 3), ("u", 5)):
        lines.append({"test": test, "executions": [], "loads": [[*load, producer, count, count]]})
    profile = logged(tmp_path, lines)
    (found,) = profile.loads
    assert (found.count, found.most, found.tests) == (8, 5, ("t", "u"))
    assert found.place.function == "app.api.books.titles"
    assert profile.statements[found.producer.statement] == "SELECT 1"


def test_what_one_line_flushes_is_in_the_order_of_its_statements(tmp_path: Path) -> None:
    a, b = (
        statement(1, "INSERT INTO b (x) VALUES (?)"),
        statement(2, "INSERT INTO a (x) VALUES (?)"),
    )
    runs = [ran(1, "2"), ran(2, "1"), ran(1, "1"), ran(2, "3", at="app/api.py:2")]
    profile = logged(tmp_path, [a, b, {"test": "t", "executions": runs}])
    found = [(run.at[-1], run.parameters[0][0]) for run in profile.tests[0].executions]
    assert texts(profile)[0] == "INSERT INTO a (x) VALUES (?)"
    assert found == [("1", "1"), ("1", "2"), ("1", "1"), ("2", "3")]


def test_reads_that_the_code_asked_for_keep_their_order(tmp_path: Path) -> None:
    lines = [statement(1, "SELECT ?"), {"test": "t", "executions": [ran(1, "2"), ran(1, "1")]}]
    runs: tuple[Execution, ...] = logged(tmp_path, lines).tests[0].executions
    assert [run.parameters for run in runs] == [(("2",),), (("1",),)]


def test_lazy_loads_of_one_line_are_in_the_order_of_their_parameters(tmp_path: Path) -> None:
    runs = [ran(1, "2", cause="lazy"), ran(1, "1", cause="lazy")]
    lines = [statement(1, "SELECT ?"), {"test": "t", "executions": runs}]
    found = logged(tmp_path, lines).tests[0].executions
    assert [run.parameters for run in found] == [(("1",),), (("2",),)]


def test_problems_and_environments_are_said_once(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [{"problem": "it failed"}, {"environment": "python 3.11"}]
    profile = logged(tmp_path, lines, lines)
    assert (profile.problems, profile.environments) == (("it failed",), ("python 3.11",))
