"""What a function does itself that holds the thread: database operations and other slow calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrate_async.index.operations import operations_of
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.index.types import External, ExternalMethod, ExternalResult
from migrate_async.knowledge import blocking
from migrate_async.knowledge.blocking import Blocking
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence
from migrate_async.plan.colouring.touches import METADATA, touch_at
from migrate_async.plan.hazards.pools import pool_wait
from migrate_async.plan.text import text

_NO_IO = frozenset(
    {
        ("session", "begin"),
        ("session", "enable_relationship_loading"),
        ("connection", "begin"),
        ("engine", "begin"),
    }
)
"""What only prepares: the first statement after it is what talks to the database."""
_MAX_TEXT = 50


@dataclass(frozen=True)
class Hit:
    """`site` holds the thread; `text` is its source, `instead` what to use."""

    site: CallSite
    text: str
    confidence: Confidence
    instead: str = ""
    is_brief: bool = False
    """Mostly over in less than a millisecond."""

    @property
    def is_clean_up(self) -> bool:
        """Whether it ends what other operations began, so that those are the better example."""
        operation = self.site.operation
        return operation is not None and operation.name in ("close", "rollback", "dispose")


Finder = Callable[[Project, Function], Iterator[Hit]]


def database_hits(project: Project, function: Function) -> Iterator[Hit]:
    """Operations on sync sessions, queries, connections and engines."""
    for site in project.calls(function):
        if site.kind == "dependency" or not _is_sync_io(project, site):
            continue
        yield Hit(site, short(site.node), _certainty(project, site))


def _is_sync_io(project: Project, site: CallSite) -> bool:
    operation = site.operation
    if operation is not None and operation.owner == "query":
        return not operation.is_async and not site.awaited
    touch = touch_at(project, site)
    if touch is None or touch.kind == "block":
        return False  # what is done with the session in the block counts
    if operation is None:
        return touch.kind in METADATA
    return (operation.owner, operation.name) not in _NO_IO


def _certainty(project: Project, site: CallSite) -> Confidence:
    if site.heuristic:
        return Confidence.LOW
    node = site.node
    if not isinstance(node, s.Call) or site.operation is None:
        return Confidence.HIGH
    found = operations_of(project.infer(node.func, site.scope))
    is_mixed = any(operation.is_async for operation in found)
    return Confidence.MEDIUM if is_mixed else Confidence.HIGH


def blocking_hits(project: Project, function: Function) -> Iterator[Hit]:
    """Calls of the libraries that `knowledge.blocking` names."""
    for site in project.calls(function):
        if site.kind != "call" or site.awaited or site.targets or "annotation" in site.context:
            continue
        assert isinstance(site.node, s.Call)  # noqa: S101  sites of this kind are
        found = pool_wait(project, site.node, site) or _blocking(project, site.node, site)
        if found is not None and not _is_no_sleep(site.node):
            confidence = Confidence.MEDIUM if found.brief else Confidence.HIGH
            yield Hit(site, short(site.node), confidence, found.instead, found.brief)


def _blocking(project: Project, call: s.Call, site: CallSite) -> Blocking | None:
    """What the callee is, if everything that it can be blocks."""
    types = project.infer(call.func, site.scope)
    found = [_of_type(item) for item in types]
    if not types and isinstance(call.func, s.Attribute):
        made = project.infer(call.func.value, site.scope)
        names = [item.dotted for item in made if isinstance(item, ExternalResult)]
        if len(names) == len(made):
            found = [blocking.made_method(name, call.func.attr) for name in names]
    known = [item for item in found if item is not None]
    return known[0] if known and len(known) == len(found) else None


def _of_type(item: object) -> Blocking | None:
    if isinstance(item, External):
        return blocking.FUNCTIONS.get(item.dotted) or blocking.CONSTRUCTED.get(item.dotted)
    if isinstance(item, ExternalMethod):
        return blocking.method_of(item.owner, item.name)
    return None


def _is_no_sleep(call: s.Call) -> bool:
    """`time.sleep(0)` only lets other threads run."""
    if s.dotted_name(call.func).rpartition(".")[2] != "sleep" or not call.args:
        return False
    value = call.args[0]
    return isinstance(value, s.Constant) and value.value == 0


def short(node: s.Expr) -> str:
    """`node` as source on one line; the arguments are left out where that gets long."""
    whole = text(node)
    if len(whole) <= _MAX_TEXT or not isinstance(node, s.Call):
        return whole if len(whole) <= _MAX_TEXT else f"{whole[: _MAX_TEXT - 4]} ..."
    callee = text(node.func)
    return f"{callee}(...)" if len(callee) < _MAX_TEXT else f"... .{_last(node.func)}(...)"


def _last(func: s.Expr) -> str:
    return func.attr if isinstance(func, s.Attribute) else ""
