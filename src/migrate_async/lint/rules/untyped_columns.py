"""`Column` without `Mapped`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.columns import column_call, mapped_inner
from migrate_async.index.declarative import Attribute, attributes
from migrate_async.index.scopes import Class, last_name
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding


class UntypedColumns(Rule):
    """A declarative class maps its columns with `Column` instead of `Mapped` annotations.

    ## Why

    Attributes that are a `Column` have no Python type: neither a type checker nor an editor tells
    that `user.email` may be None. A migration to async touches every place that reads a model;
    types are what finds the mistakes in it.

    ## Fix

    `name: Mapped[str] = mapped_column(String(50))`, or `Mapped[str | None]` for a nullable column.
    `migrate-async migrate --step models` writes it.

    ## False alarms

    None known. There is one finding for a class, at its first such column. `__table__`, columns
    in `column_property()` and SQLModel classes are left alone.
    """

    CODE = "MA805"
    CONSEQUENCE = "nothing but production finds a wrong type or a missing None check"
    REMEDY = "run `migrate-async migrate --step models`, or annotate the columns with `Mapped`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "columns of a model",
            """\
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)  # error
    name = Column(String)
""",
        ),
        Example(
            "columns of a mixin",
            """\
from sqlalchemy import Column, DateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Stamped:
    created = Column(DateTime)  # error


class Base(DeclarativeBase):
    pass


class User(Stamped, Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
""",
        ),
        Example(
            "typed columns",
            """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
""",
        ),
        Example(
            "a column of a grid, not of a table",
            """\
from grids import Column, Grid


class UserGrid(Grid):
    name = Column("Name")
""",
        ),
        Example(
            "a table of its own",
            """\
from sqlalchemy import Column, Integer, MetaData, Table

users = Table("users", MetaData(), Column("id", Integer, primary_key=True))
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for cls in _mapped_classes(view):
            columns = [column for column in map(_untyped, attributes(cls)) if column]
            if columns:
                count = f"{len(columns)} column{'s' if len(columns) > 1 else ''}"
                message = f"`{cls.name}` maps {count} with `Column`, without types"
                yield self.finding(columns[0], cls.outer.function, message)


def _mapped_classes(view: View) -> Iterator[Class]:
    """Models, and the classes that they inherit columns from, in the files to report on."""
    found: dict[Class, None] = {}
    for model in view.project.models.values():
        if not model.is_sqlmodel:
            found.update(dict.fromkeys(view.project.mro(model.cls)))
    return (cls for cls in found if view.is_selected(cls.outer.function))


def _untyped(item: Attribute) -> s.Call | None:
    call = column_call(item.value)
    if call is None or mapped_inner(item.annotation) is not None:
        return None
    return call if last_name(call.func) == "Column" else None
