"""Blocking calls of functions that become coroutines: sent to a thread, or reported."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.plan import Plan, Step
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.http_sequence import replay
from support.projects import project

DATABASE = """
import os

from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

HEAD = """
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from time import sleep

import boto3
import requests
from fastapi import Depends, FastAPI
from passlib.context import CryptContext
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import engine, get_db

app = FastAPI()
pool = ThreadPoolExecutor()
passwords = CryptContext(schemes=["bcrypt"])
s3 = boto3.client("s3")


def verify(plain, hashed):
    return passwords.verify(plain, hashed)


def login(plain):
    return verify(plain, "hash")


def fetch_all(urls):
    with ThreadPoolExecutor() as own:
        for url in urls:
            own.submit(print, url)


def count(db):
    requests.get("https://example.org")
    return db.scalar(text("SELECT 1"))


@app.get("/")
def route(url: str, db: Session = Depends(get_db)):
    one = db.scalar(text("SELECT 1"))
"""


def planned(files: dict[str, str], settings: Settings) -> Plan:
    return make_plan(project(files), Step.ALL, settings)


def migrated(files: dict[str, str], settings: Settings = Settings()) -> dict[str, str]:  # noqa: B008  frozen
    plans = {file.path: file for file in planned(files, settings).files}
    return {
        path: rewrite_text(plans[path], source) if path in plans else source
        for path, source in files.items()
    }


def with_body(body: str) -> dict[str, str]:
    main = HEAD + textwrap.indent(textwrap.dedent(body), "    ")
    return {"app/__init__.py": "", "app/database.py": DATABASE, "app/main.py": main}


def body_of(text: str) -> str:
    return textwrap.dedent(text.partition('("SELECT 1"))\n')[2].partition('"SELECT 1"))\n')[2])


def reports(body: str, settings: Settings = Settings()) -> list[Diagnostic]:  # noqa: B008  frozen
    found = planned(with_body(body), settings).diagnostics
    return [item for item in found if item.code == "MA420"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("time.sleep(1)\n", "await asyncio.sleep(1)\n"),
        ("sleep(one)\n", "await asyncio.sleep(one)\n"),
        (
            "return requests.get(url, timeout=3).json()\n",
            "return (await run_in_threadpool(requests.get, url, timeout=3)).json()\n",
        ),
        (
            "return [requests.get(u) for u in url]\n",
            "return [await run_in_threadpool(requests.get, u) for u in url]\n",
        ),
        (
            'return subprocess.run(["ls"], check=True)\n',
            'return await run_in_threadpool(subprocess.run, ["ls"], check=True)\n',
        ),
        (
            "if not passwords.verify(url, one):\n    return 1\n",
            "if not await run_in_threadpool(passwords.verify, url, one):\n    return 1\n",
        ),
        ("return verify(url, one)\n", "return await run_in_threadpool(verify, url, one)\n"),
        ("return login(url)\n", "return await run_in_threadpool(login, url)\n"),
        (
            's3.upload_file(url, "bucket", "key")\n',
            'await run_in_threadpool(s3.upload_file, url, "bucket", "key")\n',
        ),
        (
            "return pool.submit(login, url).result(5)\n",
            "return await run_in_threadpool(pool.submit(login, url).result, 5)\n",
        ),
        (
            "future = pool.submit(login, url)\nreturn future.result()\n",
            "future = pool.submit(login, url)\nreturn await run_in_threadpool(future.result)\n",
        ),
        (
            "with ThreadPoolExecutor(4) as p:\n    return list(p.map(login, url))\n",
            (
                "with ThreadPoolExecutor(4) as p:\n"
                "    return await run_in_threadpool(list, p.map(login, url))\n"
            ),
        ),
        (
            (
                "with ThreadPoolExecutor(4) as p:\n    found = p.map(login, url)\n"
                "    return dict(zip(url, found))\n"
            ),
            (
                "with ThreadPoolExecutor(4) as p:\n    found = p.map(login, url)\n"
                "    return await run_in_threadpool(dict, zip(url, found))\n"
            ),
        ),
        (
            (
                "futures = [pool.submit(login, u) for u in url]\n"
                "return [future.result() for future in futures]\n"
            ),
            (
                "futures = [pool.submit(login, u) for u in url]\n"
                "return [await run_in_threadpool(future.result) for future in futures]\n"
            ),
        ),
        (
            "own = ThreadPoolExecutor(2)\nown.submit(login, url)\nown.shutdown(wait=True)\n",
            (
                "own = ThreadPoolExecutor(2)\nown.submit(login, url)\n"
                "await run_in_threadpool(own.shutdown, wait=True)\n"
            ),
        ),
        (
            "own = ThreadPoolExecutor(2)\nown.submit(login, url)\nown.shutdown(wait=False)\n",
            "own = ThreadPoolExecutor(2)\nown.submit(login, url)\nown.shutdown(wait=False)\n",
        ),
        ("return fetch_all(url)\n", "return await run_in_threadpool(fetch_all, url)\n"),
        (
            "return requests.post(url, json=count(db))\n",
            "return await run_in_threadpool(requests.post, url, json=await count(db))\n",
        ),
    ],
)
def test_slow_calls_go_back_to_a_thread(body: str, expected: str) -> None:
    files = migrated(with_body(body))
    assert body_of(files["app/main.py"]) == expected
    assert migrated(files) == files, "the second run changes nothing"
    assert not reports(body)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return any(requests.get(u) for u in url)\n", "nothing can be awaited here"),
        (
            "with requests.get(url, stream=True) as r:\n    return r.raw\n",
            "the block that it opens blocks, too",
        ),
        ("return requests.get(url, func=one)\n", "it has an argument called `func`"),
    ],
)
def test_what_cannot_go_to_a_thread_is_reported(body: str, problem: str) -> None:
    (found,) = reports(body)
    assert found.message.endswith(problem)
    assert found.severity == "warning"
    assert "run_in_threadpool" in migrated(with_body(body))["app/main.py"], "that of count()"
    assert "requests.get(u" in body_of(migrated(with_body(body))["app/main.py"])


