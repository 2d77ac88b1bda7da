"""Metadata that is bound to an engine."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.scopes import Function, RawCall, Scope, last_name
from migrate_async.knowledge.legacy_api import BOUND, UNBOUND_DDL
from migrate_async.knowledge.sqlalchemy import MADE_BASE
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

_METADATA = "sqlalchemy.MetaData"
_BASES = frozenset({"sqlalchemy.orm.DeclarativeBase", MADE_BASE})


class BoundMetadata(Rule):
    """Metadata is bound to an engine, or used as if it were.

    ## Why

    SQLAlchemy 2.0 has no bound metadata: `MetaData` takes no engine, `metadata.bind` is an
    attribute like any other that nobody reads, and `create_all()`, `drop_all()` and `reflect()`
    raise without an engine. An async engine could not be bound at all.

    ## Fix

    Give the engine where it is needed: `metadata.create_all(engine)`, or with an async engine
    `await connection.run_sync(metadata.create_all)`.

    ## False alarms

    A positional argument of `MetaData` that is not known to be an engine has medium confidence.
    """

    CODE = "MA812"
    CONSEQUENCE = "creating or reflecting the tables raises on SQLAlchemy 2.0"
    REMEDY = "give the engine where it is needed: `metadata.create_all(engine)`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "metadata that is bound when it is made",
            """\
from sqlalchemy import MetaData, create_engine
from sqlalchemy.orm import declarative_base

engine = create_engine("sqlite://")
metadata = MetaData(engine)  # error
other = MetaData(bind=engine)  # error
Base = declarative_base(bind=engine)  # error
""",
        ),
        Example(
            "metadata that is bound later, and used",
            """\
from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base

Base = declarative_base()
Base.metadata.bind = create_engine("sqlite://")  # error
Base.metadata.create_all()  # error
""",
        ),
        Example(
            "an engine for the one call that needs it",
            """\
from sqlalchemy import MetaData, create_engine

engine = create_engine("sqlite://")
metadata = MetaData(schema="app")
metadata.create_all(engine)
metadata.drop_all(bind=engine)
""",
        ),
        Example(
            "Flask-SQLAlchemy knows its engines",
            """\
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
db.create_all()
""",
        ),
        Example(
            "something that has nothing to do with tables",
            """\
def bind_all(widget):
    widget.bind = lambda event: None
    widget.create_all()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use, node, label, change in patterns.arguments(view, BOUND):
            yield self.finding(node, use.function, f"{label} {change.fate}")
        yield from self._positional(view)
        for function in view.functions:
            for call in function.calls:
                if _is_unbound(view, call):
                    name = last_name(call.node.func)
                    message = f"`{name}()` needs an engine or a connection since SQLAlchemy 2.0"
                    yield self.finding(call.node, function, message)
        yield from self._assigned(view)

    def _positional(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, {_METADATA}):
            first = use.node.args[0] if use.node.args else None
            if first is None or isinstance(first, s.Constant | s.Starred):
                continue
            known = view.project.engine_or_connection(first, use.call.scope)
            sure = Confidence.HIGH if known else Confidence.MEDIUM
            message = "`MetaData` cannot be bound to an engine since SQLAlchemy 2.0"
            yield self.finding(first, use.function, message, confidence=sure)

    def _assigned(self, view: View) -> Iterator[Finding]:
        for module in view.modules:
            for statement in patterns.statements(module.syntax.body):
                if not isinstance(statement, s.Assign):
                    continue
                for target in statement.targets:
                    if not isinstance(target, s.Attribute) or target.attr != "bind":
                        continue
                    scope = view.project.scope_of(target)
                    if _is_metadata(view, target.value, scope):
                        message = "nothing reads `metadata.bind` since SQLAlchemy 2.0"
                        yield self.finding(target, _function(view, target), message)


def _function(view: View, node: s.Expr) -> Function:
    return view.project.function_of(node)


def _is_unbound(view: View, call: RawCall) -> bool:
    func = call.node.func
    if not isinstance(func, s.Attribute) or func.attr not in UNBOUND_DDL or call.node.args:
        return False
    given = patterns.keyword(call.node, "bind")
    if given is not None or any(item.arg is None for item in call.node.keywords):
        return False
    return _is_metadata(view, func.value, call.scope)


def _is_metadata(view: View, expr: s.Expr, scope: Scope) -> bool:
    types = view.project.infer(expr, scope)
    if any(isinstance(item, t.ExternalInstance) and item.dotted == _METADATA for item in types):
        return True
    if not isinstance(expr, s.Attribute) or expr.attr != "metadata":
        return False
    owners = view.project.infer(expr.value, scope)
    return any(_is_declarative(view, item) for item in owners)


def _is_declarative(view: View, item: t.Type) -> bool:
    if isinstance(item, t.External):
        return item.dotted in _BASES
    return isinstance(item, t.ClassObject) and not _BASES.isdisjoint(view.project.bases(item.cls))
