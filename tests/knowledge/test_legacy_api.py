"""What the tables say of removed and deprecated API is so in the SQLAlchemy installed here."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from itertools import chain

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.exc import SQLAlchemyError

from migrate_async.knowledge.legacy_api import (
    ARGUMENTS,
    CALLS,
    METHODS,
    MOVED_DECLARATIVE,
    NAMES,
    POSITIONAL,
    ROW_MAPPING_METHODS,
    STRING_LOADERS,
    UNIQUE_METHODS,
    Change,
)

RELEASE = tuple(int(part) for part in sa.__version__.split(".")[:2])
CHANGES = [
    *chain(NAMES.items(), CALLS.items(), METHODS.items()),
    *((name, change) for name, (_, change) in POSITIONAL.items()),
    *((f"{name}({arg})", item) for name, args in ARGUMENTS.items() for arg, item in args.items()),
]


def is_gone(change: Change) -> bool:
    """Whether the release installed here no longer has it."""
    return bool(change.removed) and _version(change.removed) <= RELEASE


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def exists(dotted: str) -> bool:
    """Whether a module, or a name of one, can be imported."""
    module, _, name = dotted.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), name) or bool(
            importlib.import_module(dotted)
        )
    except ImportError:
        return False


@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_each_change_says_when_and_where(name: str, change: Change) -> None:
    """A release that removed or deprecated it, a replacement, and where that is written."""
    assert (change.removed or change.deprecated) in ("1.4", "2.0", "2.1"), name
    assert change.instead
    assert change.source


@pytest.mark.parametrize(("name", "change"), NAMES.items())
def test_removed_names_are_gone(name: str, change: Change) -> None:
    """Removed names cannot be imported, deprecated ones can."""
    assert exists(name) is not is_gone(change)


@pytest.mark.parametrize(("name", "change"), METHODS.items())
def test_removed_methods_are_gone(name: str, change: Change) -> None:
    """Classes lack the removed methods and have the deprecated ones."""
    owner, _, method = name.rpartition(".")
    module, _, cls = owner.rpartition(".")
    if exists(owner):
        found = getattr(importlib.import_module(module), cls)
        assert hasattr(found, method) is not is_gone(change)


@pytest.mark.parametrize(("name", "change"), [*NAMES.items(), *METHODS.items()])
def test_new_names_exist(name: str, change: Change) -> None:
    """What a rename leads to is there."""
    owner, _, _ = name.rpartition(".")
    if change.renamed and owner == "sqlalchemy.Inspector":
        assert hasattr(sa.Inspector, change.renamed)
    elif change.renamed:
        module, _, cls = owner.rpartition(".")
        home = importlib.import_module(module) if module else importlib.import_module(owner)
        assert hasattr(getattr(home, cls, home), change.renamed)


@pytest.mark.parametrize("name", sorted(MOVED_DECLARATIVE))
def test_moved_names_are_in_both_homes(name: str) -> None:
    """The new home has the name, and the old one still gives the same thing."""
    assert exists(f"sqlalchemy.orm.{name}")
    assert exists(f"sqlalchemy.ext.declarative.{name}")


@pytest.mark.parametrize("name", sorted(STRING_LOADERS))
def test_loader_options_exist(name: str) -> None:
    assert exists(name)


def test_rows_are_no_mappings() -> None:
    """Rows are named tuples: a column of such a name would be an attribute."""
    assert not [name for name in ROW_MAPPING_METHODS if hasattr(sa.Row, name)]


def test_unique_names_are_in_the_table() -> None:
    assert set(UNIQUE_METHODS.values()) <= set(METHODS)


ENGINE = sa.create_engine("sqlite://")
USERS = sa.Table("users", sa.MetaData(), sa.Column("id", sa.Integer))


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: sa.create_engine("sqlite://", convert_unicode=True), id="unicode"),
        pytest.param(lambda: sa.create_engine("sqlite://", encoding="a"), id="encoding"),
        pytest.param(lambda: sa.String(convert_unicode=True), id="column"),
        pytest.param(lambda: sa.Table("a", sa.MetaData(), autoload=True), id="table"),
        pytest.param(lambda: sa.select([USERS.c.id]), id="select-list"),
        pytest.param(lambda: sa.select(USERS, whereclause=None), id="select-where"),
        pytest.param(lambda: sa.case([(USERS.c.id == 1, 1)]), id="case-list"),
        pytest.param(lambda: sa.delete(USERS, USERS.c.id == 1), id="delete-where"),
        pytest.param(lambda: USERS.update(USERS.c.id == 1), id="update-where"),
        pytest.param(lambda: sa.MetaData(ENGINE), id="bound"),
        pytest.param(lambda: sa.MetaData(bind=None), id="bound-to-none"),
        pytest.param(lambda: sa.MetaData().create_all(), id="unbound-ddl"),
        pytest.param(lambda: orm.Session(autocommit=True), id="autocommit"),
        pytest.param(lambda: orm.Session().begin(subtransactions=True), id="subtransactions"),
        pytest.param(lambda: orm.Session(ENGINE).execute("SELECT 1"), id="session-string"),
        pytest.param(lambda: ENGINE.connect().execute("SELECT 1"), id="connection-string"),
        pytest.param(lambda: orm.joinedload("items"), id="loader-string"),
        pytest.param(lambda: orm.relationship("A", cascade_backrefs=True), id="cascade"),
        pytest.param(lambda: orm.mapper(object, USERS), id="mapper"),
    ],
)
def test_removed_calls_raise(call: Callable[[], object]) -> None:
    """What the rules report with high confidence fails on this release."""
    with pytest.raises((TypeError, SQLAlchemyError)):
        call()


@pytest.mark.parametrize("name", ["create_engine", "Table", "text", "delete", "update", "insert"])
def test_removed_arguments_are_no_parameters(name: str) -> None:
    """No signature has a removed argument."""
    parameters = inspect.signature(getattr(sa, name)).parameters
    gone = {arg for arg, item in ARGUMENTS[f"sqlalchemy.{name}"].items() if is_gone(item)}
    assert gone.isdisjoint(parameters)
