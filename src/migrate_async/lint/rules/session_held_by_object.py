"""A session in an attribute of an object that never closes it."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.knowledge.resources import SESSION_CLOSERS
from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.resources.fate import Event, Fate, Handover
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

_LOCAL = ("builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol")


class SessionHeldByObject(Rule):
    """An object opens a session into an attribute, and no method of it closes the session.

    ## Why

    The session lives as long as the object. Objects that live long (services at module level,
    clients, workers) share its one transaction among requests and threads; short-lived ones keep
    a connection until the garbage collector finds them.

    ## Fix

    Take the session as an argument of the methods, or of `__init__` from somebody who closes it.
    An object that must own one needs `close()` or `__exit__`, and callers that use it.

    ## False alarms

    A class with a method that closes the attribute is left alone, whether or not anybody calls
    the method. Where other code closes the attribute, or a library base class may, the finding
    has medium confidence.
    """

    CODE = "MA609"
    CONSEQUENCE = "each such object keeps a connection, and shares one transaction with its users"
    REMEDY = "pass the session in, or give the class a `close()` and call it in `finally`"
    EXAMPLES = (
        Example(
            "a service that opens its session once",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


class Users:
    def __init__(self, db=None):
        self.db = db or SessionLocal()  # error

    def all(self):
        return self.db.query("users").all()
""",
        ),
        Example(
            "opened late, by way of a local name",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


class Users:
    def start(self):
        db = SessionLocal()  # error
        db.autoflush = False
        self.session = db
""",
        ),
        Example(
            "somebody else closes the attribute",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


class Users:
    def __init__(self):
        self.db = SessionLocal()  # error: medium


def count():
    users = Users()
    try:
        return users.db.query("users").count()
    finally:
        users.db.close()
""",
        ),
        Example(
            "the object closes it",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


class UnitOfWork:
    def __enter__(self):
        self.db = SessionLocal()
        return self

    def __exit__(self, *error):
        self.db.close()
""",
        ),
        Example(
            "the session is given to it",
            """\
class Users:
    def __init__(self, db):
        self.db = db
""",
        ),
        Example(
            "only the factory is kept",
            """\
from sqlalchemy.orm import sessionmaker


class Users:
    def __init__(self, engine):
        self.factory = sessionmaker(engine)

    def count(self):
        with self.factory() as db:
            return db.query("users").count()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            if function.cls is None:
                continue
            for fate in view.analysis(Resources).of(function):
                if fate.resource.family == "session" and fate.resource.via != "next":
                    yield from self._of_fate(fate, function, function.cls, view)

    def _of_fate(self, fate: Fate, function: Function, cls: Class, view: View) -> Iterator[Finding]:
        stored = _stored(fate, function)
        if stored is None or fate.has(Handover.CLOSE):
            return
        event, name = stored
        classes = (*view.project.mro(cls), *view.project.subclasses(cls))
        if any(_closes(node, name) for owner in classes for node in s.walk(owner.node)):
            return
        assert isinstance(event.node, s.Node)  # noqa: S101 - see `_stored`
        yield self.finding(
            fate.resource.node,
            function,
            f"`{cls.name}` keeps this {fate.resource.noun} in `{name}` and never closes it",
            confidence=_confidence(cls, name, view.project),
            related=[place(event.node, function, "it is kept here")],
        )


def _stored(fate: Fate, function: Function) -> tuple[Event, str] | None:
    """Where the session is put into an attribute of `self`, and which."""
    for event in fate.events:
        if event.handover is not Handover.STORE:
            continue
        node = event.node
        if not isinstance(node, s.Assign | s.AnnotatedAssign):
            continue
        for target in node.targets if isinstance(node, s.Assign) else (node.target,):
            if isinstance(target, s.Attribute) and _is_self(target.value, function):
                return event, target.attr
    return None


def _is_self(expr: s.Expr, function: Function) -> bool:
    return not function.is_classmethod and s.dotted_name(expr) == function.self_name


def _closes(node: s.AnyNode, name: str) -> bool:
    """Whether `node` closes, or enters, an attribute called `name`."""
    if isinstance(node, s.Attribute) and node.attr in SESSION_CLOSERS:
        return isinstance(node.value, s.Attribute) and node.value.attr == name
    if isinstance(node, s.WithItem):
        return isinstance(node.context, s.Attribute) and node.context.attr == name
    return False


def _confidence(cls: Class, name: str, project: Project) -> Confidence:
    if cls.module.is_test:
        return Confidence.LOW
    libraries = [base for base in project.bases(cls) if base not in _LOCAL]
    is_closed = any(
        isinstance(call.node.func, s.Attribute) and _closes(call.node.func, name)
        for function in project.functions
        for call in function.calls
    )
    return Confidence.MEDIUM if libraries or is_closed else Confidence.HIGH
