"""Owners of sessions outside of requests: what becomes of each, and what the plan says of it."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import AddArgument, FunctionDecision, Plan, Step
from migrate_async.plan.planner import make_plan
from support.projects import project

_APP = {
    "app/database.py": """\
        from sqlalchemy import create_engine
        from sqlalchemy.orm import Session, sessionmaker

        engine = create_engine("sqlite:///x.db")
        SessionLocal = sessionmaker(bind=engine)

        def get_db():
            db = SessionLocal()
            try:
                yield db
            finally:
                db.close()
    """,
    "app/main.py": """\
        from fastapi import Depends, FastAPI
        from sqlalchemy import text
        from sqlalchemy.orm import Session
        from app.database import get_db

        app = FastAPI()

        @app.get("/one")
        def one(db: Session = Depends(get_db)):
            return db.execute(text("SELECT 1")).scalar()
    """,
}


def planned(text: str) -> Plan:
    """The plan of the step `all` for the application and one more module."""
    return make_plan(project({**_APP, "app/owner.py": text}), Step.ALL, Settings())


def decision(plan: Plan, name: str) -> FunctionDecision:
    return next(item for item in plan.functions if item.function == f"app.owner.{name}")


_WORK = """
    with SessionLocal() as db:
        db.execute(text("SELECT 1"))
"""
_HEAD = "from sqlalchemy import text\nfrom app.database import SessionLocal\n"

SERVICE = """\
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session
from app.database import SessionLocal, get_db

app = FastAPI()

class Service:
    def __init__(self):
        self.db = SessionLocal()

    def count(self):
        return self.db.execute(text("SELECT 1")).scalar()

@app.get("/two")
def two({parameter}):
    {body}
