"""Writes that nobody commits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

from migrate_async.index.project import Project
from migrate_async.index.scopes import Binding, Function, WithBinding
from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.resources.fate import Fate, Handover
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.transactions.deeds import Act, Deed, Deeds
from migrate_async.lint.transactions.managers import lent_sessions, only_closes
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

_WRITES = (Act.STAGE, Act.WRITE, Act.FLUSH)
_ENDS = (Act.COMMIT, Act.BEGIN)


class CommitMissing(Rule):
    """A session is opened, written to, and closed without a commit.

    ## Why

    Closing a session rolls back. The code looks as if it saved, raises nothing, and the next
    request does not find what was written.

    ## Fix

    Call `commit()`, or open the session with `SessionLocal.begin()`, which commits at the end of
    the block.

    ## False alarms

    A session that is handed to code which may commit is left alone, as are tests and functions
    that roll back on purpose. Where an engine of the project is in `AUTOCOMMIT`, findings have
    medium confidence.
    """

    CODE = "MA615"
    CONSEQUENCE = "what was written is rolled back without an error: the data is lost"
    REMEDY = "commit, or open the session with `SessionLocal.begin()`"
    EXAMPLES = (
        Example(
            "added and never committed",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    with SessionLocal() as db:  # error
        db.add(item)
        db.flush()
""",
        ),
        Example(
            "a writing statement",
            """\
from sqlalchemy import delete, text
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def clear(model):
    db = SessionLocal()  # error
    try:
        statement = delete(model)
        db.execute(statement)
    finally:
        db.close()


def touch():
    with SessionLocal() as db:  # error
        db.execute(text("UPDATE items SET touched = now()"))
""",
        ),
        Example(
            "a helper of the project writes",
            """\
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()


def save(db: Session, item):
    db.add(item)


def add(item):
    with SessionLocal() as db:  # error
        save(db, item)
""",
        ),
        Example(
            "a context manager of the project only closes",
            """\
from contextlib import contextmanager

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


@contextmanager
def session():
    with SessionLocal() as db:
        yield db


def add(item):
    with session() as db:  # error
        db.add(item)
""",
        ),
        Example(
            "a context manager of the project commits",
            """\
from contextlib import contextmanager

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


@contextmanager
def session():
    with SessionLocal() as db:
        yield db
        db.commit()


def add(item):
    with session() as db:
        db.add(item)
""",
        ),
        Example(
            "committed by a helper, or by a block",
            """\
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()


def save(db: Session, item):
    db.add(item)
    db.commit()


def add(item):
    with SessionLocal() as db:
        save(db, item)
    with SessionLocal.begin() as db:
        db.add(item)
    with SessionLocal() as db, db.begin():
        db.add(item)
""",
        ),
        Example(
            "handed to code that may commit",
            """\
from elsewhere import finish
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def add(item):
    with SessionLocal() as db:
        db.add(item)
        finish(db)
""",
        ),
        Example(
            "merged without loading: nothing is written",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def copied(item):
    with SessionLocal() as db:
        return db.merge(item, load=False)
""",
        ),
        Example(
            "rolled back on purpose",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def preview(item):
    with SessionLocal() as db:
        db.add(item)
        db.flush()
        number = item.id
        db.rollback()
        return number
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        is_sure = not _has_autocommit(view.project)
        for function in view.functions:
            if function.module.is_test or function.is_generator:
                continue
            for opened, noun, write in _lost_writes(function, view):
                yield self.finding(
                    opened,
                    function,
                    f"this {noun} is written to and never committed",
                    confidence=Confidence.HIGH if is_sure else Confidence.MEDIUM,
                    related=[place(write, function, "this is rolled back when it is closed")],
                )


def _lost_writes(function: Function, view: View) -> Iterator[tuple[s.Call, str, s.Node]]:
    """Each session that is opened here, or lent for a block, with the first write to it."""
    for fate in view.analysis(Resources).of(function):
        if _is_plain(fate, view.project):
            write = _lost_write(_names(fate, view.project), function, view)
            if write is not None:
                yield fate.resource.node, fate.resource.noun, write
    blocks = list(lent_sessions(function, view.project))
    for name, call, manager in blocks:
        managers = [other for held, _, other in blocks if held == name]
        if not all(only_closes(m, view.project, view.analysis(Deeds)) for m in managers):
            continue
        write = _lost_write([name], function, view) if _is_lent(name, function, view) else None
        if write is not None:
            yield call, f"session of `{manager.name}`", write


def _is_lent(name: str, function: Function, view: View) -> bool:
    """Whether the name holds a session, and always one that a block lends."""
    bindings = function.scope.names.get(name, ())
    mention = s.Name(*bindings[0].value.span, name) if _is_with(bindings) else None
    return mention is not None and view.session(mention, function.scope) is not None


def _is_with(bindings: Sequence[Binding]) -> TypeGuard[Sequence[WithBinding]]:
    return bool(bindings) and all(isinstance(binding, WithBinding) for binding in bindings)


def _lost_write(names: list[str], function: Function, view: View) -> s.Node | None:
    """The first write to the session of these names, if nobody can commit it."""
    if not names or not isinstance(function.node, s.FunctionDef):
        return None
    deeds = [
        deed
        for name in names
        for statement in function.node.body
        for deed in view.analysis(Deeds).of_node(statement, name)
    ]
    if any(_may_commit(deed, view.project) for deed in deeds):
        return None
    writes = (deed.node for deed in deeds if deed.surely(*_WRITES))
    return next((node for node in writes if isinstance(node, s.Node)), None)


def _is_plain(fate: Fate, project: Project) -> bool:
    """Whether it is a session of SQLAlchemy itself that stays in the function."""
    resource = fate.resource
    if resource.family != "session" or resource.via not in ("factory", "class", "resolver"):
        return False
    if fate.escapes or fate.has(Handover.YIELD, Handover.UNKNOWN):
        return False
    types = project.infer(resource.node, resource.scope)
    autocommit = any(keyword.arg == "autocommit" for keyword in resource.node.keywords)
    return not autocommit and all(hasattr(item, "dotted") for item in types)


def _names(fate: Fate, project: Project) -> list[str]:
    """The local names that hold the session."""
    names = {name for event in fate.events for name in event.names}
    around: s.AnyNode | s.ModuleSyntax = project.parent(fate.resource.node)
    while isinstance(around, s.Await | s.Call | s.Keyword):
        around = project.parent(around)
    if isinstance(around, s.WithItem) and isinstance(around.target, s.Name):
        names.add(around.target.id)
    return sorted(names)


def _may_commit(deed: Deed, project: Project) -> bool:
    if deed.act is Act.ESCAPE:
        return not _is_naming(deed.node, project)
    return deed.does(*_ENDS) or (
        deed.act is Act.ROLLBACK and not _is_in_handler(deed.node, project)
    )


def _is_naming(node: s.AnyNode, project: Project) -> bool:
    """Whether the session only gets a further local name."""
    around = project.parent(node)
    return isinstance(around, s.Assign) and all(isinstance(n, s.Name) for n in around.targets)


def _is_in_handler(node: s.AnyNode, project: Project) -> bool:
    around: s.AnyNode | s.ModuleSyntax = project.parent(node)
    while not isinstance(around, s.ModuleSyntax | s.FunctionDef):
        if isinstance(around, s.Handler):
            return True
        around = project.parent(around)
    return False


def _has_autocommit(project: Project) -> bool:
    """Whether some call of the project asks for `AUTOCOMMIT` or `autocommit`."""
    return any(
        _asks_for_autocommit(keyword, call.node)
        for function in project.functions
        for call in function.calls
        for keyword in call.node.keywords
    )


def _asks_for_autocommit(keyword: s.Keyword, call: s.Call) -> bool:
    value = keyword.value.value if isinstance(keyword.value, s.Constant) else None
    if keyword.arg == "autocommit":
        return bool(value)
    return keyword.arg == "isolation_level" and value == "AUTOCOMMIT" and _is_factory(call)


def _is_factory(call: s.Call) -> bool:
    name = s.dotted_name(call.func).rpartition(".")[2]
    return name in ("create_engine", "create_async_engine", "engine_from_config")
