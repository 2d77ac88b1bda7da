"""`scoped_session` without `remove()`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Module, Scope, ValueBinding, last_name
from migrate_async.index.sessions import Variable
from migrate_async.knowledge import sqlalchemy
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

_ENDS = frozenset({"remove", "close"})
_KEEPERS = ("zope.sqlalchemy", "flask_sqlalchemy", "pyramid_tm")
"""Packages that end the sessions of a registry themselves."""


class ScopedSessionNeverRemoved(Rule):
    """A `scoped_session` is used, and its `remove()` called nowhere in the project.

    ## Why

    The registry keeps one session per thread. Without `remove()` at the end of a request, the
    next request on that thread gets the session of the last one: its open transaction, its stale
    objects, and its failure, if it ended with one.

    ## Fix

    Call `remove()` when a request or job ends: in a middleware, a `teardown_appcontext`, or in
    `finally`. Better: open a session per request.

    ## False alarms

    Extensions that end the sessions (zope.sqlalchemy, Flask-SQLAlchemy) are recognised by their
    import in the same module. Where `close()` is called on the registry, or on what it gives, the
    finding has medium confidence: the session stays, but gives its connection back.
    """

    CODE = "MA612"
    CONSEQUENCE = "requests on one thread inherit the transaction and the stale objects of the last"
    REMEDY = "call `remove()` at the end of each request or job, in `finally`"
    EXAMPLES = (
        Example(
            "nobody removes the sessions",
            """\
from sqlalchemy.orm import scoped_session, sessionmaker

Session = scoped_session(sessionmaker())  # error


def users():
    return Session.query("users").all()
""",
        ),
        Example(
            "they are closed only",
            """\
# file: app/db.py
from sqlalchemy.orm import scoped_session, sessionmaker

db_session = scoped_session(sessionmaker())  # error: medium
# file: app/users.py
from app.db import db_session


def users():
    try:
        return db_session.query("users").all()
    finally:
        db_session.close()
""",
        ),
        Example(
            "what they give is closed only",
            """\
from sqlalchemy.orm import scoped_session, sessionmaker

SessionLocal = scoped_session(sessionmaker())  # error: medium


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
""",
        ),
        Example(
            "another module removes them",
            """\
# file: app/db.py
from sqlalchemy.orm import scoped_session, sessionmaker

db_session = scoped_session(sessionmaker())
# file: app/main.py
from app import db


def shutdown_session(exception=None):
    db.db_session.remove()
""",
        ),
        Example(
            "an extension ends them with the transaction",
            """\
import zope.sqlalchemy
from sqlalchemy.orm import scoped_session, sessionmaker

Session = scoped_session(sessionmaker())
zope.sqlalchemy.register(Session)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        variables = [v for v in view.project.session_factories if v.kind == "scoped_session"]
        if not variables:
            return
        ended = _ended(view)
        for variable in variables:
            function = variable.scope.function
            names = ended.get(variable.name, frozenset())
            is_kept = "remove" in names or _is_kept(variable.module)
            if is_kept or not view.is_selected(function):
                continue
            yield self.finding(
                variable.value,
                function,
                f"nothing in the project calls `{variable.name}.remove()`",
                confidence=_confidence(variable, names),
            )


def _ended(view: View) -> dict[str, frozenset[str]]:
    """What the project does with each registry: `remove`, `close`; by the registry's name.

    A registry that is known by its type only, such as a parameter, may be any of them.
    """
    found: dict[str, set[str]] = {}
    for function in view.project.functions:
        nodes = [(call.node.func, call.scope) for call in function.calls]
        nodes += [(reference.node, reference.scope) for reference in function.references]
        for node, scope in nodes:
            if not isinstance(node, s.Attribute) or node.attr not in _ENDS:
                continue
            name = s.dotted_name(node.value).rpartition(".")[2]
            names = [name, *_registries(node.value, scope, view), *_makers(node.value, scope)]
            for ended in names:
                found.setdefault(ended, set()).add(node.attr)
    return {name: frozenset(attrs) for name, attrs in found.items()}


def _registries(expr: s.Expr, scope: Scope, view: View) -> list[str]:
    """The names of all registries, if `expr` may be any of them."""
    types = view.project.infer(expr, scope)
    if not any(getattr(item, "dotted", "") == sqlalchemy.SCOPED_SESSION for item in types):
        return []
    return [variable.name for variable in view.project.session_factories]


def _makers(expr: s.Expr, scope: Scope) -> list[str]:
    """`db_session`, if `expr` is a name for `db_session()`."""
    bindings = scope.names.get(expr.id, ()) if isinstance(expr, s.Name) else ()
    values = [binding.value for binding in bindings if isinstance(binding, ValueBinding)]
    return [last_name(value.func) for value in values if isinstance(value, s.Call)]


def _is_kept(module: Module) -> bool:
    """Whether `module` imports an extension that ends the sessions of a registry."""
    for statement in module.syntax.body:
        names: list[str] = []
        if isinstance(statement, s.Import):
            names = [imported.name for imported in statement.names]
        elif isinstance(statement, s.ImportFrom):
            names = [statement.module]
        if any(name.startswith(_KEEPERS) for name in names):
            return True
    return False


def _confidence(variable: Variable, names: frozenset[str]) -> Confidence:
    if variable.scope.kind != "module" or variable.module.is_test:
        return Confidence.LOW
    return Confidence.MEDIUM if "close" in names else Confidence.HIGH
