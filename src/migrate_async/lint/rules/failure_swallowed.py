"""A failed statement whose exception is swallowed without a rollback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index.scopes import Function
from migrate_async.knowledge.transactions import DATABASE_ERRORS
from migrate_async.lint.flow.graph import Graph, Step, StepKind
from migrate_async.lint.flow.graphs import Graphs
from migrate_async.lint.flow.handlers import catches_every_failure, caught_names
from migrate_async.lint.flow.solve import Outcome, solve
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.transactions.deeds import STATEMENTS, Act, Deed, Deeds
from migrate_async.lint.transactions.holders import Holder, Holders
from migrate_async.lint.transactions.steps import rebinds
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.blocks import statements

_RESETS = (Act.ROLLBACK, Act.CLOSE)
_SURE = (Act.FLUSH, Act.COMMIT)


class Failure(NamedTuple):
    """`deed` failed; `handler` swallowed the exception, once it is known.

    `is_replaced`: a handler raised something else in its place, which any handler may catch.
    """

    deed: Deed
    handler: s.Handler | None = None
    is_replaced: bool = False


Fact = Failure | None


class FailureSwallowed(Rule):
    """An exception is swallowed without `rollback()`, and the session is used again.

    ## Why

    After a failed flush the session refuses everything until it is rolled back:
    `PendingRollbackError`. After a failed statement PostgreSQL refuses the rest of the
    transaction. One bad row then fails all that follow, and the first error is hidden.

    ## Fix

    Call `rollback()` in the `except` block, or put the statement into a savepoint:
    `with db.begin_nested():`.

    ## False alarms

    Only failed flushes and commits are certain to spoil the session; findings about other
    statements have medium confidence, because it depends on the database.
    """

    CODE = "MA616"
    CONSEQUENCE = "everything after it fails with PendingRollbackError, far from the cause"
    REMEDY = "call `rollback()` in the `except` block, or use `with db.begin_nested():`"
    EXAMPLES = (
        Example(
            "one bad item fails all that follow",
            """\
import logging

from sqlalchemy.orm import Session


def save(db: Session, items):
    for item in items:
        try:
            db.add(item)
            db.commit()
        except Exception:  # error
            logging.exception("not saved")
""",
        ),
        Example(
            "the session is used after the handler",
            """\
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session


def save(db: Session, item, entry):
    try:
        db.add(item)
        db.flush()
    except IntegrityError:  # error
        item = None
    db.add(entry)
    db.commit()
    return item
