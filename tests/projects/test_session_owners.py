"""Every owner of a session does after the migration what it did before: the code is executed."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed, tree, write, written
from support.owners_app import APPLICATION, USE


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


_NOTES = {
    "database.py": APPLICATION["app/database.py"],
    "notes.py": """\
from database import Note, SessionLocal


def texts(start: str | None) -> list[str]:
    session = SessionLocal()
    query = session.query(Note.text)
    if start is not None:
        query = query.filter(Note.text.startswith(start))
    found = [text for (text,) in query.order_by(Note.text)]
    session.close()
    return found
""",
    "main.py": """\
from fastapi import FastAPI

from database import Base, Note, SessionLocal, engine
from notes import texts

app = FastAPI()


@app.on_event("startup")
def fill():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add_all([Note(text="ash"), Note(text="oak")])
        db.commit()


@app.get("/texts")
def read(start: str | None = None):
    return [*texts(start), *texts("o")]
""",
}


def test_a_session_is_open_until_the_legacy_code_closes_it(tmp_path: Path) -> None:
    """A query that was made on it runs without naming it: no connection stays checked out."""
    folder = written(tmp_path, _NOTES)
    code = (
        "from fastapi.testclient import TestClient\nfrom main import app, engine\n"
        "with TestClient(app) as client:\n"
        "    print(client.get('/texts').json(), client.get('/texts?start=a').json())\n"
        "    print(engine.pool.checkedout())\n"
    )
    before = printed(folder, code)
    assert before == "['ash', 'oak', 'oak'] ['ash', 'oak']\n0\n"
    write(folder, "--all")
    assert "async def texts" in (folder / "notes.py").read_text()
    (folder / "owners.db").unlink()
    assert printed(folder, code) == before
