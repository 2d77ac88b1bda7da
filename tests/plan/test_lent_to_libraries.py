"""Sessions in the state of a request, which resolvers of a library take from their context."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.projects import project

_MAIN = """
from fastapi import FastAPI, Request
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

import graphs

SessionLocal = sessionmaker(bind=create_engine("sqlite:///app.db"))
app = FastAPI()
query = graphs.QueryType()


@app.middleware("http")
async def db_session(request: Request, call_next):
    request.state.db = SessionLocal()
    try:
        return await call_next(request)
    finally:
        request.state.db.close()


{decorator}
def resolve(obj, info):
    return {db}.execute(text("SELECT 1")).scalar()


@app.get("/")
def read(request: Request):
    return request.state.db.execute(text("SELECT 1")).scalar()
"""


@pytest.mark.parametrize(
    "db", ['info.context["request"].state.db', "info.context.request.state.db"]
)
def test_the_source_stays_sync(db: str) -> None:
    """Before, resolvers got an async session: they run on the event loop, where none hops."""
    files = {"main.py": _MAIN.format(decorator='@query.field("one")', db=db)}
    plan = make_plan(project(files), Step.ALL, Settings())
    assert not [item for item in plan.functions if item.verdict == "convert"]
    told = [item.message for item in plan.diagnostics if item.code == "MA205"]
    assert len(told) == 1
    assert f"{db} goes on giving a sync one" in told[0]
