"""`pool_pre_ping=True` on MySQL, with a SQLAlchemy that is older than the PyMySQL beside it.

PyMySQL 1.2 and later want no argument for `ping()`, and SQLAlchemy asks PyMySQL about that, also
for aiomysql and asyncmy. Its own adapters of these want one, in 2.0.41 and before, so that each
connection which the pool gives out again ends in a `TypeError`. In 2.0.58 they do not.
"""

from __future__ import annotations

import inspect
import sys

from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine


def ping_with_argument(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` give its adapter the argument that this wants, if so; it is given back."""
    if _wants_argument(engine.dialect):
        engine.dialect._send_false_to_ping = True  # type: ignore[attr-defined]
    return engine


def _wants_argument(dialect: Dialect) -> bool:
    name = f"AsyncAdapt_{dialect.driver}_connection"
    modules = [sys.modules[kind.__module__] for kind in type(dialect).__mro__]
    adapter = next((getattr(module, name) for module in modules if hasattr(module, name)), None)
    if adapter is None or not hasattr(adapter, "ping"):
        return False
    given = inspect.signature(adapter.ping).parameters.get("reconnect")
    return given is not None and given.default is inspect.Parameter.empty
