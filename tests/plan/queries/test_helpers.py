"""Functions that take or give queries: when they can change, and how they get a session."""

from __future__ import annotations

import textwrap

import pytest

from support import query_cases

ESCAPES = "MA107 the query goes where its use cannot be seen: "
PREAMBLE = """\
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Query, Session, sessionmaker
from sqlalchemy import select
from support.corpus_models import Address, User

Local = sessionmaker()
router = APIRouter()
"""


def _source(text: str) -> str:
    return f"{PREAMBLE}\n{textwrap.dedent(text)}"


def _messages(source: str) -> list[str]:
    found = query_cases.plan(query_cases.index(source))
    return [f"{item.code} {item.message}" for items in found.diagnostics.values() for item in items]


LEFT = {
    "used as a value": (
        f"{ESCAPES}`base` is used as a value",
        """
        def base(db: Session):
            return db.query(User)

        def case(db: Session):
            return [make(db).all() for make in (base,)] + base(db).all()
        """,
    ),
    "called on something unknown": (
        f"{ESCAPES}`.active_users()` is called on something unknown",
        """
        class Users:
            def active_users(self, db: Session):
                return db.query(User)

        def case(db: Session, users):
            return users.active_users(db).all()
        """,
    ),
    "gets something else elsewhere": (
        f"{ESCAPES}`size` also gets something else as `query`",
        """
        def size(query):
            return query.count()

        def case(db: Session):
            return size(db.query(User)) + size([1, 2])
        """,
    ),
    "returned to FastAPI": (
        f"{ESCAPES}it is returned to FastAPI",
        """
        @router.get("/users")
        def users(db: Session = Depends(Local)):
            return db.query(User)
        """,
    ),
    "gives something else on another path": (
        f"{ESCAPES}the call may give something else",
        """
        class One:
            def rows(self, db: Session):
                return db.query(User)

        class Two(One):
            def rows(self, db: Session):
                return [1]

        def case(db: Session, source: One):
            return source.rows(db).count()
        """,
    ),
    "taken by a star": (
        f"{ESCAPES}`first` takes it in `*args` or `**kwargs`",
        """
        def first(*queries):
            return queries[0]

        def case(db: Session):
            return first(db.query(User))
        """,
    ),
    "no session to hand on": (
        "MA108 the query is executed where its session cannot be named",
        """
        def size(query: Query):
            return query.count()

        def case():
            return size(Local().query(User))
        """,
    ),
    "two sessions": (
        "MA108 the query is executed where its session cannot be named",
        """
        def case(db: Session, other: Session, flag: bool):
            query = db.query(User) if flag else other.query(User)
            return query.count()
        """,
    ),
    "called without a query elsewhere": (
        "MA108 the query is executed where its session cannot be named",
        """
        def size(query=None):
            return query.count() if query is not None else 0

        def case(db: Session):
            return size(db.query(User)) + size()
        """,
    ),
    "annotated, and nobody calls it": (
        "MA103 cannot tell what `query` selects: an entity gives objects, anything else gives rows",
        """
        def rows(query: Query):
            return query.all()
        """,
    ),
}


@pytest.mark.parametrize(("message", "text"), LEFT.values(), ids=LEFT.keys())
def test_queries_of_such_helpers_are_left(message: str, text: str) -> None:
    source = _source(text)
    assert message in _messages(source)
    assert query_cases.convert(source) == source


STATEMENTS = {
    "of a statement": """
        def ids(query: Query, db: Session):
            return db.scalars(query.order_by(None).with_only_columns(User.id)).all()

        def case(db: Session):
            return ids(select(User).filter(User.id > 1), db)
        """,
    "handed on, and given": """
        def adults(query: Query) -> Query:
            return query.filter(User.age > 17)

        def named(query: Query, name: str) -> Query:
            return adults(query=query).filter_by(name=name)

        def case(db: Session):
            found = named(select(User), "a").with_only_columns(User.id)
            return db.execute(found).all()

        CHOICES = {"adults": adults}
        """,
}


@pytest.mark.parametrize("text", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_statements_may_be_called_queries(text: str) -> None:
    """`Query` has no `with_only_columns()`: the annotations are wrong, and nothing is a query."""
    source = _source(text)
    assert not _messages(source)
    assert query_cases.convert(source) == source


@pytest.mark.parametrize(
    ("used", "given"),
    [("query", "db.query(User)"), ("query.all()", "None"), ("[user for user in query]", "None")],
)
def test_queries_are_queries_whatever_is_called(used: str, given: str) -> None:
    """One that is made or run somewhere counts for more."""
    source = _source(
        f"""
        def ids(query: Query, db: Session):
            print({used})
            return query.with_only_columns(User.id)

        def case(db: Session):
            return ids({given}, db)
        """
    )
    assert any(message.startswith("MA102") for message in _messages(source))
    assert query_cases.convert(source) == source


CONVERTED = {
    "session of the module": (
        """
        session = Local()

        def base():
            return session.query(User)

        def case():
            return base().count()
        """,
        "session.execute(select(func.count()).select_from(base().subquery()))",
    ),
    "session of the enclosing function": (
        """
        def case(db: Session):
            query = db.query(User)

            def total():
                return query.count()

            return total()
        """,
        "db.execute(select(func.count()).select_from(query.subquery()))",
    ),
    "session that the object was made with": (
        """
        class Users:
            def __init__(self, session):
                self.session = session

            def base(self):
                return self.session.query(User)

        def case(db: Session):
            return Users(db).base().count()
        """,
        "db.execute(select(func.count()).select_from(Users(db).base().subquery()))",
    ),
    "session of the object": (
        """
        class Users:
            def __init__(self, session: Session):
                self.session = session

            def base(self):
                return self.session.query(User)

        def case(users: Users):
            return users.base().count()
        """,
        "users.session.execute(select(func.count()).select_from(users.base().subquery()))",
    ),
    "entity of an inherited class method": (
        """
        class Finder:
            @classmethod
            def find(cls, db: Session):
                return db.query(cls)

        class Named(Finder):
            pass

        def case(db: Session):
            return Named.find(db).delete()
        """,
        "db.execute(delete(Named)).rowcount",
    ),
    "name that is taken": (
        """
        def size(query: Query, db=1):
            return query.count() + db

        def case(session: Session):
            return size(session.query(User))
        """,
        "size(select(User), db_2=session)",
    ),
    "annotated with its entity": (
        """
        def rows(query: Query[User], db: Session):
            return query.all()
        """,
        "def rows(query: Select[tuple[User]], db: Session):",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CONVERTED.values(), ids=CONVERTED.keys())
def test_session_is_named_where_the_query_runs(text: str, expected: str) -> None:
    after = query_cases.convert(_source(text))
    assert "".join(expected.split()) in "".join(after.split()).replace(",)", ")")
    assert ".query(" not in after