"""


@pytest.mark.parametrize(
    ("parameter", "body", "told"),
    [
        ("db: Session = Depends(get_db)", "return Service().count()", 1),
        ("", "return Service().count() + Service().count()", 2),
        ("", "return Service().count()", 0),
    ],
)
def test_two_sessions_that_become_one_are_told_of(parameter: str, body: str, told: int) -> None:
    found = planned(SERVICE.format(parameter=parameter, body=body))
    assert decision(found, "two").verdict == "convert"
    assert [item.code for item in found.diagnostics].count("MA302") == told


KEPT = [
    pytest.param(
        f"{_HEAD}from celery import shared_task\n\n@shared_task\ndef work():{_WORK}",
        "a task queue or scheduler calls it",
        "run_async(work())",
        id="a Celery task",
    ),
    pytest.param(
        f"{_HEAD}import typer\n\ncli = typer.Typer()\n\n@cli.command()\ndef work():{_WORK}",
        "it is a command",
        "asyncio.run(work())",
        id="a typer command",
    ),
    pytest.param(
        f"{_HEAD}import click\n\n@click.command()\ndef work():{_WORK}",
        "it is a command",
        "asyncio.run(work())",
        id="a click command",
    ),
    pytest.param(
        f"{_HEAD}from apscheduler.schedulers.background import BackgroundScheduler\n\n"
        f"def work():{_WORK}\n"
        "def start():\n    scheduler = BackgroundScheduler()\n"
        "    scheduler.add_job(work, 'interval', minutes=5)\n    scheduler.start()\n",
        "a scheduler calls it (add_job)",
        "AsyncIOScheduler",
        id="a job of APScheduler",
    ),
    pytest.param(
        f"{_HEAD}from threading import Thread\n\ndef work():{_WORK}\n"
        "def start():\n    Thread(target=work).start()\n",
        "a thread runs it",
        "a task of the event loop",
        id="a thread",
    ),
]


@pytest.mark.parametrize(("text", "reason", "advice"), KEPT)
def test_what_nobody_awaits_keeps_a_sync_session_and_is_reported(
    text: str, reason: str, advice: str
) -> None:
    plan = planned(text)
    kept = decision(plan, "work")
    assert kept.verdict == "keep"
    assert reason in kept.reasons[0].text
    (message,) = [found for found in plan.diagnostics if found.path == "app/owner.py"]
    assert message.code == "MA201"
    assert advice in message.next_step
    edits = [edit for file in plan.files if file.path == "app/owner.py" for edit in file.edits]
    assert [getattr(edit, "code", "") for edit in edits] == ["SyncSessionLocal"]


FOREIGN = [
    pytest.param(
        "from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n",
        "Flask-SQLAlchemy",
        id="flask",
    ),
    pytest.param(
        "from fastapi_sqlalchemy import db\n", "fastapi-sqlalchemy", id="fastapi-sqlalchemy"
    ),
]


@pytest.mark.parametrize(("head", "package"), FOREIGN)
def test_the_sync_session_of_a_package_is_not_awaited(head: str, package: str) -> None:
    """`db.session` stays what the package makes it."""
    plan = planned(
        f"from fastapi import APIRouter\nfrom sqlalchemy import text\n{head}\n"
        "router = APIRouter()\n\n@router.get('/two')\ndef two():\n"
        "    return db.session.execute(text('SELECT 2')).scalar()\n"
    )
    kept = decision(plan, "two")
    assert kept.verdict == "keep"
    assert kept.reasons[0].code == "foreign-session"
    assert package in kept.reasons[0].text
    assert [file.path for file in plan.files] == ["app/database.py", "app/main.py"]


CONVERTED = [
    pytest.param(
        f"{_HEAD}from fastapi import APIRouter, BackgroundTasks\n\nrouter = APIRouter()\n\n"
        f"def work():{_WORK}\n"
        "@router.post('/start')\ndef start(tasks: BackgroundTasks):\n    tasks.add_task(work)\n",
        id="a background task",
    ),
    pytest.param(
        f"{_HEAD}from fastapi import APIRouter, WebSocket\n\nrouter = APIRouter()\n\n"
        f"@router.websocket('/ws')\nasync def work(websocket: WebSocket):{_WORK}",
        id="a websocket",
    ),
    pytest.param(
        f"{_HEAD}\ndef work():{_WORK}\nif __name__ == '__main__':\n    work()\n", id="a script"
    ),
]


@pytest.mark.parametrize("text", CONVERTED)
def test_what_is_awaited_converts(text: str) -> None:
    assert decision(planned(text), "work").verdict == "convert"


def test_a_sessionmaker_of_a_class_of_the_project_stays_sync_with_its_users() -> None:
    """An `async_sessionmaker` cannot make instances of a sync class."""
    files = {
        **_APP,
        "app/database.py": _APP["app/database.py"]
        .replace("sessionmaker(bind=engine)", "sessionmaker(bind=engine, class_=Audited)")
        .replace(
            "        SessionLocal =",
            "        class Audited(Session):\n            audit = True\n\n        SessionLocal =",
        ),
    }
    plan = make_plan(project(files), Step.ALL, Settings())
    [told] = [found.message for found in plan.diagnostics if found.code == "MA205"]
    assert "SessionLocal stays sync (sessionmaker(class_=...) names a class of the project" in told
    assert not [function for function in plan.functions if function.verdict == "convert"]
    assert not [
        edit for file in plan.files for edit in file.edits if edit.codemod == "async-engine"
    ]


def test_a_session_class_that_overrides_what_is_called_serves_async_sessions() -> None:
    files = {
        **_APP,
        "app/database.py": _APP["app/database.py"]
        .replace("sessionmaker(bind=engine)", "sessionmaker(bind=engine, class_=Audited)")
        .replace(
            "        SessionLocal =",
            "        class Audited(Session):\n            def commit(self):\n"
            "                super().commit()\n\n        SessionLocal =",
        ),
    }
    plan = make_plan(project(files), Step.ALL, Settings())
    assert {"MA205", "MA402"}.isdisjoint({found.code for found in plan.diagnostics})
    arguments = {
        edit.code
        for file in plan.files
        for edit in file.edits
        if isinstance(edit, AddArgument) and file.path == "app/database.py"
    }
    assert "sync_session_class=Audited" in arguments


def test_the_class_of_a_sessionmaker_becomes_its_counterpart() -> None:
    files = {
        **_APP,
        "app/database.py": _APP["app/database.py"]
        .replace(
            "sqlalchemy.orm import Session, sessionmaker", "sqlalchemy.orm import sessionmaker"
        )
        .replace("sessionmaker(bind=engine)", "sessionmaker(bind=engine, class_=Session)")
        .replace("        engine =", "        from sqlmodel import Session\n\n        engine ="),
    }
    plan = make_plan(project(files), Step.ALL, Settings())
    (database,) = [file for file in plan.files if file.path == "app/database.py"]
    assert "AsyncSession" in [getattr(edit, "code", "") for edit in database.edits]
    assert "sqlmodel.ext.asyncio.session" in [change.module for change in database.imports]
