"""The line of the application which is responsible, found through greenlets and threads."""

import asyncio
import inspect
import json
import sys
from functools import wraps
from pathlib import Path

from sqlalchemy.util import await_only, greenlet_spawn

import migrate_async.runtime.frames
from migrate_async.runtime.frames import (
    UNKNOWN,
    Location,
    app_location,
    carry,
    is_library,
    location_of,
)


def line() -> int:
    """The number of the caller's line."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_it_is_the_caller() -> None:
    here, number = app_location(), line()
    assert here == Location(__file__, number, "test_it_is_the_caller")
    assert str(here) == f"{__file__}:{number}"


async def test_it_is_found_through_a_greenlet() -> None:
    """As in a pool event, where the stack ends with SQLAlchemy's greenlet."""

    async def answer() -> None:
        return None

    namespace: dict[str, object] = {"app_location": app_location, "await_only": await_only}
    library = "def locate(awaitable):\n    await_only(awaitable)\n    return app_location()"
    exec(compile(library, json.__file__, "exec"), namespace)  # noqa: S102  as if in a library
    here, number = await greenlet_spawn(namespace["locate"], answer()), line()  # type: ignore[arg-type]
    assert here == Location(__file__, number, "test_it_is_found_through_a_greenlet")


async def test_it_is_carried_into_other_threads() -> None:
    """There nobody of the application is on the stack, or somebody else."""
    assert await asyncio.to_thread(app_location) is UNKNOWN
    with carry(Location("shop/routes.py", 7)):
        assert await asyncio.to_thread(app_location) == Location("shop/routes.py", 7)
    assert await asyncio.to_thread(app_location, UNKNOWN) is UNKNOWN


def test_libraries_are_not_applications() -> None:
    assert is_library(json.__file__)
    assert is_library(migrate_async.runtime.frames.__file__)
    assert is_library("<frozen runpy>")
    assert is_library(str(Path(sys.executable).parent / "uvicorn"))
    assert is_library("/opt/app/lib/python3.12/site-packages/fastapi/routing.py")
    assert is_library(r"C:\\app\\venv\\Lib\\site-packages\\fastapi\\routing.py")
    assert not is_library(__file__)
    assert not is_library(str(Path.cwd() / "shop" / "routes.py"))


def test_where_a_function_is_defined() -> None:
    @wraps(line)
    def decorated() -> None:
        """Stands for `line`."""

    assert location_of(decorated) == Location(__file__, line.__code__.co_firstlineno, "line")
    assert location_of(len) is UNKNOWN
    assert location_of(None) is UNKNOWN
