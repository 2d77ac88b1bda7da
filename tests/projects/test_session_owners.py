"""Every owner of a session does after the migration what it did before: the code is executed."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed, tree, write
from support.owners_app import APPLICATION, USE


def written(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


def used(folder: Path) -> str:
    """What a program that uses all owners prints."""
    return printed(folder, USE)


def test_all_owners_work_before_between_and_after(tmp_path: Path) -> None:
    """Routes that stay sync share the session that a middleware put on `request.state`.

    Once nothing keeps them sync, they leave no trace of that.
    """
    folder = written(tmp_path / "steps", APPLICATION)
    before = used(folder)
    assert before.splitlines()[-1] == "count 7"

    said = write(folder, "--all")
    assert "MA202" not in said
    main = (folder / "app/main.py").read_text()
    assert "request.state.db.sync_session.query(" in main
    assert "Depends(sync_db_of)" in main
    assert used(folder) == before
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"

    translatable = {
        path: text.replace(".enable_assertions(False)", "") for path, text in APPLICATION.items()
    }
    (folder / "app/main.py").write_text(main.replace(".enable_assertions(False)", ""))
    write(folder, "--all", "--allow-dirty")
    assert used(folder) == before
    once = written(tmp_path / "once", translatable)
    write(once, "--all")
    assert tree(folder) == tree(once)
