"""A transaction that stays open while the code waits for somebody else."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.lint.flow.graph import Graph, Step, StepKind
from migrate_async.lint.flow.graphs import Graphs
from migrate_async.lint.flow.solve import Outcome, solve
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.transactions.deeds import ENDINGS, Act, Deed, Deeds
from migrate_async.lint.transactions.holders import Holder, Holders
from migrate_async.lint.transactions.waits import Waits
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

_OPENS = (Act.READ, Act.WRITE, Act.FLUSH)
_EVALUATING = frozenset({StepKind.RUN, StepKind.TEST, StepKind.ENTER})

Fact = Deed | None


class TransactionOpenWhileWaiting(Rule):
    """A transaction is open while the code waits for a service, a process or a timer.

    ## Why

    From its first statement on a session holds a connection, and its transaction holds locks.
    When the other side is slow, every request that waits for it keeps both: the pool runs dry
    because of a service that has nothing to do with the database.

    ## Fix

    Wait first and open the session afterwards; or `commit()` before waiting, after reading what
    is needed.

    ## False alarms

    Only calls that are known to leave the process count. A wait inside another function of the
    project gives medium confidence.
    """

    CODE = "MA614"
    CONSEQUENCE = "when the other side is slow, waiting requests hold all connections of the pool"
    REMEDY = "call it before the session is used, or commit first"
    EXAMPLES = (
        Example(
            "a request to a service between statement and commit",
            """\
import requests
from sqlalchemy.orm import Session


def pay(db: Session, order_id):
    order = db.get(object, order_id)
    order.receipt = requests.post("https://pay.example/charge").json()  # error
    db.commit()
""",
        ),
        Example(
            "an await on a slow service",
            """\
import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def pay(db: AsyncSession):
    await db.execute(text("SELECT 1 FROM orders FOR UPDATE"))
    async with httpx.AsyncClient() as client:
        await client.post("https://pay.example/charge")  # error
    await db.commit()
""",
        ),
        Example(
            "a function of the project waits",
            """\
import time

from sqlalchemy.orm import Session


def calm_down():
    time.sleep(5)


def work(db: Session):
    db.get(object, 1)
    calm_down()  # error: medium
    db.commit()
""",
        ),
        Example(
            "the transaction is over before",
            """\
import requests
from sqlalchemy.orm import Session


def pay(db: Session, order_id):
    order = db.get(object, order_id)
    db.commit()
    receipt = requests.post("https://pay.example/charge").json()
    order.receipt = receipt
    db.commit()
""",
        ),
        Example(
            "the session is used afterwards only",
            """\
import requests
from sqlalchemy.orm import Session


def pay(db: Session, order):
    receipt = requests.post("https://pay.example/charge").json()
    db.add(receipt)
    db.commit()
""",
        ),
        Example(
            "closed by its block before",
            """\
import time

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def poll():
    while True:
        with SessionLocal() as db:
            job = db.get(object, 1)
        time.sleep(job.pause)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        waits = Waits(view.project)
        for function in view.functions:
            if function.module.is_test or function.is_module:
                continue
            held = view.analysis(Holders).of(function)
            found = _waits_of(function, waits) if held else {}
            graph = view.analysis(Graphs).of(function) if found else None
            if graph is not None:
                for holder in held:
                    yield from self._of_holder(holder, function, graph, view, found)

    def _of_holder(
        self,
        holder: Holder,
        function: Function,
        graph: Graph,
        view: View,
        waits: dict[s.Call, tuple[str, bool]],
    ) -> Iterator[Finding]:
        search = _Search(holder, view, waits)
        solve(graph, None, search.transfer)
        for call, deed in search.found.items():
            name, is_here = waits[call]
            is_certain = is_here and deed.act is not Act.GIVE
            confidence = Confidence.HIGH if is_certain else Confidence.MEDIUM
            begun = deed.node if isinstance(deed.node, s.Node) else call
            yield self.finding(
                call,
                function,
                f"the transaction of `{holder.name}` is open while `{name}` is waited for",
                confidence=Confidence.LOW if holder.by_name else confidence,
                related=[place(begun, function, "the transaction begins here")],
            )


def _waits_of(function: Function, waits: Waits) -> dict[s.Call, tuple[str, bool]]:
    """The calls that wait, with what for, and whether they do so themselves."""
    found = {call.node: waits.of_call(call.node, call.scope) for call in function.calls}
    return {node: what for node, what in found.items() if what[0]}


class _Search:
    """Follows one session; the fact is the statement that began its transaction."""

    def __init__(self, holder: Holder, view: View, waits: dict[s.Call, tuple[str, bool]]) -> None:
        self._name = holder.name
        self._view = view
        self._waits = waits
        self.found: dict[s.Call, Deed] = {}

    def transfer(self, step: Step, fact: Fact) -> Outcome[Fact]:
        node = step.node
        if step.kind is StepKind.LEAVE and isinstance(node, s.WithItem):
            return Outcome([None], [None]) if self._ends(node) else Outcome([fact], [fact])
        if step.kind not in _EVALUATING or node is None:
            return Outcome([fact], [fact])
        before = fact
        deeds = self._view.analysis(Deeds).of_step(step, self._name)
        for deed in deeds:
            if deed.does(*ENDINGS) and deed.act is not Act.ESCAPE:
                fact = None
            elif fact is None and deed.surely(*_OPENS):
                fact = deed
        if before is not None:
            self._look(node, deeds, before)
        return Outcome([fact], [fact if before is not None else None])

    def _look(self, node: s.AnyNode, deeds: tuple[Deed, ...], open_: Deed) -> None:
        """Note what `node` waits for; not what commits first in a function that it calls."""
        evaluated = node.context if isinstance(node, s.WithItem) else node
        ended = {deed.node for deed in deeds if deed.does(*ENDINGS)}
        for found in s.own_code(evaluated):
            if isinstance(found, s.Call) and found in self._waits and found not in ended:
                self.found.setdefault(found, open_)

    def _ends(self, item: s.WithItem) -> bool:
        """`with SessionLocal() as db`, `with db` and `with db.begin()` end it."""
        target = item.target.id if isinstance(item.target, s.Name) else ""
        deeds = self._view.analysis(Deeds).of_node(item.context, self._name)
        return target == self._name or any(deed.act in (Act.ENTER, Act.BEGIN) for deed in deeds)
