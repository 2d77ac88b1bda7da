"""`row["name"]`, `row.keys()`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.scopes import Scope
from migrate_async.knowledge.legacy_api import ROW_MAPPING_METHODS
from migrate_async.knowledge.sqlalchemy import RESULT_ALL, RESULT_ONE
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding, Fix
from migrate_async.model.plan import ReplaceExpression
from migrate_async.plan.queries.names import bindings


class RowAsMapping(Rule):
    """A row of a result is read like a dictionary.

    ## Why

    Rows are named tuples since SQLAlchemy 2.0: `row["name"]` raises `TypeError`, and `keys()`,
    `items()` and `values()` are gone.

    ## Fix

    `row._mapping["name"]`, which 1.4 has as well, or `row.name`; or ask the result for
    dictionaries: `execute(...).mappings()`.

    ## False alarms

    None known: only values that are known to come from `execute()` of SQLAlchemy are looked at.
    Rows of a driver's cursor and `mappings()` are left alone.
    """

    CODE = "MA818"
    CONSEQUENCE = "reading the row raises TypeError or AttributeError on SQLAlchemy 2.0"
    REMEDY = 'use `row._mapping["name"]`, `row.name`, or `execute(...).mappings()`'
    PER_FILE = True
    EXAMPLES = (
        Example(
            "rows of a loop and a single row",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def names(db: Session):
    for row in db.execute(text("SELECT name FROM users")):
        print(row["name"])  # error
    row = db.execute(text("SELECT name FROM users")).first()
    return row.keys()  # error
""",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def names(db: Session):
    for row in db.execute(text("SELECT name FROM users")):
        print(row._mapping["name"])
    row = db.execute(text("SELECT name FROM users")).first()
    return row._mapping.keys()
""",
        ),
        Example(
            "a list of rows in a comprehension",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("sqlite://")
with engine.connect() as connection:
    rows = connection.execute(text("SELECT name FROM users")).fetchall()
names = [row["name"] for row in rows]  # error
""",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("sqlite://")
with engine.connect() as connection:
    rows = connection.execute(text("SELECT name FROM users")).fetchall()
names = [row._mapping["name"] for row in rows]
""",
        ),
        Example(
            "mappings, attributes and positions",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def names(db: Session):
    for row in db.execute(text("SELECT name FROM users")).mappings():
        print(row["name"], row.keys())
    for row in db.execute(text("SELECT name FROM users")):
        print(row.name, row[0], row._mapping["name"])
    keys = db.execute(text("SELECT name FROM users")).keys()
    return db.execute(text("SELECT settings FROM users")).scalar()["name"], keys
""",
        ),
        Example(
            "rows of a driver",
            """\
import sqlite3

for row in sqlite3.connect("a.db").execute("SELECT name FROM users"):
    print(row["name"], row.keys())
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for implicit in function.implicit:
                parent = view.project.parent(implicit.node)
                if not isinstance(parent, s.Subscript) or not patterns.is_string(parent.index):
                    continue
                if parent.value is implicit.node and _is_row(view, implicit.node, implicit.scope):
                    message = "a row cannot be indexed by a name since SQLAlchemy 2.0"
                    yield self.finding(parent, function, message, fix=_fix(implicit.node))
            for call in function.calls:
                func = call.node.func
                if not isinstance(func, s.Attribute) or func.attr not in ROW_MAPPING_METHODS:
                    continue
                if _is_row(view, func.value, call.scope):
                    message = f"a row has no `{func.attr}()` since SQLAlchemy 2.0"
                    is_same = func.attr in ("keys", "items", "values")
                    fix = _fix(func.value) if is_same else None
                    yield self.finding(call.node, function, message, fix=fix)


def _fix(row: s.Expr) -> Fix:
    edit = ReplaceExpression(span=row.span, codemod=patterns.CODEMOD, code="{}._mapping")
    return patterns.safe("read the row through `_mapping`", edit)


def _is_row(view: View, expr: s.Expr, scope: Scope, depth: int = 0) -> bool:
    """Whether `expr` is surely a row of a result of SQLAlchemy's."""
    types = view.project.infer(expr, scope)
    if types:
        return all(isinstance(item, t.RowOf) for item in types)
    if isinstance(expr, s.Call) and isinstance(expr.func, s.Attribute):
        return expr.func.attr in RESULT_ONE and _is_result(view, expr.func.value, scope)
    if not isinstance(expr, s.Name) or depth > 1:
        return False
    found = bindings(expr.id, scope)
    return bool(found) and all(_binds_row(view, item, depth) for item in found)


def _binds_row(view: View, binding: sc.Binding, depth: int) -> bool:
    if isinstance(binding, sc.IterationBinding):
        return _gives_rows(view, binding.value, binding.scope)
    if isinstance(binding, sc.ValueBinding):
        return _is_row(view, binding.value, binding.scope, depth + 1)
    return False


def _gives_rows(view: View, expr: s.Expr, scope: Scope) -> bool:
    """Whether iterating over `expr` surely gives rows."""
    if _is_result(view, expr, scope):
        return True
    if isinstance(expr, s.Call) and isinstance(expr.func, s.Attribute):
        return expr.func.attr in RESULT_ALL and _is_result(view, expr.func.value, scope)
    if not isinstance(expr, s.Name):
        return False
    found = bindings(expr.id, scope)
    return bool(found) and all(
        isinstance(item, sc.ValueBinding)
        and not isinstance(item.value, s.Name)
        and _gives_rows(view, item.value, item.scope)
        for item in found
    )


def _is_result(view: View, expr: s.Expr, scope: Scope) -> bool:
    """Whether `expr` is a result of rows; SQLModel's `exec()` gives what it likes."""
    root = expr.value if isinstance(expr, s.Await) else expr
    if isinstance(root, s.Call) and sc.last_name(root.func) == "exec":
        return False
    types = view.project.infer(expr, scope)
    return bool(types) and all(
        isinstance(item, t.ResultOf) and item.shape == "rows" for item in types
    )
