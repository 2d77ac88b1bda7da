"""Event loops that functions start, which coroutines cannot: awaited, sent to a thread, left."""

from __future__ import annotations

import textwrap

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from migrate_async.verify.tree import verify_tree
from support.projects import project

HEAD = """
import asyncio

import anyio
from asgiref.sync import async_to_sync
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine("sqlite:///x.db")
SessionLocal = sessionmaker(engine)
app = FastAPI()
main_loop = asyncio.new_event_loop()


def get_db():
    with SessionLocal() as db:
        yield db


async def mail(*lines):
    await asyncio.sleep(0)


async def load(db: Session):
    return db.scalar(text("SELECT 1"))


def tell(db):
    asyncio.run(mail(db.scalar(text("SELECT 1"))))


def tell_later(db):
    return sorted(asyncio.run(mail(db.scalar(text("SELECT 2")))) for _ in "ab")


def ring(line):
    asyncio.run(mail(line))


"""
ROUTE = """
@app.get("/")
def route(db: Session = Depends(get_db)):
    one = db.scalar(text("SELECT 1"))
"""

AWAITED = {
    "asyncio.run(mail(one))": "await mail(one)",
    "found = asyncio.run(mail(one))": "found = await mail(one)",
    "asyncio.run(load(db))": "await load(db)",
    "work = mail(one)\nasyncio.run(work)": "work = mail(one)\nawait work",
    "asyncio.new_event_loop().run_until_complete(mail(one))": "await mail(one)",
    "asyncio.get_event_loop().run_until_complete(asyncio.gather(mail(1), mail(2)))": (
        "await asyncio.gather(mail(1), mail(2))"
    ),
    "loop = asyncio.get_event_loop()\nloop.run_until_complete(mail(one))": "await mail(one)",
    (
        "loop = asyncio.new_event_loop()\nasyncio.set_event_loop(loop)\n"
        "loop.run_until_complete(mail(1))\nloop.run_until_complete(mail(2))\n"
        "asyncio.set_event_loop(None)\nloop.close()"
    ): "await mail(1)\nawait mail(2)",
    "with asyncio.Runner() as runner:\n    runner.run(mail(1))\n    two = runner.run(mail(2))": (
        "await mail(1)\ntwo = await mail(2)"
    ),
    "runner = asyncio.Runner()\ntry:\n    runner.run(mail(1))\nfinally:\n    runner.close()": (
        "await mail(1)"
    ),
    "asyncio.Runner().run(mail(one))": "await mail(one)",
    (
        "loop = asyncio.new_event_loop()\ntry:\n    loop.run_until_complete(mail(1))\n"
        "except ValueError:\n    pass\nfinally:\n    loop.close()"
    ): "try:\n    await mail(1)\nexcept ValueError:\n    pass",
}

THREADED = {
    "anyio.run(mail, one)": "await run_in_threadpool(anyio.run, mail, one)",
    "async_to_sync(mail)(one)": "await run_in_threadpool(async_to_sync(mail), one)",
    "anyio.from_thread.run(mail, one)": "await run_in_threadpool(anyio.from_thread.run, mail, one)",
    "asyncio.run(mail(one), debug=True)": (
        "await run_in_threadpool(asyncio.run, mail(one), debug=True)"
    ),
    "asyncio.run_coroutine_threadsafe(mail(one), main_loop).result(5)": (
        "await run_in_threadpool(\n"
        "    asyncio.run_coroutine_threadsafe(mail(one), main_loop).result, 5\n"
        ")"
    ),
    (
        "loop = asyncio.new_event_loop()\nwork = mail(1)\nloop.run_until_complete(mail(2))\n"
        "loop.run_until_complete(work)\nloop.close()"
    ): (
        "loop = asyncio.new_event_loop()\nwork = mail(1)\n"
        "await run_in_threadpool(loop.run_until_complete, mail(2))\n"
        "await run_in_threadpool(loop.run_until_complete, work)\nloop.close()"
    ),
    "ring(one)": "await run_in_threadpool(ring, one)",
    (
        "loop = asyncio.new_event_loop()\ntask = loop.create_task(mail(one))\n"
        "loop.run_until_complete(task)"
    ): (
        "loop = asyncio.new_event_loop()\ntask = loop.create_task(mail(one))\n"
        "await run_in_threadpool(loop.run_until_complete, task)"
    ),
}

