"""The status page: JSON for programs, HTML for people."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI, Header, HTTPException

from migrate_async.runtime.database import Database
from migrate_async.runtime.legacy.deprecation import forget_legacy_uses
from migrate_async.runtime.legacy.install import install, uninstall
from migrate_async.runtime.legacy.sessions import legacy_sessionmaker
from migrate_async.runtime.status import status_router
from migrate_async.runtime.telemetry import telemetry
from support.legacy_books import Author, client_of, fill

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
STATUS = "/migrate-async/status"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    telemetry.stop()
    forget_legacy_uses()
    yield
    telemetry.stop()
    uninstall()


@pytest.fixture
async def app(tmp_path: Path) -> FastAPI:
    database = Database(f"sqlite:///{tmp_path}/books.db")
    await fill(database.engine)
    factory = legacy_sessionmaker(database)
    app = FastAPI()

    @app.get("/authors/{name}")
    def find(name: str) -> int:
        with factory() as session:
            return len(session.get_one(Author, 1).books)

    @app.get("/<script>")
    async def never() -> None:
        """Not called."""

    app.include_router(status_router())
    install(app)
    return app


async def test_json(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.get("/authors/ada")
        status = (await client.get(STATUS)).json()
    (route,) = status["routes"]
    assert (route["path"], route["modes"]) == ("/authors/{name}", {"hop": 1})
    assert route["implicit_loads"][0]["what"] == "Author.books"
    assert status["requests"] == 1
    assert "GET /<script>" in status["not_called"]
    (use, installed) = sorted(status["legacy_uses"], key=lambda use: use["name"])
    assert (use["name"], use["count"]) == ("SessionLocal()", 1)
    assert (installed["name"], installed["count"]) == ("install()", 1)
    assert use["at"].startswith(f"{__file__}:")
    assert status["leaks"] == []


async def test_html_is_escaped(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.get("/authors/ada")
        answer = await client.get(STATUS, headers={"accept": "text/html,*/*"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "GET /authors/{name}" in answer.text
    assert "Author.books" in answer.text
    assert "0 of 1 called routes are native" in answer.text
    assert "<script>" not in answer.text
    assert "GET /&lt;script&gt;" in answer.text


async def test_it_can_be_protected_and_moved() -> None:
    def require_admin(x_admin: str = Header("")) -> None:
        if not x_admin:
            raise HTTPException(403)

    app = FastAPI()
    app.include_router(status_router("/internal"), dependencies=[Depends(require_admin)])
    async with client_of(app) as client:
        assert (await client.get("/internal")).status_code == 403
        assert (await client.get("/internal", headers={"x-admin": "1"})).json()["requests"] == 0
