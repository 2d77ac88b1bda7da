"""Each shape of lazy load is recorded where it happens, with what produced the object."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.profile import LazyLoad, Place, Profile
from support.recorded import line_of, record

START = """\
from models import *

engine = filled()
db = Session(engine)


def main():
"""


def program(*lines: str) -> str:
    return START + "".join(f"    {line}\n" for line in lines) + "\n\nmain()\n"


def loads(profile: Profile) -> dict[str, LazyLoad]:
    """By `Model.attribute`; none is there twice."""
    assert profile.problems == ()
    names = [load.name for load in profile.loads]
    assert len(names) == len(set(names))
    return {load.name: load for load in profile.loads}


def test_a_collection_is_loaded_for_each_object_of_a_query(tmp_path: Path) -> None:
    text = program(
        "for author in db.query(Author):  # query",
        "    author.books  # touch",
    )
    (load,) = record(tmp_path, text).loads
    assert (load.model, load.attribute, load.kind) == ("models.Author", "books", "relationship")
    assert load.place == Place("main.py", line_of(text, "touch"), "main.main")
    assert load.producer.kind == "query"
    assert load.producer.place == Place("main.py", line_of(text, "query"), "main.main")
    assert load.producer.through == ()
    assert (load.count, load.most) == (3, 3)
    assert load.is_repeated


def test_two_executions_of_a_query_are_told_apart(tmp_path: Path) -> None:
    text = program(
        "for number in (1, 2, 3):",
        "    db.get(Author, number).books",
    )
    (load,) = record(tmp_path, text).loads
    assert (load.count, load.most) == (3, 1)
    assert not load.is_repeated


def test_what_a_lazy_load_gives_comes_from_the_same_query(tmp_path: Path) -> None:
    text = program(
        "author = db.query(Author).first()  # query",
        "for book in author.books:",
        "    book.pages",
    )
    found = loads(record(tmp_path, text))
    pages = found["Book.pages"]
    assert pages.producer.through == ("Author.books",)
    assert pages.producer.place.line == line_of(text, "query")
    assert (pages.count, pages.most) == (2, 2)


@pytest.mark.parametrize("option", ["joinedload", "selectinload"])
def test_an_eager_load_is_none_and_leads_on(option: str, tmp_path: Path) -> None:
    text = program(
        f"author = db.query(Author).options({option}(Author.books)).first()  # query",
        "for book in author.books:",
        "    book.pages",
    )
    found = loads(record(tmp_path, text))
    assert set(found) == {"Book.pages"}
    assert found["Book.pages"].producer.through == ("Author.books",)
    assert found["Book.pages"].producer.place.line == line_of(text, "query")


def test_the_statement_is_that_of_the_producing_query(tmp_path: Path) -> None:
    text = program(
        "query = db.query(Author).options(selectinload(Author.books))",
        "for author in query.filter(Author.name == 'Ann'):",
        "    author.books[0].pages",
    )
    profile = record(tmp_path, text)
    (load,) = profile.loads
    statement = profile.statements[load.producer.statement]
    assert statement.endswith("FROM authors WHERE authors.name = ?")


@pytest.mark.parametrize(
    ("attribute", "kind"), [("biography", "deferred"), ("number", "column-property")]
)
def test_columns_that_the_query_left_out(attribute: str, kind: str, tmp_path: Path) -> None:
    (load,) = record(tmp_path, program(f"db.query(Author).first().{attribute}")).loads
    assert (load.name, load.kind, load.producer.kind) == (f"Author.{attribute}", kind, "query")


def test_an_expired_attribute(tmp_path: Path) -> None:
    text = program("author = db.query(Author).first()", "db.commit()", "author.name  # touch")
    (load,) = record(tmp_path, text).loads
    assert (load.name, load.kind) == ("Author.name", "expired")
    assert load.place.line == line_of(text, "touch")


def test_an_object_that_the_application_made(tmp_path: Path) -> None:
    text = program(
        "author = Author(name='Dan')  # new",
        "db.add(author)",
        "db.flush()",
        "author.books  # touch",
    )
    (load,) = record(tmp_path, text).loads
    assert load.producer.kind == "new"
    assert load.producer.place.line == line_of(text, "new")
    assert load.place.line == line_of(text, "touch")
    assert not load.is_repeated


@pytest.mark.parametrize("change", ["author.books = []", "author.books.append(Book())"])
def test_a_change_of_a_collection_loads_it(change: str, tmp_path: Path) -> None:
    text = program("author = db.query(Author).first()", change)
    (load,) = record(tmp_path, text).loads
    assert load.name == "Author.books"


@pytest.mark.parametrize(
    "lines",
    [
        ("author = db.query(Author).first()", "db.delete(author)", "db.flush()"),
        ("author = db.query(Author).first()", "db.refresh(author)", "author.name"),
        ("author = db.query(Author).first()", "db.refresh(author, ['books'])", "author.books"),
        ("book = db.query(Book).options(joinedload(Book.author)).first()", "book.author.name"),
        ("authors = db.query(Author).all()", "book = db.query(Book).first()", "book.author.name"),
        ("db.execute(select(Author.name)).all()",),
    ],
    ids=["cascade", "refresh", "refresh of a collection", "joined", "identity map", "columns"],
)
def test_no_lazy_load(lines: tuple[str, ...], tmp_path: Path) -> None:
    profile = record(tmp_path, program(*lines))
    assert profile.loads == ()
    assert profile.problems == ()
    assert profile.tests


def test_a_property_of_a_model_is_the_place(tmp_path: Path) -> None:
    """The innermost line of the application, whoever called it."""
    text = (
        "from models import *\n\n\n"
        "def titles(author):\n    return [b.title for b in author.books]  # touch\n\n\n"
        "titles(Session(filled()).query(Author).first())  # query\n"
    )
    (load,) = record(tmp_path, text).loads
    assert load.place == Place("main.py", line_of(text, "touch"), "main.titles")
    assert load.producer.place == Place("main.py", line_of(text, "query"), "main.<module>")


ASYNC = """\
import asyncio
from models import *
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession, create_async_engine

