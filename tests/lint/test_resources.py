"""What becomes of a session: each way to hand it on, close it, or lose it."""

from __future__ import annotations

import textwrap

import pytest

from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.resources.fate import Fate
from migrate_async.lint.view import View
from support.projects import project

_HEAD = """\
from contextlib import ExitStack, closing
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker
from elsewhere import unknown

engine = create_engine("sqlite://")
SessionLocal = sessionmaker(engine)
held = {}


def finish(session):
    session.commit()
    session.close()


def look(session):
    return session.execute("SELECT 1").scalar()


def same(session):
    return session


def opened():
    return SessionLocal()


class Service:
    def __init__(self, session):
        self.session = session

    def work(self):
        self.session.commit()


class Owner:
    def __init__(self, session):
        self.session = session

    def close(self):
        self.session.close()


"""


def fates(body: str, *, signature: str = "def f(a, b):") -> list[Fate]:
    """The fates of what a function with the statements `body` opens."""
    text = _HEAD + f"{signature}\n" + textwrap.indent(textwrap.dedent(body), "    ")
    indexed = project({"m.py": text})
    function = indexed.function("m.f")
    assert function is not None
    return list(View(indexed).analysis(Resources).of(function))


def verdict(body: str, *, signature: str = "def f(a, b):") -> str:
    """The kinds of the leaks of the only resource, `closed` when there are none."""
    (fate,) = fates(body, signature=signature)
    kinds = sorted({leak.kind.value + "?" * leak.is_doubtful for leak in fate.leaks})
    return " ".join(kinds) or "closed"


CLOSED = {
    "a with block": "with SessionLocal() as db:\n    look(db)",
    "with on a name": "db = SessionLocal()\nwith db:\n    look(db)",
    "closing": "with closing(SessionLocal()) as db:\n    look(db)",
    "finally": "db = SessionLocal()\ntry:\n    look(db)\nfinally:\n    db.close()",
    "a helper closes it": "db = SessionLocal()\ntry:\n    look(db)\nfinally:\n    finish(db)",
    "an exit stack": "with ExitStack() as stack:\n    db = stack.enter_context(SessionLocal())",
    "close handed to an exit stack": (
        "with ExitStack() as stack:\n    db = SessionLocal()\n    stack.callback(db.close)\n"
        "    look(db)"
    ),
    "returned": "return SessionLocal()",
    "returned in a tuple": "db = SessionLocal()\nreturn db, a",
    "stored": "held[a] = SessionLocal()",
    "kept in a list": "db = SessionLocal()\nb.sessions = [db]\nlook(db)",
    "captured by a nested function": "db = SessionLocal()\ndef g():\n    db.close()\nreturn g",
    "an object that closes it": "owner = Owner(SessionLocal())\nowner.close()",
    "tested for being there": (
        "db = None\ntry:\n    db = SessionLocal()\n    look(db)\n"
        "finally:\n    if db is not None:\n        db.close()"
    ),
    "tested by its truth": (
        "db = None\ntry:\n    db = SessionLocal()\n    look(db)\n"
        "finally:\n    if db:\n        db.close()"
    ),
    "tested in locals": (
        "try:\n    db = SessionLocal()\n    look(db)\n"
        "finally:\n    if 'db' in locals():\n        db.close()"
    ),
    "tested for activity": (
        "db = SessionLocal()\ntry:\n    look(db)\n"
        "finally:\n    if db.is_active:\n        db.close()"
    ),
    "two names for one": (
        "db = SessionLocal()\nother = db\ntry:\n    look(db)\nfinally:\n    other.close()"
    ),
}

OPEN = {
    "used and forgotten": ("db = SessionLocal()\nlook(db)", "end error"),
    "used in passing": ("look(SessionLocal())", "dropped"),
    "not even used": ("SessionLocal()", "dropped"),
    "an object that never closes it": ("s = Service(SessionLocal())\ns.work()", "dropped"),
    "an early return": (
        "db = SessionLocal()\ndb.info\nif a:\n    return 1\ndb.close()",
        "return",
    ),
    "an early return before its first use": (
        "db = SessionLocal()\nif a:\n    return 1\nlook(db)\ndb.close()",
        "error return?",
    ),
    "a second session of the same name": (
        "db = SessionLocal()\ndb.info\ndb = None",
        "rebound",
    ),
    "a loop": (
        (
            "for x in a:\n    db = SessionLocal()\n    db.info\n    if x:\n        continue\n"
            "    db.close()"
        ),
        "end error rebound",
    ),
    "a deleted name": ("db = SessionLocal()\ndb.info\ndel db", "rebound"),
    "only an exception": ("db = SessionLocal()\nlook(db)\ndb.close()", "error"),
    "a handler that swallows": (
        "db = SessionLocal()\ntry:\n    look(db)\n    db.close()\nexcept Exception:\n    pass",
        "end",
    ),
    "closed under another condition": (
        "db = SessionLocal()\ntry:\n    look(db)\nfinally:\n    if a:\n        db.close()",
        "end? error?",
    ),
    "an exception while cleaning up": (
        "db = SessionLocal()\ntry:\n    look(db)\nfinally:\n    unknown()\n    db.close()",
        "error?",
    ),
    "an exception while preparing": (
        "db = SessionLocal()\nunknown()\ntry:\n    look(db)\nfinally:\n    db.close()",
        "error?",
    ),
}


@pytest.mark.parametrize("case", CLOSED)
def test_closed_or_handed_over(case: str) -> None:
    """Nothing stays open on any path."""
    assert verdict(CLOSED[case]) == "closed"


@pytest.mark.parametrize("case", OPEN)
def test_stays_open(case: str) -> None:
    """It stays open on the paths named; `?` marks doubtful ones."""
    body, expected = OPEN[case]
    assert verdict(body) == expected


@pytest.mark.parametrize(
    "made",
    [
        "Session(bind=connection)",
        "Session(engine.connect())",
        "SessionLocal(bind=conn)",
        "sessionmaker(bind=op.get_bind())()",
    ],
)
def test_a_session_on_a_connection_owns_nothing(made: str) -> None:
    """Whoever opened the connection closes it; only that connection has to be closed."""
    nouns = [fate.resource.noun for fate in fates(f"db = {made}\nlook(db)")]
    assert "session" not in nouns


def test_helpers_open_for_their_callers() -> None:
    """The caller of a function that returns a fresh session has to close it."""
    (fate,) = fates("db = opened()\nlook(db)")
    assert fate.resource.via == "helper"
    assert fate.resource.origin is not None
    assert fate.resource.origin.function.name == "opened"


def test_generators_may_fail_where_they_yield() -> None:
    """The consumer's exception arrives at the yield, except in a pytest fixture."""
    body = "db = SessionLocal()\nyield db\ndb.close()"
    assert verdict(body) == "error"
    fixture = "import pytest\n\n\n@pytest.fixture\ndef f(a, b):"
    assert verdict(body, signature=fixture) == "closed"


def test_modules_own_what_they_open() -> None:
    """What is opened at import lives as long as the process; other rules speak of it."""
    indexed = project({"m.py": _HEAD + "db = SessionLocal()\n"})
    function = indexed.function("m.<module>")
    assert function is not None
    assert View(indexed).analysis(Resources).of(function) == ()
