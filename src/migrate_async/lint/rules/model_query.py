"""`Model.query`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.scopes import Class, Scope
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding


class ModelQuery(Rule):
    """A model is queried through its `query` attribute, on a session that the code does not name.

    ## Why

    `Model.query` takes its session from a thread-local registry. An event loop runs many requests
    in one thread, so that they would share a session; `AsyncSession` has no `query` at all.

    ## Fix

    Pass a session and execute `select(Model)` on it.

    ## False alarms

    None known: classes that define `query` themselves are left alone.
    """

    CODE = "MA819"
    CONSEQUENCE = "requests that run in one thread share a session, and see each other's changes"
    REMEDY = "pass a session and execute `select(Model)`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a model of Flask-SQLAlchemy",
            """\
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class User(db.Model):
    __tablename__ = "users"

    id = db.Column(db.Integer, primary_key=True)


def user(key: int):
    return User.query.filter_by(id=key).first()  # error
""",
        ),
        Example(
            "the attribute of a declarative base",
            """\
from sqlalchemy.orm import declarative_base, scoped_session, sessionmaker

session = scoped_session(sessionmaker())
Base = declarative_base()
Base.query = session.query_property()  # error
""",
        ),
        Example(
            "a statement on a session",
            """\
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import User


def users(db: Session):
    return db.scalars(select(User)).all()
""",
        ),
        Example(
            "a class with a `query` of its own",
            """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Saved(Base):
    __tablename__ = "saved"

    id: Mapped[int] = mapped_column(primary_key=True)
    query: Mapped[str]


print(Saved.query.desc())
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, {"sqlalchemy.orm.Session.query_property"}):
            message = "`query_property()` hides the session of each query"
            yield self.finding(use.node, use.function, message)
        for function in view.functions:
            for node, scope in patterns.attributes(function, {"query"}):
                cls = _model(view, node.value, scope)
                if cls is not None and not _defines_query(view, cls):
                    written = s.dotted_name(node) or f"{cls.name}.query"
                    message = f"`{written}` takes a session that the code does not name"
                    yield self.finding(node, function, message)


def _model(view: View, expr: s.Expr, scope: Scope) -> Class | None:
    for item in view.project.infer(expr, scope):
        if isinstance(item, t.ClassObject) and item.cls.qualname in view.project.models:
            return item.cls
    return None


def _defines_query(view: View, cls: Class) -> bool:
    return any("query" in base.scope.names for base in view.project.mro(cls))
