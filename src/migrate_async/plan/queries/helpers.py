"""Functions that take or give queries: may they change, and which need a session as well?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.knowledge import query_refusals as why
from migrate_async.knowledge.query_api import MEMBERS
from migrate_async.model import syntax as s
from migrate_async.plan.queries.ledger import Handed, Ledger, refused
from migrate_async.plan.queries.network import Network
from migrate_async.plan.text import text

_KNOWN_TAKERS = ("decorator:fastapi.", "decorator:starlette.", "decorator:pytest")
"""These hand on what they get to code of the project, or answer with it."""


def check_helpers(network: Network, ledger: Ledger) -> None:
    """Refuse the queries of functions whose callers cannot all be seen."""
    for function in network.visited:
        if network.returned(function) is not None:
            _check_uses(network, ledger, function, ("return", function))
    taken = {(handed.target, handed.param) for handed in ledger.handed}
    for function in network.visited:
        for param, _ in network.parameters(function):
            origin = "param", function, param
            _check_uses(network, ledger, function, origin)
            if (function, param) in taken:
                _check_callers(network, ledger, function, param)


def _check_uses(
    network: Network, ledger: Ledger, function: Function, origin: tuple[object, ...]
) -> None:
    project = network.project.project
    where = ""
    for use in project.value_uses(function):
        if use.kind != "base" and project.bridged(project.parent(use.node)) is None:
            where = f"`{function.name}` is used as a value"
    is_method = function.cls is not None and function.name not in MEMBERS
    if is_method and function.name in network.unresolved:
        where = f"`.{function.name}()` is called on something unknown"
    if _is_taken(project, function):
        where = f"the decorator of `{function.name}` gives it to others"
    if where and function.node is not None:
        problem = refused(why.ESCAPES, function, function.node, where=where)
        ledger.refuse({origin}, problem)


def _is_taken(project: Project, function: Function) -> bool:
    """Whether a decorator of another package gives `function` to callers that nobody sees."""
    notes = (note for note in function.soft if note.startswith("decorator:"))
    is_foreign = any(not note.startswith(_KNOWN_TAKERS) for note in notes)
    return is_foreign and not function.is_route and not project.callers(function)


def _check_callers(network: Network, ledger: Ledger, function: Function, param: str) -> None:
    """Do all callers hand a query to `param`?"""
    known = {handed.node for handed in ledger.handed if handed.target is function}
    for site in network.project.project.callers(function):
        if site.node in known or not isinstance(site.node, s.Call):
            continue
        for target in network.project.targets(site.node):
            if target.function is function and param in target.arguments:
                where = f"`{function.name}` also gets something else as `{param}`"
                problem = refused(why.ESCAPES, site.function, site.node, where=where)
                ledger.refuse({("param", function, param)}, problem)


class SessionThreading:
    """Hands the session on to functions that run a query they were given without one."""

    def __init__(self, network: Network, ledger: Ledger) -> None:
        self._network = network
        self._ledger = ledger
        self.needing: dict[Function, str] = {}
        """Functions with the name of their new parameter."""

    def need(self, function: Function, name: str) -> None:
        """`function` needs a parameter `name`, and so may those of its callers without a session.

        A call that has no session to hand on leaves its query.
        """
        if function in self.needing:
            return
        self.needing[function] = name
        handed = [item for item in self._ledger.handed if item.target is function]
        self._check_other_calls(function, handed)
        for item in handed:
            ref = item.state.session
            if ref is None or ref.is_owner:
                problem = refused(why.NO_SESSION, item.function, item.node)
                self._ledger.refuse({("param", function, item.param)}, problem)
            elif ref.new_for:
                self.need(ref.function, ref.text)

    def _check_other_calls(self, function: Function, handed: Iterable[Handed]) -> None:
        known = {item.node for item in handed}
        params = {item.param for item in handed}
        for site in self._network.project.project.callers(function):
            if site.node not in known:
                problem = refused(why.NO_SESSION, site.function, site.node)
                self._ledger.refuse((("param", function, param) for param in params), problem)

    def arguments(self) -> Iterator[tuple[Function, s.Call, str]]:
        """`(caller, call, code of the argument to add)`."""
        seen: set[s.Call] = set()
        for item in self._ledger.handed:
            name = self.needing.get(item.target)
            if name is None or item.state.session is None or item.node in seen:
                continue
            seen.add(item.node)
            yield item.function, item.node, f"{name}={item.state.session.text}"


def describe(node: s.Expr, limit: int = 120) -> str:
    """`node` on one line, cut after `limit` characters."""
    written = text(node)
    return written if len(written) <= limit else f"{written[: limit - 3]}..."
