"""Writes that nobody commits."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.lint.resources.fate import Fate, Handover
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.transactions.deeds import Act, Deed
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.paths import is_test_path

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
            if is_test_path(function.module.path) or function.is_generator:
                continue
            for fate in view.resources.of(function):
                found = _lost_write(fate, function, view)
                if found is None:
                    continue
                yield self.finding(
                    fate.resource.node,
                    function,
                    f"this {fate.resource.noun} is written to and never committed",
                    confidence=Confidence.HIGH if is_sure else Confidence.MEDIUM,
                    related=[place(found, function, "this is rolled back when it is closed")],
                )


def _lost_write(fate: Fate, function: Function, view: View) -> s.Node | None:
    """The first write to a session that nobody can commit."""
    if not _is_plain(fate, view.project) or not isinstance(function.node, s.FunctionDef):
        return None
    names = _names(fate, view.project)
    deeds = [
        deed
        for name in names
        for statement in function.node.body
        for deed in view.deeds.of_node(statement, name)
    ]
    if not names or any(_may_commit(deed, view.project) for deed in deeds):
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
