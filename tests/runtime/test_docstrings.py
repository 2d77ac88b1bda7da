"""The examples in the docstrings of the runtime are run, each as it stands there."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import fastapi
import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import migrate_async
from migrate_async import AsyncRepository, Database, close_db, runtime
from migrate_async.runtime.legacy.install import uninstall
from migrate_async.runtime.mixins import TimestampMixin, UserTrackingMixin
from migrate_async.runtime.testing.scratch import ScratchDatabase
from migrate_async.runtime.unit_of_work import UnitOfWork
from support.docstrings import examples

FOLDER = Path(runtime.__file__).parent
EXAMPLES = dict(examples(FOLDER))
RUN_OTHERWISE = {
    "errors": "a drawing",
    "migrations": "an env.py, see below",
    "pytest_plugin.db_schema": "the body of a fixture: tests/runtime/testing runs it",
}


class Base(DeclarativeBase):
    """The models that the examples speak of."""


class User(Base, TimestampMixin, UserTrackingMixin):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]


class OrderRepository(AsyncRepository[Order]):
    pass


class StockRepository(AsyncRepository[Order]):
    async def reserve(self, order: Order) -> None:
        assert order.id


class CouponRepository(AsyncRepository[Order]):
    async def redeem(self, code: str) -> None:
        assert code == "SPRING"


async def register(unit: UnitOfWork, *, email: str) -> User:
    async with unit:
        return await unit.of(User).create(email=email)


@pytest.fixture
async def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Any]]:
    """What the examples take for granted, on a database of their own."""
    url = f"sqlite+aiosqlite:///{tmp_path}/examples.db"
    monkeypatch.setenv("REPORTS_URL", url)
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    public = {name: getattr(migrate_async, name) for name in dir(migrate_async) if name[0] != "_"}
    async with database.sessionmaker() as session:
        yield {
            **vars(sqlalchemy),
            **public,
            **{name: value for name, value in globals().items() if name[0].isupper()},
            "AsyncAttrs": AsyncAttrs,
            "AsyncSession": AsyncSession,
            "DATABASE_URL": url,
            "Depends": fastapi.Depends,
            "FastAPI": fastapi.FastAPI,
            "ScratchDatabase": lambda _postgresql: ScratchDatabase(url),
            "app": fastapi.FastAPI(),
            "database": database,
            "get_current_user_id": lambda: 1,
            "register": register,
            "session": session,
        }
    await database.close()
    await close_db()
    uninstall()


@pytest.mark.parametrize("place", sorted(EXAMPLES.keys() - RUN_OTHERWISE.keys()))
async def test_an_example_runs(place: str, names: dict[str, Any]) -> None:
    """Test functions in it are run, too."""
    module = importlib.import_module(f"migrate_async.runtime.{_module_of(place)}")
    space = {**names, **vars(module), "ScratchDatabase": names["ScratchDatabase"]}
    before = set(space)
    code = compile(EXAMPLES[place], place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, space)  # noqa: S307 - our own docstrings
    if inspect.iscoroutine(result):
        await result
    for name in set(space) - before:
        if name.startswith("test_"):
            space[name]()


def _module_of(place: str) -> str:
    parts = place.split(".")
    while not (FOLDER.joinpath(*parts).with_suffix(".py").is_file()):
        parts.pop()
    return ".".join(parts)


def test_the_environment_of_alembic_is_these_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "alembic"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(EXAMPLES["migrations"])
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "models.py").write_text("from migrate_async import Base\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{tmp_path}/app.db")
    command.upgrade(config, "head")
    assert (tmp_path / "app.db").is_file()


def test_every_example_is_run() -> None:
    assert EXAMPLES.keys() >= RUN_OTHERWISE.keys()
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("module", ["naming"])
def test_what_a_prompt_prints(module: str) -> None:
    """`>>>` and the line below it."""
    found = doctest.testmod(importlib.import_module(f"migrate_async.runtime.{module}"))
    assert found.attempted
    assert not found.failed


def test_prompts_are_in_modules_that_are_tested() -> None:
    texts = {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.rglob("*.py")}
    assert [name for name, text in texts.items() if ">>> " in text] == ["naming"]
