"""What a function that becomes a coroutine would now run on the event loop.

FastAPI runs a plain route in a worker thread, where `requests.get(url)` disturbs nobody. In a
coroutine the same call goes back to such a thread, `await run_in_threadpool(requests.get, url)`,
where that is surely equivalent; elsewhere it is left and reported.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.blocking import SLEEP
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.finding import Confidence
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.hazards.hits import Hit, blocking_hits
from migrate_async.plan.hazards.reach import Reach
from migrate_async.plan.paths import is_test_path

BLOCKS = "MA420"

_NO_AWAIT = ("generator", "default", "decorator", "annotation")
_FUNC = "func"
"""The parameter of `run_in_threadpool`, which the call must not have as a keyword."""


@dataclass(frozen=True)
class Work:
    """A call that blocks, itself or through the calls of `chain`.

    `cure` is `sleep` (there is `asyncio.sleep`), `thread`, or empty; then `obstacle` says why.
    """

    site: CallSite
    hit: Hit
    chain: str
    cure: str = ""
    obstacle: str = ""


class BlockingWork:
    """Finds the blocking work of functions, and what can be done about it."""

    def __init__(
        self, project: Project, settings: Settings, touches: Touches, reach: Reach | None = None
    ) -> None:
        self._project = project
        self._wraps = settings.blocking == "wrap"
        self._touches = touches
        self._reach = reach or Reach(project, blocking_hits)

    def of(self, function: Function, coloured: Container[Function]) -> Iterator[Work]:
        """What `function` starts to run on the event loop once it is a coroutine.

        What is mostly brief counts only where it is written. `coloured` are awaited or bridged,
        and so not its own work.
        """
        if function.is_async or is_test_path(function.module.path):
            return
        for hit in self._reach.hits(function):
            yield self._work(hit.site, hit, hit.text, hit.confidence)
        for site in self._project.calls(function):
            if site.kind == "bridge" or any(target in coloured for target in site.targets):
                continue
            way = self._reach.way(site)
            if way is not None and not way.hit.is_brief:
                yield self._work(site, way.hit, way.chain, way.confidence)

    def bridged(self, site: CallSite) -> Work | None:
        """What a helper that `site` calls through `run_sync` does on the event loop."""
        way = self._reach.way(site)
        if way is None or way.hit.is_brief:
            return None
        return Work(site, way.hit, way.chain, obstacle="a bridge runs it on the event loop")

    def _work(self, site: CallSite, hit: Hit, chain: str, confidence: Confidence) -> Work:
        obstacle = self._obstacle(site, hit, confidence)
        if obstacle:
            return Work(site, hit, chain, obstacle=obstacle)
        is_sleep = hit.site is site and hit.instead == SLEEP.instead
        return Work(site, hit, chain, cure="sleep" if is_sleep else "thread")

    def _obstacle(self, site: CallSite, hit: Hit, confidence: Confidence) -> str:
        """Why the call stays where it is; empty if a thread surely makes no difference."""
        if hit.is_brief:
            return "it is mostly over before a thread has started"
        if not self._wraps:
            return 'the setting `blocking` is "report"'
        if confidence is not Confidence.HIGH:
            return "what it calls is not certain"
        return self._place(site) or self._arguments(site)

    def _place(self, site: CallSite) -> str:
        """Why the call cannot be awaited where it stands."""
        if any(context in site.context for context in _NO_AWAIT) or site.kind != "call":
            return "nothing can be awaited here"
        if self._touches.is_in_f_string(site.node, site.function):
            return "it stands in an f-string that cannot be rewritten"
        if isinstance(self._project.parent(site.node), s.WithItem):
            return "the block that it opens blocks, too"
        return ""

    def _arguments(self, site: CallSite) -> str:
        """Why the call cannot be handed to another thread."""
        call = site.node
        assert isinstance(call, s.Call)  # noqa: S101  sites of this kind are
        if any(keyword.arg == _FUNC for keyword in call.keywords):
            return f"it has an argument called `{_FUNC}`"
        values = (*call.args, *(keyword.value for keyword in call.keywords))
        if any(self._is_bound_to_loop(value, site) for value in values):
            return "it is handed a session or an engine"
        return ""

    def _is_bound_to_loop(self, value: s.Expr, site: CallSite) -> bool:
        return (
            self._project.session_kind(value, site.scope) is not None
            or self._project.engine_or_connection(value, site.scope) is not None
        )


def report(work: Work, function: Function) -> Diagnostic:
    """The message about work that stays on the event loop."""
    calls = f"`{work.chain}`" if work.hit.site is work.site else f"through `{work.chain}` it"
    return Diagnostic(
        path=function.module.path,
        line=work.site.node.line,
        column=work.site.node.col,
        code=BLOCKS,
        message=f"{function.qualname} becomes a coroutine, and {calls} blocks the event loop: "
        f"{work.obstacle}",
        next_step=f"use {work.hit.instead}",
        severity=(Severity.NOTE if work.hit.is_brief else Severity.WARNING).value,
    )
