"""A colouring is looked for until nothing that converts has to stay sync, and no longer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from migrate_async.config import Settings
from migrate_async.index.scopes import Function
from migrate_async.model.plan import Reason, Step
from migrate_async.plan.colouring.keeping.keeper import Keeper
from migrate_async.plan.planner import make_plan
from support.fixture_apps import FixtureApp, fixture_apps
from support.projects import project

APPS = fixture_apps()


@pytest.fixture(params=APPS, ids=[app.name for app in APPS])
def files(request: pytest.FixtureRequest) -> dict[str, str]:
    """The modules of an application, by path."""
    app: FixtureApp = request.param
    return {
        path.relative_to(app.before).as_posix(): path.read_text("utf-8")
        for path in sorted(app.before.rglob("*.py"))
    }


def test_nothing_that_converts_has_to_stay(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Keeper.run
    looked_at: list[int] = []
    missed: list[str] = []

    def run_and_look_again(self: Keeper) -> dict[Function, Reason]:
        kept = run(self)
        converting = [function for function in self._coloured if function not in kept]
        looked_at.append(len(converting))
        missed.extend(fn.qualname for fn in converting if self._reason(fn) is not None)
        return kept

    monkeypatch.setattr(Keeper, "run", run_and_look_again)
    make_plan(project(files), Step.ALL, Settings())
    assert looked_at
    assert not missed


def test_others_are_looked_at_once_for_each_that_stays(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, affected = Keeper.run, Keeper._affected
    told: Counter[tuple[Keeper, Function]] = Counter()
    stayed: list[int] = []

    def count(self: Keeper, function: Function) -> Iterable[Function]:
        told[self, function] += 1
        return affected(self, function)

    def run_and_count(self: Keeper) -> dict[Function, Reason]:
        kept = run(self)
        stayed.append(len(kept))
        return kept

    monkeypatch.setattr(Keeper, "_affected", count)
    monkeypatch.setattr(Keeper, "run", run_and_count)
    make_plan(project(files), Step.ALL, Settings())
    assert told.total() == sum(stayed)
