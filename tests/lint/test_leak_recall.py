"""Planted leaks are found, and the same code written right is left alone.

One project holds all wrong modules and another one all right ones, so that the cost of linking is
paid twice and not two hundred times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from migrate_async.lint.engine import check
from migrate_async.lint.registry import rules
from migrate_async.model.finding import Finding
from support.planted_leaks import DB, SHAPES, SURROUNDINGS, Plant, plants
from support.projects import project

PLANTS = tuple(plants())
LEAKS = [rule for rule in rules() if rule.CODE.startswith("MA6")]


def path_of(plant: Plant) -> str:
    """The module that `plant` is put into; a package for each, so that names do not meet."""
    number = PLANTS.index(plant)
    return f"app/planted_{number:03}.py"


def found_in(text: Callable[[Plant], str]) -> dict[str, list[Finding]]:
    """Findings by path."""
    files = {"app/db.py": DB} | {path_of(plant): text(plant) for plant in PLANTS}
    found: dict[str, list[Finding]] = {path: [] for path in files}
    for finding in check(project(files), LEAKS):
        found[finding.path].append(finding)
    return found


@pytest.fixture(scope="module")
def wrong() -> dict[str, list[Finding]]:
    """Findings in the leaking modules."""
    return found_in(lambda plant: plant.wrong)


@pytest.fixture(scope="module")
def right() -> dict[str, list[Finding]]:
    """Findings in their right twins."""
    return found_in(lambda plant: plant.right)


def test_there_are_a_hundred_leaks() -> None:
    """Twenty shapes in five surroundings."""
    assert (len(SHAPES), len(SURROUNDINGS), len(PLANTS)) == (20, 5, 100)


def test_leaks_are_found(wrong: dict[str, list[Finding]]) -> None:
    """All of them, at any confidence."""
    missed = [f"{p.shape} in {p.surrounding}" for p in PLANTS if not wrong[path_of(p)]]
    assert missed == []


def test_most_leaks_are_certain(wrong: dict[str, list[Finding]]) -> None:
    """What a run without `--strict` shows, per shape.

    Nobody is seen to run the service's method or the helper again and again.
    """
    sure: Counter[str] = Counter()
    for plant in PLANTS:
        sure[plant.shape] += any(f.confidence == "high" for f in wrong[path_of(plant)])
    missed = {shape.name: 5 - sure[shape.name] for shape in SHAPES if sure[shape.name] < 5}
    assert missed == {"engine per call": 2}


def test_right_code_is_left_alone(right: dict[str, list[Finding]]) -> None:
    """No finding that a run without `--strict` shows."""
    alarms = [
        f"{plant.shape} in {plant.surrounding}: {finding.code} {finding.message}"
        for plant in PLANTS
        for finding in right[path_of(plant)]
        if finding.confidence == "high"
    ]
    assert alarms == []
