"""A transaction object that nobody commits or rolls back."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import ParameterBinding, ValueBinding
from migrate_async.knowledge.boundaries import EVENT_DECORATORS
from migrate_async.lint.leaks import LeakRule, confidence_of
from migrate_async.lint.resources.fate import Fate, Handover, Resource
from migrate_async.lint.rule import Example
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

_ENDS = frozenset({"commit", "rollback", "close", "remove", "invalidate"})


class TransactionNeverEnded(LeakRule):
    """`begin()` is called, and its transaction neither committed nor rolled back.

    ## Why

    What was written is rolled back when the connection returns to the pool, without an error:
    the data is lost. Until then the transaction holds its locks.

    ## Fix

    `with connection.begin():` commits at its end and rolls back on an exception; `engine.begin()`
    does both jobs. Without `with`, call `commit()` and, in `except`, `rollback()`.

    ## False alarms

    A transaction that the function stores or returns, or whose session or connection is committed
    or closed in the same function or handed to another one, is left alone, as is one that an event
    listener begins. The caller may commit a session or connection that is a parameter; such
    findings have medium confidence.
    """

    CODE = "MA620"
    CONSEQUENCE = "the writes are rolled back without an error, and locks are held until then"
    REMEDY = "write `with connection.begin():`, or commit and roll back"
    FAMILIES = frozenset({"transaction"})
    EXAMPLES = (
        Example(
            "a transaction that is begun and forgotten",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql:///shop")


def clear():
    with engine.connect() as connection:
        connection.begin()  # error
        connection.execute(text("DELETE FROM items"))
""",
        ),
        Example(
            "a savepoint in a session of the caller",
            """\
from sqlalchemy.orm import Session


def clear(db: Session, items):
    transaction = db.begin_nested()  # error: medium
    for item in items:
        db.delete(item)
    print(transaction.is_active)
""",
        ),
        Example(
            "a with block ends it",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql:///shop")


def clear():
    with engine.connect() as connection, connection.begin():
        connection.execute(text("DELETE FROM items"))
""",
        ),
        Example(
            "it is committed or rolled back",
            """\
from sqlalchemy import create_engine, text

engine = create_engine("postgresql:///shop")


def clear():
    with engine.connect() as connection:
        transaction = connection.begin()
        try:
            connection.execute(text("DELETE FROM items"))
            transaction.commit()
        except Exception:
            transaction.rollback()
            raise
""",
        ),
        Example(
            "its registry removes the session",
            """\
from sqlalchemy import text
from sqlalchemy.orm import scoped_session, sessionmaker

registry = scoped_session(sessionmaker())


def now():
    try:
        session = registry()
        session.begin()
        return session.scalar(text("SELECT now()"))
    finally:
        registry.remove()
""",
        ),
        Example(
            "its session is committed",
            """\
from sqlalchemy.orm import Session


def clear(db: Session, items):
    db.begin()
    for item in items:
        db.delete(item)
    db.commit()
""",
        ),
    )

    def findings_of(self, fate: Fate) -> Iterator[Finding]:
        is_kept = fate.escapes or fate.has(Handover.YIELD)
        if fate.is_closed_somewhere or is_kept or not fate.leaks or self._is_ended(fate):
            return
        noun = fate.resource.noun
        message = f"this {noun} is begun and neither committed nor rolled back"
        confidence = Confidence.MEDIUM if _is_of_caller(fate.resource) else confidence_of(fate)
        yield self.of_fate(fate, message, confidence=confidence)

    def _is_ended(self, fate: Fate) -> bool:
        """Whether its session or connection is, or may be, ended by somebody."""
        func = fate.resource.node.func
        owner = s.dotted_name(func.value) if isinstance(func, s.Attribute) else ""
        if "." in owner or not owner:
            return True  # other methods may end it
        if fate.resource.function.decorator_names & EVENT_DECORATORS:
            return True
        names = {owner, *_registries(owner, fate.resource)}
        return any(
            _ends(call.node, name) for call in fate.resource.function.calls for name in names
        )


def _is_of_caller(resource: Resource) -> bool:
    func = resource.node.func
    name = s.dotted_name(func.value) if isinstance(func, s.Attribute) else ""
    return any(isinstance(b, ParameterBinding) for b in resource.scope.names.get(name, ()))


def _registries(owner: str, resource: Resource) -> Iterator[str]:
    """`db` where `owner = db()`: a registry removes the session that it gave."""
    for binding in resource.scope.names.get(owner, ()):
        if isinstance(binding, ValueBinding) and isinstance(binding.value, s.Call):
            yield s.dotted_name(binding.value.func)


def _ends(call: s.Call, owner: str) -> bool:
    func = call.func
    if isinstance(func, s.Attribute) and s.dotted_name(func.value) == owner:
        return func.attr in _ENDS
    return any(s.dotted_name(arg) == owner for arg in _values(call))


def _values(call: s.Call) -> Iterator[s.Expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords)