@pytest.mark.parametrize(
    ("body", "waits", "problem"),
    [
        (
            "with ThreadPoolExecutor(4) as p:\n    for u in url:\n        p.submit(login, u)\n",
            "`ThreadPoolExecutor(4)`",
            "the block that it opens blocks, too",
        ),
        (
            "with ThreadPoolExecutor(4) as p:\n    found = p.map(login, url)\n",
            "`ThreadPoolExecutor(4)`",
            "the block that it opens blocks, too",
        ),
        (
            (
                "with ThreadPoolExecutor(4) as p:\n"
                "    futures = {p.submit(login, u): u for u in url}\n"
                "    for future in as_completed(futures):\n        print(future.result())\n"
            ),
            "`as_completed(futures)`",
            "the loop over it blocks, too",
        ),
        (
            "return [found for found in pool.map(login, url)]\n",
            "`pool.map(login, url)`",
            "the loop over it blocks, too",
        ),
    ],
)
def test_what_waits_for_a_pool_is_reported(body: str, waits: str, problem: str) -> None:
    """Leaving its block does, and a loop over its results; the code stays as it is."""
    (found,) = reports(body)
    assert waits in found.message
    assert found.message.endswith(problem)
    assert body_of(migrated(with_body(body))["app/main.py"]) == body


def test_a_small_file_is_worth_a_note() -> None:
    (found,) = reports("return open(url).read()\n")
    assert found.severity == "note"
    assert "open(url)" in found.message


def test_everything_is_reported_and_nothing_wrapped_where_the_settings_say_so() -> None:
    settings = Settings(blocking="report")
    body = "time.sleep(1)\nreturn login(url)\n"
    messages = [item.message for item in reports(body, settings)]
    assert len(messages) == 3
    assert any("`login() -> verify() -> passwords.verify(plain, hashed)`" in m for m in messages)
    text = migrated(with_body(body), settings)["app/main.py"]
    assert body_of(text) == body
    assert "threadpool" not in text


def test_a_helper_that_a_bridge_runs_on_the_event_loop_is_reported() -> None:
    files = with_body("return count(db)\n")
    files["app/main.py"] += "\n\nlater = lambda db: count(db)\n"
    found = [i for i in planned(files, Settings()).diagnostics if i.code == "MA420"]
    assert ["a bridge runs it on the event loop" in item.message for item in found] == [True]
    assert "await db.run_sync(count)" in migrated(files)["app/main.py"]


def test_a_coroutine_that_blocked_before_keeps_its_text() -> None:
    body = "time.sleep(1)\nreturn login(url)\n"
    files = with_body(body)
    files["app/main.py"] = files["app/main.py"].replace("def route", "async def route")
    assert body_of(migrated(files)["app/main.py"]) == body


def test_a_thread_that_the_project_started_itself_stays() -> None:
    """What it is for nobody knows: heavy computing, a library that is not thread-safe."""
    files = with_body("return one\n")
    files["app/main.py"] += """

def resize(data):
    return data[::2]


@app.get("/async")
async def other(data: str):
    return await asyncio.to_thread(resize, data)
"""
    files["app/main.py"] = "import asyncio\n" + files["app/main.py"]
    assert "await asyncio.to_thread(resize, data)" in migrated(files)["app/main.py"]


def test_a_lock_of_threads_keeps_its_query_sync() -> None:
    """The next coroutine to wait for the lock would stop the loop that could release it."""
    files = with_body('with lock:\n    return db.scalar(text("SELECT 2"))\n')
    files["app/main.py"] = files["app/main.py"].replace(
        "app = FastAPI()", "import threading\nlock = threading.Lock()\napp = FastAPI()"
    )
    plan = planned(files, Settings())
    (decision,) = [item for item in plan.functions if item.function == "app.main.route"]
    assert decision.verdict == "keep"
    assert decision.reasons[0].code == "holds-lock"


def test_the_migrated_app_blocks_in_threads_as_the_legacy_one_did(tmp_path: Path) -> None:
    """The stand-ins of the libraries say which thread they run in."""
    body = """\
time.sleep(0)
seen = [requests.get(url), login(url), s3.get_object(Key=url), count(db)]
with ThreadPoolExecutor(2) as own:
    seen += list(own.map(login, ["a", "b"]))
return [one, *seen, [requests.get(u) for u in ("a", "b")]]
"""
    thread = "threading.current_thread() is threading.main_thread()"
    stand_ins = {
        "requests.py": f"import threading\ndef get(url): return [url, {thread}]\n",
        "boto3.py": "import threading\nclass Client:\n"
        f"    def get_object(self, Key): return [Key, {thread}]\n"
        "def client(name): return Client()\n",
        "passlib/__init__.py": "",
        "passlib/context.py": "import threading\nclass CryptContext:\n"
        "    def __init__(self, schemes): pass\n"
        f"    def verify(self, plain, hashed): return [plain, hashed, {thread}]\n",
    }
    before = with_body(body)
    answers = []
    for name, files in (("before", before), ("after", migrated(before))):
        for path, text in {**files, **stand_ins}.items():
            target = tmp_path / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        requests = [{"method": "GET", "path": "/?url=x"}]
        answers.append(replay(tmp_path / name, requests, app="app.main:app"))
    assert answers[0] == answers[1]
    assert answers[0][0]["json"][1] == ["x", False]
