"""Which functions are kept twice, what their twins are called, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.model.selection import Selection
from migrate_async.plan.leftovers.finish import plan_finish
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from migrate_async.verify.tree import verify_tree
from support.projects import project

from .test_gradual import FILES

READ = Selection(routes=("GET /users/{id}",))
WRITE = Selection(routes=("PUT /users/{id}",))
REMOVE = Selection(routes=("DELETE /users/{id}",))
NAMED = {
    **FILES,
    "app/main.py": FILES["app/main.py"]
    .replace("from . import crud\n", "from . import crud\nfrom .crud import get_user\n")
    .replace("crud.get_user", "get_user"),
}


def plan(files: Mapping[str, str], selection: Selection, keep: str = "both") -> Plan:
    settings = Settings(keep="both" if keep == "both" else "sync")
    return make_plan(project(files), Step.ALL, settings, selection)


def migrated(files: Mapping[str, str], selection: Selection, keep: str = "both") -> dict[str, str]:
    changed = {file.path: file for file in plan(files, selection, keep).files}
    return {
        path: rewrite_text(changed[path], text) if path in changed else text
        for path, text in files.items()
    }


def verdicts(found: Plan) -> dict[str, str]:
    return {item.function.removeprefix("app."): item.verdict for item in found.functions}


def test_what_sync_code_calls_too_is_kept_twice() -> None:
    found = plan(FILES, READ)
    assert verdicts(found)["crud.get_user"] == "twin"
    assert found.counts["twins"] == 1
    reasons = next(f.reasons for f in found.functions if f.function == "app.crud.get_user")
    assert reasons[0].code == "called-by-sync"
    text = migrated(FILES, READ)["app/crud.py"]
    assert '@sync_twin("get_user_async", "' in text
    assert "def get_user(db: Session, id: int):\n    return db.get(User, id)\n" in text
    assert (
        "async def get_user_async(db: AsyncSession, id: int):\n    return await db.get(User, id)\n"
    ) in text


def test_coroutines_call_the_twin_and_sync_code_the_original() -> None:
    main = migrated(FILES, READ)["app/main.py"]
    assert "return await crud.get_user_async(db, id)" in main
    assert (
        "def get_current_user(id: int, db: Session = Depends(get_sync_db)):\n    return crud.get_"
        in main
    )


@pytest.mark.parametrize("files", [FILES, NAMED], ids=["module", "name"])
@pytest.mark.parametrize("order", [(READ, WRITE, REMOVE), (REMOVE, READ, WRITE)])
@pytest.mark.parametrize("last", ["both", "sync"])
def test_the_last_run_leaves_what_one_run_leaves(
    files: Mapping[str, str], order: tuple[Selection, ...], last: str
) -> None:
    """Twins collapse by themselves, also without the option."""
    once = migrated(files, Selection(), "sync")
    found = dict(files)
    for selection in order:
        found = migrated(found, selection)
        assert migrated(found, selection) == found
        linked = project(found)
        assert not verify_tree(linked, found, exists=lambda _path: False)
    assert migrated(found, Selection(), last) == once


def test_a_bridge_of_an_earlier_run_becomes_a_call_of_the_twin() -> None:
    bridged = migrated(FILES, READ, "sync")
    assert "await db.run_sync(crud.get_user, id)" in bridged["app/main.py"]
    again = migrated(bridged, READ)
    assert "return await crud.get_user_async(db, id)" in again["app/main.py"]
    assert migrated(again, Selection()) == migrated(FILES, Selection())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class Users:", "def get_user_async():\n    pass\n\n\nclass Users:"),
        ("def get_user(", "@cached\ndef get_user("),
        (
            "    return db.get(User, id)\n\n\ndef rename",
            "    yield db.get(User, id)\n\n\ndef rename",
        ),
    ],
    ids=["the name is taken", "a decorator", "a generator"],
)
def test_others_are_not_kept_twice(old: str, new: str) -> None:
    files = {**FILES, "app/crud.py": FILES["app/crud.py"].replace(old, new, 1)}
    assert verdicts(plan(files, READ))["crud.get_user"] != "twin"


def test_twins_that_were_edited_apart_are_left_and_told() -> None:
    """Nobody can know which of the two is right: no call changes sides."""
    found = migrated(FILES, READ)
    crud = found["app/crud.py"].replace("await db.get(User, id)", "await db.get(User, id + 1)")
    found["app/crud.py"] = crud
    torn = plan(found, Selection())
    messages = [item.message for item in torn.diagnostics if item.code == "MA201"]
    assert any("may differ" in message for message in messages)
    after = migrated(found, Selection())
    assert "await crud.get_user_async(db, id)" in after["app/main.py"]
    assert "await db.delete(await db.run_sync(crud.get_user, id))" in after["app/main.py"]
    verified = verify_tree(project(found), found, exists=lambda _path: False)
    assert [item.code for item in verified] == ["MA283"]


def test_finish_says_who_needs_the_original_or_how_it_goes() -> None:
    found = migrated(FILES, READ)
    told = [d.message for d in plan_finish(project(found), {}).diagnostics]
    assert "still uses get_user, the sync original of an async twin" in told
    alone = {**found, "app/main.py": found["app/main.py"].replace("crud.get_user(", "str(")}
    told = [d.next_step for d in plan_finish(project(alone), {}).diagnostics]
    assert any("migrate --all --write" in step for step in told)
