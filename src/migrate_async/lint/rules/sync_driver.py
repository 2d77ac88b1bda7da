"""An async engine with a sync driver."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import last_name
from migrate_async.knowledge.async_api import ASYNC_DRIVERS
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding, Fix
from migrate_async.model.plan import ReplaceExpression
from migrate_async.plan.queries.names import local_values
from migrate_async.plan.text import text
from migrate_async.plan.urls import async_url

_ENGINES = frozenset({"sqlalchemy.ext.asyncio.create_async_engine"})
_ASYNC_DEFAULTS = frozenset({"postgresql", "oracle"})
"""Databases whose default driver is one for both worlds since SQLAlchemy 2.1."""


class SyncDriver(Rule):
    """An async engine is made from a URL that names a sync driver.

    ## Why

    `create_async_engine()` raises `InvalidRequestError` for a driver without asyncio support, when
    the module is imported. A URL without a driver means the default one, which is sync for most
    databases.

    ## Fix

    Name an async driver, `postgresql+asyncpg://`, and install it. `migrate_async.to_async_url()`
    converts a URL that is only known at run time.

    ## False alarms

    A default that the environment replaces has medium confidence. With the setting
    `target-sqlalchemy` at 2.1, `postgresql://` and `oracle://` are fine and left alone.
    """

    CODE = "MA858"
    CONSEQUENCE = "the application fails at its start: the driver is not async"
    REMEDY = "name an async driver, such as `postgresql+asyncpg://`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a literal URL",
            """\
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql://localhost/app")  # error
""",
            """\
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://localhost/app")
""",
        ),
        Example(
            "a template, a default of the environment",
            """\
import os

from sqlalchemy.ext.asyncio import create_async_engine

HOST = os.environ["HOST"]
URL = os.getenv("DATABASE_URL", "mysql+pymysql://localhost/app")
engine = create_async_engine(f"postgresql+psycopg2://{HOST}/app")  # error
other = create_async_engine(URL)  # error: medium
""",
        ),
        Example(
            "async drivers",
            """\
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://localhost/app")
other = create_async_engine("postgresql+psycopg://localhost/app")
memory = create_async_engine("sqlite+aiosqlite://")
""",
        ),
        Example(
            "a sync engine, and a URL that is not known",
            """\
import os

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_engine("postgresql://localhost/app")
other = create_async_engine(os.environ["DATABASE_URL"])
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, _ENGINES):
            given = patterns.keyword(use.node, "url")
            url = use.node.args[0] if use.node.args else given.value if given else None
            if url is None:
                continue
            name, is_sure = _dialect(view, url)
            async_name = ASYNC_DRIVERS.get(name, name)
            if name == async_name or self._is_fine(view, name):
                continue
            message = f"`{name}` is no async driver"
            sure = Confidence.HIGH if is_sure else Confidence.MEDIUM
            remedy = f"use `{async_name}`"
            fix = _fix(url)
            yield self.finding(url, use.function, message, confidence=sure, remedy=remedy, fix=fix)

    @staticmethod
    def _is_fine(view: View, name: str) -> bool:
        return name in _ASYNC_DEFAULTS and view.project.settings.target_sqlalchemy == "2.1"


def _dialect(view: View, url: s.Expr) -> tuple[str, bool]:
    """The dialect that a URL begins with, and whether it surely is this one."""
    if isinstance(url, s.Constant):
        name, separator, _ = str(url.value).partition("://")
        return (name if separator else "", True)
    if isinstance(url, s.Operation) and url.operator in ("f-string", "+", "%") and url.operands:
        return _dialect(view, url.operands[0])
    if isinstance(url, s.Call):
        return _of_call(view, url)
    values = local_values(url, view.project.scope_of(url))
    return _dialect(view, values[0]) if len(values) == 1 else ("", False)


def _of_call(view: View, call: s.Call) -> tuple[str, bool]:
    """The default of `os.getenv(name, default)` and `os.environ.get(name, default)`."""
    is_default = s.dotted_name(call.func) in ("os.getenv", "os.environ.get", "getenv")
    if is_default and len(call.args) > 1:
        return _dialect(view, call.args[1])[0], False
    if last_name(call.func) == "format" and isinstance(call.func, s.Attribute):
        return _dialect(view, call.func.value)
    return "", False


def _fix(url: s.Expr) -> Fix | None:
    converted = async_url(str(url.value)) if patterns.is_string(url) else None
    if converted is None:
        return None
    code = text(s.Constant(*url.span, "str", converted))
    edit = ReplaceExpression(span=url.span, codemod=patterns.CODEMOD, code=code)
    return patterns.unsafe("use the async driver", edit)
