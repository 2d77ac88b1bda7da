"""A colouring is looked for until nothing that converts has a reason to stay sync."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.index.scopes import Function
from migrate_async.model.plan import Reason, Step
from migrate_async.plan.colouring import colour
from migrate_async.plan.planner import make_plan
from support.fixture_apps import FixtureApp, fixture_apps
from support.projects import project

APPS = fixture_apps()


@pytest.mark.parametrize("app", APPS, ids=[app.name for app in APPS])
def test_nothing_that_converts_has_to_stay(
    app: FixtureApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        path.relative_to(app.before).as_posix(): path.read_text("utf-8")
        for path in sorted(app.before.rglob("*.py"))
    }
    run = colour._Keeper.run
    looked_at: list[int] = []
    missed: list[str] = []

    def run_and_look_again(self: colour._Keeper) -> dict[Function, Reason]:
        kept = run(self)
        converting = [function for function in self._coloured if function not in kept]
        looked_at.append(len(converting))
        missed.extend(fn.qualname for fn in converting if self._reason(fn) is not None)
        return kept

    monkeypatch.setattr(colour._Keeper, "run", run_and_look_again)
    make_plan(project(files), Step.ALL, Settings())
    assert looked_at
    assert not missed
