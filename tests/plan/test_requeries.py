"""Which sessions expire their objects late: those that may meet one from before a commit again."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model import plan as p
from migrate_async.plan.planner import make_plan
from support.projects import project

_MODELS = """\
from sqlalchemy import Column, ForeignKey, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine("sqlite:///x.db")
SessionLocal = sessionmaker(bind=engine%s)
Base = declarative_base()


def get_db():
    with SessionLocal() as db:
        yield db


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    posts = relationship("Post")


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    author_id = Column(ForeignKey("users.id"))


class Tag(Base):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
"""

_ROUTES = """\
from fastapi import Depends, FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session
from models import Post, Tag, User, get_db

app = FastAPI()


def current_user(db: Session = Depends(get_db)):
    return db.query(User).first()


def find(db: Session):
    return db.query(User).filter(User.id == 1).first()


def add(db: Session):
    db.add(Post(author_id=1))
    db.commit()


%s
"""

_LATE = {
    "a dependency holds it": """
@app.get("/")
def read(user: User = Depends(current_user), db: Session = Depends(get_db)):
    add(db)
    return find(db).id
""",
    "a dependency of the route holds it": """
@app.get("/", dependencies=[Depends(current_user)])
def read(db: Session = Depends(get_db)):
    add(db)
    return find(db).id
""",
    "a caller holds it": """
def again(db: Session):
    add(db)
    return find(db)


@app.get("/")
def read(db: Session = Depends(get_db)):
    user = find(db)
    return again(db).id == user.id
""",
    "a list holds it": """
@app.get("/")
def read(db: Session = Depends(get_db)):
    users = db.query(User).all()
    add(db)
    return len(users), find(db).id
""",
    "a loop comes back to it": """
@app.get("/")
def read(db: Session = Depends(get_db)):
    for _ in range(3):
        user = db.execute(select(User)).scalars().all()[0]
        add(db)
    return user.id
""",
    "an object that another holds is read": """
@app.get("/", dependencies=[Depends(current_user)])
def read(db: Session = Depends(get_db)):
    user = find(db)
    first = [post.id for post in user.posts]
    db.commit()
    db.refresh(user)
    return first, db.query(Post).first().id
""",
    "a dependency commits": """
def seen(db: Session = Depends(get_db)):
    user = db.query(User).first()
    user.id = user.id
    db.commit()
    return user


@app.get("/")
def read(user: User = Depends(seen), db: Session = Depends(get_db)):
    return find(db).id
""",
    "a block commits": """
@app.get("/", dependencies=[Depends(current_user)])
def read(db: Session = Depends(get_db)):
    with db.begin():
        db.add(Post(author_id=1))
    return find(db).id
""",
    "by key": """
@app.get("/", dependencies=[Depends(current_user)])
def read(db: Session = Depends(get_db)):
    add(db)
    return db.get(User, 1).id
""",
}

_NOT_LATE = {
    "nobody holds one": """
@app.get("/")
def read(db: Session = Depends(get_db)):
    add(db)
    return find(db).id
""",
    "nothing is loaded after the commit": """
@app.get("/")
def read(user: User = Depends(current_user), db: Session = Depends(get_db)):
    found = find(db)
    add(db)
    return found.id
""",
    "what is loaded is of another kind": """
@app.get("/", dependencies=[Depends(current_user)])
def read(db: Session = Depends(get_db)):
    add(db)
    return db.query(Tag).first().id
""",
    "only a number is read": """
@app.get("/", dependencies=[Depends(current_user)])
def read(db: Session = Depends(get_db)):
    add(db)
    return db.query(User).filter(User.id > 1).count(), db.query(User.id).all()
""",
    "the function has it in its hands and refreshes it": """
@app.get("/")
def read(db: Session = Depends(get_db)):
    user = find(db)
    user.id = 1
    db.commit()
    return find(db).id
""",
}


def _plan(routes: str, options: str = "") -> p.Plan:
    files = {"models.py": _MODELS % options, "main.py": _ROUTES % routes}
    return make_plan(project(files), p.Step.ALL, Settings())


def _added(plan: p.Plan) -> list[str]:
    edits = (edit for file in plan.files for edit in file.edits)
    return [edit.code for edit in edits if isinstance(edit, p.AddArgument)]


@pytest.mark.parametrize("case", _LATE)
def test_the_factory_expires_late_where_a_query_may_meet_an_old_object(case: str) -> None:
    plan = _plan(_LATE[case])
    assert "sync_session_class=LateExpirySession" in _added(plan)
    assert [found.code for found in plan.diagnostics if found.code == "MA509"] == ["MA509"]


@pytest.mark.parametrize("case", _NOT_LATE)
def test_the_factory_stays_plain_where_no_query_can(case: str) -> None:
    plan = _plan(_NOT_LATE[case])
    assert _added(plan) == ["expire_on_commit=False"]
    assert "MA509" not in {found.code for found in plan.diagnostics}


@pytest.mark.parametrize("says", ["False", "True"])
def test_a_factory_that_says_when_objects_expire_keeps_that(says: str) -> None:
    plan = _plan(_LATE["a dependency holds it"], f", expire_on_commit={says}")
    assert _added(plan) == []
    assert "MA509" not in {found.code for found in plan.diagnostics}


def test_a_factory_with_a_class_of_its_own_is_reported() -> None:
    plan = _plan(_LATE["a dependency holds it"], ", class_=Session")
    assert _added(plan) == ["expire_on_commit=False"]
    assert "MA510" in {found.code for found in plan.diagnostics}


def test_a_session_without_a_factory_expires_late_too() -> None:
    models = _MODELS.replace("with SessionLocal() as db", "with Session(engine) as db") % ""
    routes = _ROUTES % _LATE["a dependency holds it"]
    files = {"models.py": models, "main.py": routes}
    plan = make_plan(project(files), p.Step.ALL, Settings())
    edits = [edit for file in plan.files for edit in file.edits]
    [header] = [edit.header for edit in edits if isinstance(edit, p.ChangeBlock)]
    made = "expire_late(AsyncSession(engine, expire_on_commit=False))"
    assert header == f"async with {made} as db:"
