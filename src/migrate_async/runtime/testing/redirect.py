"""Have all engines of a process use the transaction of a test, whoever made them and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session


@contextmanager
def redirect_engines(target: Engine, *, only: Callable[[Engine], bool]) -> Iterator[None]:
    """Replace each engine for which `only(engine)` is true by `target`, in this process.

    Sessions, sync and async, ask `Session.get_bind` for their engine; all else goes through
    `Engine.connect`. So an unmodified application is redirected, be it with `async_sessionmaker` or
    `SessionLocal = sessionmaker(engine)`. Left alone: sessions bound to a `Connection`, session
    classes whose `get_bind` does not call that of SQLAlchemy, and `Engine.raw_connection`.
    """
    get_bind, connect = Session.get_bind, Engine.connect

    def redirected(engine: Engine) -> bool:
        return engine is not target and only(engine)

    def redirected_bind(session: Session, *arguments: Any, **options: Any) -> Engine | Connection:
        bind = get_bind(session, *arguments, **options)
        return target if isinstance(bind, Engine) and redirected(bind) else bind

    def redirected_connect(engine: Engine) -> Connection:
        return connect(target if redirected(engine) else engine)

    with (
        patch.object(Session, "get_bind", redirected_bind),
        patch.object(Engine, "connect", redirected_connect),
    ):
        yield
