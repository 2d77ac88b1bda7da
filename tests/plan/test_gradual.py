"""A part of a project: what is chosen, what goes with it, what is bridged and what comes down."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from migrate_async.config import Settings
from migrate_async.errors import UsageError
from migrate_async.model.plan import Plan, Step
from migrate_async.model.selection import Selection
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.projects import project

DATABASE = """
from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

MODELS = """
from sqlalchemy import Column, Integer, String
from .database import Base


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)
"""

CRUD = """
from sqlalchemy.orm import Session
from .models import User


def get_user(db: Session, id: int):
    return db.get(User, id)


def rename(name: str, db: Session):
    db.get(User, 1).name = name
    db.commit()


class Users:
    def __init__(self, db: Session):
        self.db = db

    def one(self, id: int):
        return self.db.get(User, id)
"""

MAIN = """
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy.orm import Session
from . import crud
from .database import get_db

router = APIRouter(prefix="/users")
app = FastAPI()


def get_current_user(id: int, db: Session = Depends(get_db)):
    return crud.get_user(db, id)


@router.get("/{id}")
def read(id: int, db: Session = Depends(get_db)):
    return crud.get_user(db, id)


@router.put("/{id}")
def write(name: str, user=Depends(get_current_user), db: Session = Depends(get_db)):
    user.name = name
    db.commit()
    crud.rename(name, db=db)
    return crud.Users(db).one(1)


@router.delete("/{id}")
def remove(id: int, db: Session = Depends(get_db)):
    db.delete(crud.get_user(db, id))
    db.commit()
    crud.rename("", db=db)
    return crud.Users(db).one(id)


app.include_router(router)
"""

FILES = {
    "app/__init__.py": "",
    "app/database.py": DATABASE,
    "app/models.py": MODELS,
    "app/crud.py": CRUD,
    "app/main.py": MAIN,
}


def plan(files: Mapping[str, str], selection: Selection) -> Plan:
    return make_plan(project(files), Step.ALL, Settings(), selection)


def migrated(files: Mapping[str, str], selection: Selection) -> dict[str, str]:
    """The files after one run."""
    changed = {file.path: file for file in plan(files, selection).files}
    return {
        path: rewrite_text(changed[path], text) if path in changed else text
        for path, text in files.items()
    }


def verdicts(found: Plan) -> dict[str, str]:
    return {item.function.removeprefix("app."): item.verdict for item in found.functions}


@pytest.mark.parametrize(
    "selection",
    [
        Selection(routes=("GET /users/{id}",)),
        Selection(routes=("get /users/{id}/",)),
        Selection(functions=("main.read",)),
        Selection(next=1),
        Selection(percent=33),
    ],
)
def test_one_route_is_chosen_by_name_or_by_cost(selection: Selection) -> None:
    found = verdicts(plan(FILES, selection))
    assert found["main.read"] == "convert"
    assert found["main.write"] == found["main.remove"] == "wait"
    assert found["crud.get_user"] == "bridge", "two other routes call it"


