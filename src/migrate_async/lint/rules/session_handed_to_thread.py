"""A session in the hands of code that runs elsewhere or later."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.scopes import Function, FunctionBinding, ParameterBinding, last_name
from migrate_async.knowledge import dispatch as known
from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.resources.dispatch import Dispatch, dispatch_of
from migrate_async.lint.resources.fate import Handover
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding


class SessionHandedToThread(Rule):
    """A session is given to a thread, a process, a background task or a task queue.

    ## Why

    A session belongs to one task at a time. The receiver runs while its opener goes on, or after
    the request's session was closed: then the session silently opens a new transaction that
    nobody ends. Two threads in one session corrupt its state. A task queue cannot even send it.

    ## Fix

    Hand over ids, and open a session in the function that runs there.

    ## False alarms

    A receiver that closes the session has taken it over and is left alone. Where the caller waits
    for the receiver (`join()`, `result()`, `await`), the finding has medium confidence.
    """

    CODE = "MA610"
    CONSEQUENCE = "two tasks use one session at once, or one that was closed; its connection leaks"
    REMEDY = "hand over ids, and open a session where the work is done"
    EXAMPLES = (
        Example(
            "a background task gets the session of the request",
            """\
from fastapi import BackgroundTasks, Depends, FastAPI
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


def notify(db: Session, item_id: int):
    db.execute("SELECT 1")


@app.post("/items")
def add(tasks: BackgroundTasks, db: Session = Depends(get_db)):
    tasks.add_task(notify, db, 1)  # error
""",
        ),
        Example(
            "threads and closures",
            """\
from threading import Thread

from sqlalchemy.orm import Session


def work(db):
    db.execute("SELECT 1")


def start(db: Session):
    Thread(target=work, args=(db,)).start()  # error
    Thread(target=lambda: work(db)).start()  # error

    def run():
        db.execute("SELECT 2")

    Thread(target=run).start()  # error
""",
        ),
        Example(
            "a task queue",
            """\
from app.worker import send_mail
from sqlalchemy.orm import Session


def start(db: Session, user_id):
    send_mail.delay(db, user_id)  # error
""",
        ),
        Example(
            "a thread that is waited for",
            """\
from threading import Thread

from sqlalchemy.orm import Session


def work(db):
    db.execute("SELECT 1")


def start(db: Session):
    thread = Thread(target=work, args=(db,))  # error: medium
    thread.start()
    thread.join()
""",
        ),
        Example(
            "the receiver takes it over",
            """\
from fastapi import BackgroundTasks
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def work(db, item_id):
    try:
        db.execute("SELECT 1")
    finally:
        db.close()


def start(tasks: BackgroundTasks):
    tasks.add_task(work, SessionLocal(), 1)
""",
        ),
        Example(
            "ids go to the background",
            """\
from fastapi import BackgroundTasks
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()


def work(item_id):
    with SessionLocal() as db:
        db.execute("SELECT 1")


def start(tasks: BackgroundTasks, db: Session):
    tasks.add_task(work, db.get(object, 1).id)
""",
        ),
        Example(
            "the coroutine waits for its thread",
            """\
import asyncio

from sqlalchemy.orm import Session


def work(db):
    db.execute("SELECT 1")


async def start(db: Session):
    await asyncio.get_running_loop().run_in_executor(None, work, db)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for call in function.calls:
                found = None if call.awaited else dispatch_of(call, view.project)
                session = found and _session_in(found, view)
                if not found or not session:
                    continue
                name, by_name = session
                yield self.finding(
                    call.node,
                    function,
                    f"the session `{name}` is handed to {found.where}",
                    confidence=_confidence(found, function, by_name=by_name),
                )


def _session_in(found: Dispatch, view: View) -> tuple[str, bool] | None:
    """The name of a session that goes along, and whether only that name says so."""
    if found.target is not None and _is_taken_over(found, view):
        return None
    for value in found.values:
        session = _of_value(value, found, view)
        if session is not None:
            return session
    return None


def _of_value(value: s.Expr, found: Dispatch, view: View) -> tuple[str, bool] | None:
    scope = found.call.scope
    if isinstance(value, s.Lambda):
        return _captured(view.project.definition(value), view)
    if isinstance(value, s.Name):
        for binding in scope.names.get(value.id, ()):
            if isinstance(binding, FunctionBinding):
                return _captured(binding.function, view)
    if isinstance(value, s.Name | s.Attribute):
        session = view.session(value, scope)
        if session is not None and not _is_registry(value, found, view):
            return s.dotted_name(value), session.by_name
    return None


def _captured(inner: Function, view: View) -> tuple[str, bool] | None:
    """A session of the function around `inner` that `inner` uses."""
    outer = inner.parent
    if outer is None or inner.node is None:
        return None
    for node in s.walk(inner.node):
        if isinstance(node, s.Name) and _is_local(node.id, outer, inner):
            session = view.session(node, inner.scope)
            if session is not None:
                return node.id, session.by_name
    return None


def _is_local(name: str, outer: Function, inner: Function) -> bool:
    return not outer.is_module and name in outer.scope.names and name not in inner.scope.names


def _is_registry(value: s.Expr, found: Dispatch, view: View) -> bool:
    """Whether it is a `scoped_session`, which gives each thread a session of its own."""
    types = view.project.infer(value, found.call.scope)
    return any(getattr(item, "dotted", "").endswith("scoped_session") for item in types)


def _is_taken_over(found: Dispatch, view: View) -> bool:
    """Whether the function that runs there closes the session that it is given."""
    assert found.target is not None  # noqa: S101 - see the caller
    types = view.project.infer(found.target, found.call.scope)
    functions = [item.fn for item in types if isinstance(item, t.FunctionObject)]
    return any(
        view.analysis(Resources).parameter(fn, param.name) is Handover.CLOSE
        for fn in functions
        for param in fn.params
        if _holds_session(fn, param, view)
    )


def _holds_session(fn: Function, param: s.Parameter, view: View) -> bool:
    bindings = fn.scope.names.get(param.name, ())
    if not any(isinstance(binding, ParameterBinding) for binding in bindings):
        return False
    return view.session(s.Name(*param.span, param.name), fn.scope) is not None


def _confidence(found: Dispatch, function: Function, *, by_name: bool) -> Confidence:
    if by_name or function.module.is_test:
        return Confidence.LOW
    waits = any(_waits(call.node) for call in function.calls)
    may_wait = not found.is_later and not found.is_sent
    return Confidence.MEDIUM if waits and may_wait else Confidence.HIGH


def _waits(call: s.Call) -> bool:
    """Whether it waits for a thread, a future or a task; `", ".join(words)` does not."""
    name = last_name(call.func)
    return name in known.WAITS and (name != "join" or not call.args)