""",
        ),
        Example(
            "a failed statement, on some databases",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def names(db: Session):
    try:
        db.execute(text("SELECT 1"))
    except Exception:  # error: medium
        pass
    return db.execute(text("SELECT name FROM items")).all()
""",
        ),
        Example(
            "rolled back",
            """\
from sqlalchemy.orm import Session


def save(db: Session, items):
    for item in items:
        try:
            db.add(item)
            db.commit()
        except Exception:
            db.rollback()
""",
        ),
        Example(
            "a handler before it, or a helper, rolls back or raises",
            """\
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session


def fail(error):
    if isinstance(error, IntegrityError):
        raise KeyError from error
    raise ValueError from error


def save(db: Session, item):
    for _ in range(3):
        try:
            db.add(item)
            db.commit()
        except IntegrityError as error:
            if "deadlock" in str(error):
                db.rollback()
                continue
            fail(error)


def log(db: Session, item, entry):
    try:
        try:
            db.add(item)
            db.commit()
        except Exception:
            if item.old:
                raise
            db.rollback()
    except SQLAlchemyError:
        db.rollback()
        db.add(entry)
        db.commit()
    except Exception:
        db.add(entry)
        db.commit()
""",
        ),
        Example(
            "what the handler raises is caught further out",
            """\
from fastapi import HTTPException
from sqlalchemy.orm import Session


def save(db: Session, item, entry):
    try:
        try:
            db.add(item)
            db.commit()
        except Exception:
            print("not saved")
        raise HTTPException(400)
    except HTTPException:
        raise
    except Exception:
        db.add(entry)
        db.commit()
""",
        ),
        Example(
            "a helper keeps its failures to itself",
            """\
from sqlalchemy.orm import Session


def touch(db: Session, item):
    try:
        db.add(item)
        db.commit()
    except Exception:
        return None
    return item


def save(db: Session, items):
    for item in items:
        try:
            touch(db, item)
        except Exception:
            continue
""",
        ),
        Example(
            "raised again, and swallowed further out",
            """\
from sqlalchemy.orm import Session


def save(db: Session, item, entry):
    try:
        try:
            db.add(item)
            db.commit()
        except Exception as error:
            raise KeyError from error
    except KeyError:  # error
        item = None
    db.add(entry)
    db.commit()
    return item
""",
        ),
        Example(
            "a savepoint takes the failure",
            """\
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session


def save(db: Session, items):
    for item in items:
        try:
            with db.begin_nested():
                db.add(item)
                db.flush()
        except IntegrityError:
            continue
    db.commit()
""",
        ),
        Example(
            "the handler leaves, or catches something else",
            """\
from sqlalchemy.orm import Session


def save(db: Session, item, entry):
    try:
        db.add(item)
        db.commit()
    except Exception:
        return None
    try:
        db.add(entry)
        db.flush()
    except KeyError:
        pass
    db.commit()
    return entry
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            held = view.analysis(Holders).of(function)
            graph = view.analysis(Graphs).of(function) if held and _has_handler(function) else None
            if graph is not None:
                for holder in held:
                    yield from self._of_holder(holder, function, graph, view)

    def _of_holder(
        self, holder: Holder, function: Function, graph: Graph, view: View
    ) -> Iterator[Finding]:
        search = _Search(holder, view)
        solve(graph, None, search.transfer)
        for handler, (failed, used) in search.found.items():
            is_certain = failed.surely(*_SURE)
            is_vague = holder.by_name or function.module.is_test
            confidence = Confidence.HIGH if is_certain else Confidence.MEDIUM
            related = [
                place(node, function, text)
                for node, text in (
                    (failed.node, "this may fail"),
                    (used.node, "here the session is used again"),
                )
                if isinstance(node, s.Node)
            ]
            yield self.finding(
                handler,
                function,
                f"the failure of `{holder.name}` is swallowed here without a rollback",
                confidence=Confidence.LOW if is_vague else confidence,
                related=related,
            )


class _Search:
    """Follows failures of the session; `found` are the handlers that swallow one."""

    def __init__(self, holder: Holder, view: View) -> None:
        self._holder = holder
        self._project = view.project
        self._deeds = view.analysis(Deeds)
        self.found: dict[s.Handler, tuple[Deed, Deed]] = {}

    def transfer(self, step: Step, fact: Fact) -> Outcome[Fact]:
        if step.kind is StepKind.CATCH and fact is not None and isinstance(step.node, s.Handler):
            return self._caught(step.node, fact)
        if step.kind is StepKind.LEAVE and self._undoes(step):
            return Outcome([None], [None])
        if isinstance(step.node, s.Raise) and fact is not None and fact.handler is not None:
            return Outcome([], [Failure(fact.deed, None, step.node.error is not None)])
        failed: Deed | None = None
        for deed in self._deeds.of_step(step, self._holder.name):
            if deed.does(*_RESETS) or deed.act is Act.ENTER:
                fact = None
            elif fact is not None and fact.handler is not None and deed.surely(*STATEMENTS):
                self._note(fact.handler, fact.deed, deed)
                fact = None
            if deed.surely(*STATEMENTS) and not deed.surely(*_RESETS) and not deed.is_kept:
                failed = deed
        if rebinds(step, self._holder.name):
            fact = None
        return Outcome([fact], [fact if failed is None else Failure(failed)])

    def _caught(self, handler: s.Handler, fact: Failure) -> Outcome[Fact]:
        if fact.handler is not None:
            return Outcome([fact], [fact])  # a later exception of something else
        block = self._project.parent(handler)
        handlers = block.handlers if isinstance(block, s.Try) else ()
        earlier = handlers[: handlers.index(handler)] if handlers else ()
        if not fact.is_replaced and (
            any(map(catches_every_failure, earlier)) or not _catches_database_errors(handler)
        ):
            return Outcome([], [])
        return Outcome([Failure(fact.deed, handler)], [])

    def _undoes(self, step: Step) -> bool:
        """Whether leaving it rolls back or closes: `with db:`, `with db.begin_nested():`."""
        item = step.node
        if not isinstance(item, s.WithItem):
            return False
        target = item.target.id if isinstance(item.target, s.Name) else ""
        deeds = self._deeds.of_node(item.context, self._holder.name)
        return target == self._holder.name or any(
            deed.act in (Act.BEGIN, Act.ENTER, Act.GIVE) for deed in deeds
        )

    def _note(self, handler: s.Handler, failed: Deed, used: Deed) -> None:
        known = self.found.get(handler)
        if known is None or (failed.surely(*_SURE) and not known[0].surely(*_SURE)):
            self.found[handler] = (failed, used)


def _catches_database_errors(handler: s.Handler) -> bool:
    return handler.error is None or not caught_names(handler).isdisjoint(DATABASE_ERRORS)


def _has_handler(function: Function) -> bool:
    if not isinstance(function.node, s.FunctionDef):
        return False
    return any(isinstance(found, s.Try) for found in statements(function.node.body))