@pytest.mark.parametrize(
    "selection",
    [
        Selection(routers=("main.router",)),
        Selection(routers=("app.main",)),
        Selection(routers=("/users",)),
        Selection(modules=("app.main",)),
        Selection(routes=("/users/{id}",)),
    ],
)
def test_all_routes_of_a_router_make_their_helpers_caller_closed(selection: Selection) -> None:
    assert set(verdicts(plan(FILES, selection)).values()) == {"convert"}


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(routes=("GET /user/{id}",)), r"no route .*did you mean GET /users/\{id\}"),
        (Selection(routers=("main.ruter",)), r"no router .*did you mean app\.main\.router"),
        (Selection(modules=("app.mian",)), r"no module .*did you mean app\.main"),
        (Selection(functions=("crud.get_usr",)), r"no function .*did you mean app\.crud\.get_user"),
        (Selection(functions=("gett_user",)), r"no function .*did you mean .*app\.crud\.get_user"),
        (Selection(modules=("cruds",)), r"no module .*did you mean app\.crud"),
        (
            Selection(routes=("/nothing/like/it",)),
            r"no route .*`migrate-async scan --verbose` lists",
        ),
        (Selection(functions=("zzz",)), r"no function .*`migrate-async plan --verbose` lists"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(selection: Selection, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(FILES, selection)


def test_a_route_goes_with_the_dependency_whose_object_it_changes() -> None:
    """Both work on one session, or the change of the user would be lost without a word."""
    found = migrated(FILES, Selection(routes=("PUT /users/{id}",)))["app/main.py"]
    assert (
        "async def get_current_user(id: int, db: AsyncSession = Depends(get_db)):\n"
        "    return await db.run_sync(crud.get_user, id)" in found
    )


def test_each_way_to_pass_a_session_has_its_bridge() -> None:
    found = migrated(FILES, Selection(routes=("PUT /users/{id}",)))["app/main.py"]
    assert "await db.run_sync(lambda session: crud.rename(name, db=session))" in found
    assert "await run_in_threadpool(crud.Users(db.sync_session).one, 1)" in found


def test_what_stays_takes_the_sync_side_of_the_same_session() -> None:
    files = migrated(FILES, Selection(routes=("GET /users/{id}",)))
    assert "def remove(id: int, db: Session = Depends(get_sync_db)):" in files["app/main.py"]
    assert "return db.sync_session" in files["app/database.py"]
    assert "SessionLocal.configure(sync_session_class=HopSession)" in files["app/database.py"]


@pytest.mark.parametrize("order", [("GET", "PUT", "DELETE"), ("DELETE", "GET", "PUT")])
def test_bridges_come_down_when_the_last_sync_caller_goes(order: tuple[str, ...]) -> None:
    files: Mapping[str, str] = FILES
    for method in order:
        files = migrated(files, Selection(routes=(f"{method} /users/{{id}}",)))
    assert files == migrated(FILES, Selection())


def test_a_helper_that_a_test_calls_stays_until_the_tests_change_with_it() -> None:
    files = {
        **FILES,
        "tests/test_crud.py": """
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from app import crud


def test_get_user():
    with Session(create_engine("sqlite://")) as db:
        assert crud.get_user(db, 1) is None
""",
    }
    found = verdicts(plan(files, Selection(routes=("GET /users/{id}",))))
    assert found["crud.get_user"] == "bridge"
    assert "tests.test_crud.test_get_user" not in found


def test_a_query_that_two_routes_build_on_is_translated_for_both_or_for_none() -> None:
    files = {
        **FILES,
        "app/search.py": """
from sqlalchemy.orm import Query, Session
from .models import User


def named(db: Session) -> Query:
    return db.query(User).filter(User.name != "")
""",
        "app/main.py": """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session
from .database import get_db
from .search import named

app = FastAPI()


@app.get("/one")
def one(db: Session = Depends(get_db)):
    return named(db).first()


@app.get("/many")
def many(db: Session = Depends(get_db)):
    return named(db).all()
""",
    }
    alone = plan(files, Selection(routes=("GET /one",)))
    assert verdicts(alone)["main.one"] == "keep"
    assert not any(item.verdict == "convert" for item in alone.functions if item.route)
    both = plan(files, Selection(routes=("GET /one", "GET /many")))
    assert verdicts(both)["main.one"] == "convert"


def test_a_query_handed_through_a_bridge_is_translated_when_the_bridge_goes() -> None:
    files = {
        **FILES,
        "app/main.py": """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Query, Session
from .database import get_db
from .models import User

app = FastAPI()


def named(db: Session) -> Query:
    return db.query(User).filter(User.name != "")


def page(query: Query):
    return query.offset(0).limit(10).all()


@app.get("/one")
def one(db: Session = Depends(get_db)):
    db.commit()
    return page(named(db))


@app.get("/two")
def two(db: Session = Depends(get_db)):
    db.commit()
    return page(named(db))
""",
    }
    halfway = migrated(files, Selection(routes=("GET /one",)))
    assert "await run_in_threadpool(page, await db.run_sync(named))" in halfway["app/main.py"]
    done = migrated(halfway, Selection(routes=("GET /two",)))
    assert done["app/main.py"] == migrated(files, Selection())["app/main.py"]


def test_a_generator_that_stays_sync_keeps_the_one_who_iterates_it() -> None:
    """It would run its queries outside of the bridge, where nothing can wait for them."""
    files = {
        **FILES,
        "app/main.py": """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session
from .database import get_db
from .models import User

app = FastAPI()


def each(db: Session):
    for id in range(3):
        yield db.get(User, id)


@app.get("/one")
def one(db: Session = Depends(get_db)):
    return [user.name for user in each(db)]


@app.get("/two")
def two(db: Session = Depends(get_db)):
    return [user.id for user in each(db)]
""",
    }
    alone = plan(files, Selection(routes=("GET /one",)))
    assert verdicts(alone)["main.one"] == "keep"
    both = plan(files, Selection(routes=("GET /one", "/two")))
    assert verdicts(both)["main.one"] == "convert"


def test_the_plan_says_how_much_attention_it_asks_for() -> None:
    part = plan(FILES, Selection(routes=("GET /users/{id}",)))
    assert (part.risk, part.risk_reason) == ("medium", "1 function run in bridges")
    assert plan(FILES, Selection()).risk == "low"


def test_what_was_not_selected_is_no_message() -> None:
    found = plan(FILES, Selection(routes=("GET /users/{id}",)))
    assert found.counts["routes"] == 1
    assert found.counts["routes-waiting"] == 2
    about = {
        (item.code, item.message.partition(" ")[0], item.severity) for item in found.diagnostics
    }
    assert about == {
        ("MA201", "app.crud.get_user", "note"),  # a bridge that a later run takes down
        ("MA509", "app.main.write", "note"),  # all sessions of the factory change in this run
    }


def test_a_session_without_a_factory_has_its_sync_side_once_and_for_a_while() -> None:
    """`with Session(engine) as db`: what serves the routes that wait is not written twice."""
    files = {
        **FILES,
        "app/database.py": """
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, declarative_base

engine = create_engine("sqlite:///app.db")
Base = declarative_base()


def get_db():
    with Session(engine) as db:
        yield db
""",
    }
    part = Selection(routes=("GET /users/{id}",))
    halfway = migrated(files, part)
    assert "return sync_side(db)" in halfway["app/database.py"]
    assert migrated(halfway, part) == halfway
    assert migrated(halfway, Selection()) == migrated(files, Selection())