Author.__bases__ += (AsyncAttrs,)
filled("sqlite:///books.db")
engine = create_async_engine("sqlite+aiosqlite:///books.db")


async def main():
    async with AsyncSession(engine) as db:
        author = (await db.scalars(select(Author).limit(1))).one()  # query
        await author.awaitable_attrs.books  # awaited
        await db.run_sync(helper, author)
    await engine.dispose()


def helper(db, author):
    author.biography  # touch


asyncio.run(main())
"""


def test_under_an_async_session(tmp_path: Path) -> None:
    """The greenlet's stack ends in SQLAlchemy; the place is where it was awaited."""
    found = loads(record(tmp_path, ASYNC))
    books = found["Author.books"]
    assert books.via == "awaitable_attrs"
    assert books.place == Place("main.py", line_of(ASYNC, "awaited"), "main.main")
    assert books.producer.place.line == line_of(ASYNC, "query")
    biography = found["Author.biography"]
    assert biography.via == ""
    assert biography.place == Place("main.py", line_of(ASYNC, "touch"), "main.helper")


TEMPLATE = """\
from jinja2 import Environment, FileSystemLoader
from models import *

author = Session(filled()).query(Author).first()
Environment(loader=FileSystemLoader("pages"), autoescape=True).get_template("a.html").render(
    author=author
)
"""


def test_a_template(tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    (tmp_path / "app" / "pages").mkdir(parents=True)
    page = "<h1>{{ author.name }}</h1>\n\n{% for book in author.books %}x{% endfor %}\n"
    (tmp_path / "app" / "pages" / "a.html").write_text(page, encoding="utf-8")
    (load,) = record(tmp_path, TEMPLATE).loads
    assert load.place == Place("pages/a.html", 3)


WEB = """\
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict
from sqlalchemy.pool import StaticPool
from models import *

engine = create_engine(
    "sqlite://", connect_args={{"check_same_thread": False}}, poolclass=StaticPool
)
Base.metadata.create_all(engine)
app = FastAPI()


class BookOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    title: str


class AuthorOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    books: list[BookOut]


def get_db():
    with Session(engine) as db:
        yield db


@app.get("/authors", response_model=list[AuthorOut])
{colour} authors(db: Session = Depends(get_db)):  # route
    return db.query(Author).all()  # query


@app.get("/validated")
{colour} validated(db: Session = Depends(get_db)):
    return [AuthorOut.model_validate(author) for author in db.query(Author)]  # validate


with Session(engine) as db:
    db.add(Author(name="Ann", books=[Book(title="one")]))
    db.commit()
client = TestClient(app)
assert client.get("/authors").json() == [{{"books": [{{"title": "one"}}]}}]
assert client.get("/validated").status_code == 200
"""


@pytest.mark.parametrize("colour", ["def", "async def"])
def test_a_response_is_made_for_a_route(colour: str, tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    text = WEB.format(colour=colour)
    by_via = {load.via: load for load in record(tmp_path, text, name="web.py").loads}
    assert set(by_via) == {"response", "pydantic"}
    response = by_via["response"]
    assert response.place == Place("web.py", line_of(text, "route"), "web.authors")
    assert response.producer.place.line == line_of(text, "query")
    assert by_via["pydantic"].place.line == line_of(text, "validate")
