"""Canonical names of library things."""

from __future__ import annotations

import importlib

import pytest

from migrate_async.knowledge import boundaries, fastapi, sqlalchemy


@pytest.mark.parametrize(
    ("dotted", "expected"),
    [
        ("sqlalchemy.orm.session.Session", "sqlalchemy.orm.Session"),
        ("sqlalchemy.orm.query.Query", "sqlalchemy.orm.Query"),
        ("sqlalchemy.engine.base.Engine", "sqlalchemy.Engine"),
        ("sqlalchemy.future.select", "sqlalchemy.select"),
        ("sqlalchemy.sql.func.count", "sqlalchemy.sql.func.count"),
        ("sqlalchemy.sql.expression.text", "sqlalchemy.text"),
        ("sqlalchemy.ext.declarative.declarative_base", "sqlalchemy.orm.declarative_base"),
        ("sqlalchemy.engine.base", "sqlalchemy.engine.base"),
        ("sqlmodel.create_engine", "sqlalchemy.create_engine"),
        ("sqlmodel.Session", "sqlmodel.Session"),
        ("sqlmodel.ext.asyncio.session.AsyncSession", "sqlmodel.ext.asyncio.AsyncSession"),
        ("redis.Redis", "redis.Redis"),
    ],
)
def test_sqlalchemy_names(dotted: str, expected: str) -> None:
    assert sqlalchemy.canonical(dotted) == expected


def test_fastapi_names() -> None:
    assert fastapi.canonical("fastapi.routing.APIRouter") == "fastapi.APIRouter"
    assert fastapi.canonical("fastapi.routing") == "fastapi.routing"


_OF_SQLALCHEMY_1 = {"sqlalchemy.orm.relation", "sqlalchemy.orm.dynamic_loader"}
_KNOWN = {
    *(*sqlalchemy.OWNERS, *sqlalchemy.SELECTS, *sqlalchemy.ALIASED),
    *(*sqlalchemy.RELATIONSHIPS, *sqlalchemy.ENGINE_FACTORIES),
}


@pytest.mark.parametrize(
    "dotted",
    sorted(name for name in _KNOWN - _OF_SQLALCHEMY_1 if name.startswith("sqlalchemy.")),
)
def test_canonical_names_exist(dotted: str) -> None:
    module, _, name = dotted.rpartition(".")
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        ("session", ("sqlalchemy.orm.Session", "sqlalchemy.ext.asyncio.AsyncSession")),
        ("query", ("sqlalchemy.orm.Query",)),
        ("connection", ("sqlalchemy.Connection", "sqlalchemy.ext.asyncio.AsyncConnection")),
        ("engine", ("sqlalchemy.Engine", "sqlalchemy.ext.asyncio.AsyncEngine")),
    ],
)
def test_operations_are_methods_of_their_owners(owner: str, names: tuple[str, ...]) -> None:
    known: set[str] = set()
    for dotted in names:
        module, _, name = dotted.rpartition(".")
        known |= set(dir(getattr(importlib.import_module(module), name)))
    elsewhere = {"exec", "remove", "paginate", "run_callable", "merge_all", "execute", "scalar"}
    assert sqlalchemy.OPERATIONS[owner] - elsewhere <= known


def test_methods_that_frameworks_call() -> None:
    assert boundaries.framework_method("threading.Thread", "run")
    assert boundaries.framework_method("builtins.dict", "update")
    assert not boundaries.framework_method("builtins.dict", "__init__")
    assert not boundaries.framework_method("app.Thing", "run")
