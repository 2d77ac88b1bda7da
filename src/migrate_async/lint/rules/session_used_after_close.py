"""A session that is used after it was closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, last_name
from migrate_async.knowledge.transactions import CLOSES
from migrate_async.lint.flow.graph import Graph, Step, StepKind
from migrate_async.lint.flow.graphs import Graphs
from migrate_async.lint.flow.solve import Outcome, solve
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.transactions.deeds import Act, Deeds
from migrate_async.lint.transactions.holders import Holder, Holders, entered_directly
from migrate_async.lint.transactions.steps import rebinds
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan import blocks

_USES = frozenset({Act.READ, Act.WRITE, Act.STAGE, Act.FLUSH, Act.GIVE})
_STREAMS = frozenset({"StreamingResponse", "EventSourceResponse", "stream_with_context"})


class State(NamedTuple):
    """`kind`: `closed`, `reopened` (used after that) or `returned` (a lazy value was).

    `closed` closed the session, `used` uses it afterwards.
    """

    kind: str
    closed: s.AnyNode | None = None
    used: s.AnyNode | None = None


Fact = State | None


class SessionUsedAfterClose(Rule):
    """A session is used after its `with` block or after `close()`.

    ## Why

    A closed session raises nothing: it takes a connection again and begins a new transaction,
    which nobody ends. Objects loaded before are detached, so their lazy attributes fail. The same
    happens when a query, a generator or a streaming response is returned out of the block: it
    runs when the session is closed.

    ## Fix

    Move the use into the block, or open another session. Return lists (`.all()`), not queries.

    ## False alarms

    Closing a session to give its connection back, and using it again before a second `close()`,
    is allowed: such findings have low confidence. So have those where the caller owns the session
    and closes it, and medium those where a context manager of the project may leave it open.
    """

    CODE = "MA613"
    CONSEQUENCE = "the session reopens silently, with a connection and transaction nobody ends"
    REMEDY = "use it inside of the block; return a list instead of a query or a generator"
    EXAMPLES = (
        Example(
            "used after its block",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def rename(user_id, name):
    with SessionLocal() as db:
        user = db.get(object, user_id)
    user.name = name
    db.add(user)  # error
    db.commit()
""",
        ),
        Example(
            "used after close",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def count():
    db = SessionLocal()
    try:
        users = db.query("users").count()
    finally:
        db.close()
    return users + db.query("admins").count()  # error
""",
        ),
        Example(
            "a query is returned out of the block",
            """\
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def users():
    with SessionLocal() as db:
        return db.query("users").order_by("name")  # error


def names():
    db = SessionLocal()
    try:
        return (user.name for user in db.query("users"))  # error
    finally:
        db.close()


def lines(db):
    yield from db.query("lines")


def export():
    with SessionLocal() as db:
        return StreamingResponse(lines(db))  # error
""",
        ),
        Example(
            "the connection is given back for a while",
            """\
import time

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def work():
    db = SessionLocal()
    try:
        job = db.get(object, 1)
        db.close()
        time.sleep(5)
        db.add(job)  # error: low
        db.commit()
    finally:
        db.close()
""",
        ),
        Example(
            "each block has a session of its own",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def work(items):
    for item in items:
        db = SessionLocal()
        db.add(item)
        db.commit()
        db.close()
    with SessionLocal() as db:
        return db.query("users").all()
""",
        ),
        Example(
            "a list leaves the block",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def users():
    with SessionLocal() as db:
        query = db.query("users").order_by("name")
        return [user.name for user in query]
""",
        ),
        Example(
            "only one of the ways closes it",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def users():
    db = SessionLocal()
    try:
        return db.query("users").all()
    except Exception:
        db.close()
        raise
    finally:
        db.close()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            holders = view.analysis(Holders).of(function)
            held = [h for h in holders if "." not in h.name and not h.is_registry]
            graph = view.analysis(Graphs).of(function) if held and _may_close(function) else None
            if graph is not None:
                for holder in held:
                    yield from self._of_holder(holder, function, graph, view)

    def _of_holder(
        self, holder: Holder, function: Function, graph: Graph, view: View
    ) -> Iterator[Finding]:
        search = _Search(holder, view)
        solution = solve(graph, None, search.transfer)
        ends = {*solution.facts(graph.exit), *solution.facts(graph.abort)}
        left = {state.used for state in ends if state is not None and state.kind == "reopened"}
        is_sure = entered_directly(holder, view.project)
        is_vague = holder.by_name or holder.is_parameter or function.module.is_test
        for used, (state, message) in search.found.items():
            if not isinstance(used, s.Node):
                continue
            confidence = Confidence.HIGH if is_sure else Confidence.MEDIUM
            is_ended = state.kind == "closed" and used not in left
            if is_ended or is_vague:
                confidence = Confidence.LOW
            elif state.kind == "closed" and search.is_given(used):
                confidence = Confidence.MEDIUM
            closed = state.closed if isinstance(state.closed, s.Node) else None
            yield self.finding(
                used,
                function,
                message,
                confidence=confidence,
                related=[place(closed, function, "it is closed here")] if closed else [],
            )


class _Search:
    """Follows one session; `found` are the uses of it after it was closed."""

    def __init__(self, holder: Holder, view: View) -> None:
        self._name = holder.name
        self._scope = holder.scope
        self._view = view
        self._given: set[s.AnyNode] = set()
        self.found: dict[s.AnyNode, tuple[State, str]] = {}

    def is_given(self, node: s.AnyNode) -> bool:
        """Whether the use is a call of a function that gets the session."""
        return node in self._given

    def transfer(self, step: Step, fact: Fact) -> Outcome[Fact]:
        if step.kind is StepKind.LEAVE and isinstance(step.node, s.WithItem):
            left = self._left(step.node, fact)
            return Outcome([left], [left])
        before = fact
        for deed in self._view.analysis(Deeds).of_step(step, self._name):
            if deed.act is Act.CLOSE:
                self._returned(fact, deed.node)
                fact = State("closed", deed.node)
            elif deed.act is Act.ENTER:
                fact = None
            elif fact is not None and fact.kind == "closed" and deed.act in _USES:
                fact = self._used(fact, deed.node, is_given=deed.act is Act.GIVE)
        if rebinds(step, self._name):
            fact = None
        if step.kind is StepKind.RUN and isinstance(step.node, s.Return) and fact is None:
            value = step.node.value
            if value is not None and _is_lazy(value, self._name, self._view.project):
                fact = State("returned", None, value)
        raised = before if before is None or before.kind != "returned" else None
        return Outcome([fact], [fact if fact and fact.kind == "closed" else raised])

    def _left(self, item: s.WithItem, fact: Fact) -> Fact:
        """After the end of `with SessionLocal() as db`, `with db` or `closing(db)`."""
        is_target = isinstance(item.target, s.Name) and item.target.id == self._name
        is_closing = last_name(item.context) in ("closing", "aclosing")
        deeds = self._view.analysis(Deeds).of_node(item.context, self._name)
        is_entered = any(
            deed.act is Act.ENTER or (deed.act is Act.GIVE and is_closing) for deed in deeds
        )
        if not is_target and not is_entered:
            return fact
        self._returned(fact, item.context)
        return State("closed", item.context)

    def _used(self, state: State, node: s.AnyNode, *, is_given: bool) -> State:
        if is_given:
            self._given.add(node)
        message = f"`{self._name}` is used here after it was closed"
        self.found.setdefault(node, (state, message))
        return State("reopened", state.closed, node)

    def _returned(self, fact: Fact, closed: s.AnyNode) -> None:
        if fact is None or fact.kind != "returned" or fact.used is None:
            return
        message = f"what is returned here runs on `{self._name}` after it was closed"
        self.found.setdefault(fact.used, (State("returned", closed), message))


def _is_lazy(value: s.Expr, name: str, project: Project) -> bool:
    """Whether `value` runs statements on the session `name` when its receiver iterates over it."""
    if isinstance(value, s.Comprehension):
        is_generator = value.kind == "generator"
        return is_generator and blocks.mentions(value, name) and not _runs_first(value, name)
    if not isinstance(value, s.Call | s.Name):
        return False
    scope = project.scope_of(value)
    if isinstance(value, s.Call) and last_name(value.func) in _STREAMS:
        return any(_is_generator_call(arg, name, project) for arg in value.args[:1])
    types = project.infer(value, scope)
    is_query = bool(types) and all(isinstance(item, t.QueryOf) for item in types)
    return is_query and (isinstance(value, s.Name) or blocks.mentions(value, name))


def _runs_first(value: s.Comprehension, name: str) -> bool:
    """Whether the only statement is in the first iterable, and gives a list at once."""
    first = value.generators[0].iter
    inner = [*value.elements, *value.generators[1:]]
    is_list = isinstance(first, s.Call) and last_name(first.func) in ("all", "list", "fetchall")
    return is_list and not any(blocks.mentions(node, name) for node in inner)


def _is_generator_call(expr: s.Expr, name: str, project: Project) -> bool:
    if not isinstance(expr, s.Call) or not blocks.mentions(expr, name):
        return isinstance(expr, s.Comprehension) and blocks.mentions(expr, name)
    types = project.infer(expr.func, project.scope_of(expr))
    functions = [item.fn for item in types if isinstance(item, t.FunctionObject)]
    return bool(functions) and all(fn.is_generator for fn in functions)


def _may_close(function: Function) -> bool:
    """Whether it calls a closing method or has a `with` block."""
    if not isinstance(function.node, s.FunctionDef):
        return False
    closes = any(call.name in CLOSES for call in function.calls)
    return closes or any(implicit.method == "__enter__" for implicit in function.implicit)