LEFT = {
    "with asyncio.Runner(debug=True) as runner:\n    runner.run(mail(one))": (
        "take over its event loop"
    ),
    "with asyncio.Runner() as runner:\n    runner.get_loop()\n    runner.run(mail(one))": (
        "take over its event loop"
    ),
    "with asyncio.Runner() as runner:\n    runner.run(mail(1))\n    map(runner.run, [mail(2)])": (
        "take over its event loop"
    ),
    "sorted(asyncio.run(mail(n)) for n in range(one))": "nothing can be awaited here",
    (
        "loop = asyncio.get_event_loop()\ntask = loop.create_task(mail(one))\n"
        "loop.run_until_complete(task)"
    ): "take over its event loop",
    "asyncio.run(load(db), debug=True)": "on the session of this",
    "anyio.run(load, db)": "runs an event loop",
    "tell_later(db)": "stays sync and runs an event loop",
    "import uvicorn\nuvicorn.run(app)": "only the first thread of the program",
}


def planned(body: str) -> tuple[str, Plan]:
    text = HEAD + ROUTE + textwrap.indent(body, "    ") + "\n"
    files = {"app.py": text}
    plan = make_plan(project(files), Step.ALL, Settings(), digests={})
    (file,) = plan.files
    return rewrite_text(file, text), plan


def route_of(text: str) -> str:
    return textwrap.dedent(text[text.index("def route") :].partition("\n")[2])


@pytest.mark.parametrize(("body", "wanted"), [*AWAITED.items(), *THREADED.items()])
def test_in_a_coroutine(body: str, wanted: str) -> None:
    text, plan = planned(body)
    assert "async def route" in text
    assert route_of(text) == f'one = await db.scalar(text("SELECT 1"))\n{wanted}\n'
    assert not [
        item for item in plan.diagnostics if item.code == "MA201" and "route" in item.message
    ]
    found = verify_tree(project({"app.py": text}), {"app.py": text}, lambda _path: True)
    assert [item.message for item in found] == []


@pytest.mark.parametrize(("body", "why"), LEFT.items())
def test_not_in_a_coroutine(body: str, why: str) -> None:
    """The route stays sync, as it was, and in a thread."""
    text, plan = planned(body)
    assert "\ndef route(db: Session = Depends(get_sync_db))" in text
    assert body in route_of(text)
    (kept,) = [item for item in plan.diagnostics if "app.route stays sync" in item.message]
    assert why in kept.message


def test_a_helper_that_converts() -> None:
    text, _ = planned("tell(db)")
    assert "async def tell(db):\n    await mail(await db.scalar" in text
    assert "await tell(db)" in text


CONFTEST = """
import pytest
from app import SessionLocal


@pytest.fixture
def db():
    with SessionLocal() as db:
        yield db
"""


def converts(body: str) -> bool:
    """Whether the test suite does."""
    files = {
        "app.py": f"{HEAD}{ROUTE}    return one\n",
        "tests/conftest.py": CONFTEST,
        "tests/test_app.py": (
            "import asyncio\nimport anyio\nfrom app import load, mail, route\n\n\n"
            "def run(coroutine):\n"
            '    """Its result."""\n'
            "    return asyncio.new_event_loop().run_until_complete(coroutine)\n\n\n"
            f"def test_route(db):\n    assert route(db) == 1\n{textwrap.indent(body, '    ')}\n"
        ),
    }
    plan = make_plan(project(files), Step.ALL, Settings(), digests={})
    return any(file.path == "tests/test_app.py" and file.edits for file in plan.files)


def test_in_tests() -> None:
    assert converts("asyncio.run(mail(1))")
    assert converts("run(mail(1))")
    assert not converts("anyio.run(mail, 1)")
    assert converts("with asyncio.Runner() as runner:\n    runner.run(mail(1))")
    assert not converts("with asyncio.Runner(debug=True) as runner:\n    runner.run(mail(1))")


MAIN = """
import uvicorn
from app import SessionLocal, app, text


def main():
    print(SessionLocal().scalar(text("SELECT 1")))
    uvicorn.run(app)


if __name__ == "__main__":
    main()
"""


def test_a_program_that_serves() -> None:
    """Before, it was run by `asyncio.run(main())`, where a server cannot run its own loop."""
    files = {
        "app.py": f"{HEAD}{ROUTE}    return one\n",
        "main.py": "import uvicorn\nfrom app import SessionLocal, app, text\n" + MAIN,
    }
    plan = make_plan(project(files), Step.ALL, Settings(), digests={})
    (file,) = [file for file in plan.files if file.path == "main.py"]
    text = rewrite_text(file, files["main.py"])
    assert "def main():" in text
    assert "async" not in text
    assert "SyncSessionLocal().scalar" in text
