"""Lazy loads are found and loaded; what is loaded already is left as it is.

Both applications are executed, before and after the migration, with real sessions.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from migrate_async.config import Settings
from migrate_async.lint.engine import check
from migrate_async.lint.rules.lazy_load_in_async import LazyLoadInAsync
from migrate_async.lint.rules.response_reads_unloaded import ResponseReadsUnloaded
from migrate_async.model.plan import Step
from migrate_async.model.profile import LazyLoad, Place, Profile
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.async_step import AsyncStep, Grounds
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.loads.accesses import Accesses
from migrate_async.plan.loads.analysis import Analysis
from migrate_async.plan.loads.names import Naming
from migrate_async.plan.queries import Queries
from migrate_async.source.profiles import write_profile
from migrate_async.source.templates import templates_of
from support import covered_loads, planted_loads
from support.http_sequence import replay
from support.migration import tree, write
from support.once import once, shared_folder
from support.planted_loads import CASES
from support.projects import project
from support.route_by_route import migrate, routes_of

LOADER = re.compile(r"\b(selectin|joined|subquery|immediate)load\(|\bundefer\(")


class Migrated(NamedTuple):
    folder: Path
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]


def _migrated(write: Callable[[Path], None], requests: Sequence[dict[str, str]]) -> list[Any]:
    folder = shared_folder()
    write(folder / "before")
    write(folder / "after")
    migrate(folder / "after", EVERYTHING)
    before = replay(folder / "before", requests, app="app.main:app")
    after = replay(folder / "after", requests, app="app.main:app", driver="sqlite+aiosqlite")
    return [str(folder / "after"), before, after]


def _once(name: str, write: Callable[[Path], None], requests: Sequence[dict[str, str]]) -> Migrated:
    """What all workers share; no test changes the folder."""
    folder, before, after = once(f"loads {name}", lambda: _migrated(write, requests))
    return Migrated(Path(folder), before, after)


PLANTED = [{"method": case.method, "path": case.path} for case in CASES]


@pytest.fixture(scope="module")
def planted() -> Migrated:
    return _once("planted", planted_loads.write, PLANTED)


@pytest.fixture(scope="module")
def loaded() -> Migrated:
    """The same, where responses do not load what they read."""

    def write(folder: Path) -> None:
        planted_loads.write(folder)
        (folder / "pyproject.toml").write_text('[tool.migrate-async]\nresponses = "loaded"\n')

    return _once("loaded", write, PLANTED)


@pytest.fixture(scope="module")
def covered() -> Migrated:
    requests = [{"method": "GET", "path": path} for path in covered_loads.PATHS]
    return _once("covered", covered_loads.write, requests)


def test_there_are_four_cases_of_each_shape() -> None:
    shapes = [case.shape for case in CASES]
    assert len(set(shapes)) >= 15
    assert all(shapes.count(shape) == 4 for shape in shapes)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.path for case in CASES])
def test_a_lazy_load_gives_the_same_answer_after_the_migration(
    number: int, planted: Migrated
) -> None:
    assert planted.before[number]["status"] == 200
    assert planted.after[number] == planted.before[number]


def test_the_mapping_loads_nothing_always(planted: Migrated) -> None:
    assert 'lazy="selectin"' not in (planted.folder / "app" / "models.py").read_text()


def test_responses_need_not_load_what_they_read(loaded: Migrated) -> None:
    assert "lazy_response" not in (loaded.folder / "app" / "routes.py").read_text()
    assert 'lazy="selectin"' not in (loaded.folder / "app" / "models.py").read_text()
    assert loaded.after == loaded.before


def test_the_order_of_runs_makes_no_difference(planted: Migrated, tmp_path: Path) -> None:
    planted_loads.write(tmp_path)
    routes = routes_of(tmp_path)
    random.Random(1).shuffle(routes)  # noqa: S311  an order, no secret
    third = len(routes) // 3
    for some in (routes[:third], routes[third : 2 * third]):
        migrate(tmp_path, Selection(routes=tuple(some)))
    migrate(tmp_path, EVERYTHING)
    assert tree(tmp_path) == tree(planted.folder)


def test_the_static_analysis_sees_every_planted_load(tmp_path: Path) -> None:
    """Held at what was measured: all of them, the templates' included."""
    planted_loads.write(tmp_path)
    texts = {path: text.decode() for path, text in tree(tmp_path).items()}
    linked = project(texts, templates=templates_of(tmp_path, texts))
    queries = Queries(linked, Settings())
    around = Surroundings(linked, Settings())
    step = AsyncStep(around, EVERYTHING, Grounds(around, Step.ALL, queries))
    analysis = Analysis(linked, step.colouring, Naming(linked, "test"))
    accesses = Accesses(linked)
    seen: dict[str, set[str]] = {}
    for sink in analysis.sinks:
        read = {f"{step.model.name}.{step.name}" for path in sink.paths for step in path}
        seen.setdefault(sink.function.name, set()).update(read)
    for function in linked.functions:
        read = {f"{access.model.name}.{access.name}" for access in accesses.of(function)}
        seen.setdefault(function.name, set()).update(read)
    missed = [
        case.path
        for case in CASES
        if not seen["_".join(case.path.split("/")[1:3])].issuperset(case.reads)
    ]
    assert missed == []


def test_a_recorded_load_that_the_code_shows_is_no_news(tmp_path: Path) -> None:
    """Though the line names the proxy `books`, and not what that loads."""
    planted_loads.write(tmp_path)
    lines = (tmp_path / "app" / "routes.py").read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if "in shelf.books" in text)
    place = Place("app/routes.py", line, "app.routes.proxy_2")
    load = LazyLoad(model="app.models.Shelf", attribute="items", place=place)
    write_profile(tmp_path / "profile.json", Profile(loads=(load,)))
    said = write(tmp_path, "--all", "--profile", "profile.json")
    assert not re.search("MA50[456]", said)


def test_a_second_run_changes_nothing(planted: Migrated) -> None:
    before = tree(planted.folder)
    migrate(planted.folder, EVERYTHING)
    assert tree(planted.folder) == before


def test_covered_reads_give_the_same_answers(covered: Migrated) -> None:
    assert len(covered.before) == 200
    assert {answer["status"] for answer in covered.before} == {200}
    assert covered.after == covered.before


def test_nothing_more_is_loaded_for_covered_reads(covered: Migrated) -> None:
    routes = (covered.folder / "app" / "routes.py").read_text()
    assert len(LOADER.findall(routes)) == len(covered_loads.PATHS)
    assert "awaitable_attrs" not in routes
    assert "selectin" not in (covered.folder / "app" / "models.py").read_text()


def test_the_linter_finds_nothing_in_covered_reads(covered: Migrated) -> None:
    texts = {path: text.decode() for path, text in tree(covered.folder).items()}
    found = check(project(texts), [LazyLoadInAsync, ResponseReadsUnloaded])
    assert [finding for finding in found if finding.code in ("MA706", "MA708")] == []
