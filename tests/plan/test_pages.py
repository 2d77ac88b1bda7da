"""Pages that fastapi-pagination makes: what converts, and what is told of the rest."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from migrate_async.config import Settings
from migrate_async.model import plan as p
from migrate_async.plan.needed_versions import old_pins
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from migrate_async.source.pins import Pin
from support.projects import project

_APP = """\
from fastapi import Depends, FastAPI
from fastapi_pagination import paginate as plain
from fastapi_pagination.ext.sqlalchemy import paginate
from sqlalchemy import Column, Integer, create_engine, func, select
from sqlalchemy.orm import Session, declarative_base, sessionmaker

SessionLocal = sessionmaker(bind=create_engine("sqlite://"))
Base = declarative_base()
app = FastAPI()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)


def get_db():
    with SessionLocal() as db:
        yield db


@app.get("/")
def read(db: Session = Depends(get_db), **more):
    {body}
"""


def _planned(body: str, step: p.Step = p.Step.ALL) -> tuple[p.Plan, str]:
    text = _APP.replace("{body}", body.replace("\n", "\n    "))
    plan = make_plan(project({"main.py": text}), step, Settings())
    return plan, "".join(rewrite_text(file, text) for file in plan.files)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return paginate(db.query(User))", "return await apaginate(db, select(User))"),
        ("return paginate(db, db.query(User))", "return await apaginate(db, select(User))"),
        ("return paginate(db, query=select(User))", "await apaginate(db, query=select(User))"),
        ("page = paginate(db, select(User))\npage.total\nreturn page", "await apaginate(db, sel"),
        ("return plain(db.query(User).all())", "return plain(result.scalars().all())"),
        ("x = 1\napaginate = x\nreturn paginate(db.query(User))", "await apaginate_2(db, select"),
    ],
)
def test_it_converts(body: str, expected: str) -> None:
    _, text = _planned(body)
    assert expected in text
    assert "async def read(" in text


def test_the_first_step_names_the_session() -> None:
    plan, text = _planned("return paginate(db.query(User).filter(User.id > 1))", p.Step.QUERIES)
    assert "return paginate(db, select(User).where(User.id > 1))" in text
    assert not plan.diagnostics


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return paginate(db, select(User), transformer=list)", "would call its `transformer`"),
        ("return paginate(db, select(User), additional_data=f)", "call its `additional_data`"),
        ("return paginate(db, select(User), **more)", "arguments that are known at run time only"),
        ("return paginate(db, select(User)).items", "uses a page's items"),
        ("page = paginate(db, select(User))\nreturn page.items", "uses a page's items"),
        ("return [paginate(db, select(User))]", "uses a page's items"),
        ("return paginate(db.query(User).yield_per(2))", "knows nothing of its `.yield_per()`"),
        ("return paginate(db.query(User.id + 1))", "has other keys with `select()`"),
        ("return paginate(db.query(*more))", "cannot tell what"),
        ("return paginate(db.query(User) if more else db.query(User))", "which of two makes"),
    ],
)
def test_it_is_left_and_reported(body: str, reason: str) -> None:
    plan, text = _planned(body)
    assert "apaginate" not in text
    assert any(reason in item.message for item in plan.diagnostics), plan.diagnostics


@pytest.mark.parametrize(
    ("step", "version", "expected"),
    [
        (p.Step.ALL, "0.12.34", "has apaginate: it came with 0.13.0"),
        (p.Step.ALL, "0.13.1", ""),
        (p.Step.QUERIES, "0.11.4", "makes pages of a session and a statement"),
        (p.Step.QUERIES, "0.12.34", ""),
    ],
)
def test_old_pins_are_named(step: p.Step, version: str, expected: str) -> None:
    plan, _ = _planned("return paginate(db.query(User))", step)
    pins = {"fastapi-pagination": [_pin(version)]}
    found = [item.message for item in old_pins(plan, lambda package: pins.get(package, []))]
    assert [expected in message for message in found] == ([True] if expected else [])


def _pin(version: str) -> Pin:
    return Pin("r.txt", 1, 0, "fastapi-pagination", SpecifierSet(f"=={version}"))
