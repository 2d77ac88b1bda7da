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
from migrate_async.knowledge.blocking import LOOP, SLEEP
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.finding import Confidence
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.reasons import at_call
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.hazards.hits import Hit, blocking_hits
from migrate_async.plan.hazards.loops import loop_hits
from migrate_async.plan.hazards.reach import Reach
from migrate_async.plan.loop_runs import awaitable_run, is_own_loop, is_server

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
        self._loops = Reach(project, loop_hits)

    def of(self, function: Function, coloured: Container[Function]) -> Iterator[Work]:
        """What `function` starts to run on the event loop once it is a coroutine.

        What is mostly brief counts only where it is written. `coloured` are awaited or bridged,
        and so not its own work.
        """
        if function.is_async or function.module.is_test:
            return
        loops = list(self._loop_work(function, coloured))
        yield from loops
        done = {work.site for work in loops}
        for hit in self._reach.hits(function):
            yield self._work(hit.site, hit, hit.text, hit.confidence)
        for site in self._not_awaited(function, coloured):
            way = self._reach.way(site) if site not in done else None
            if way is not None and not way.hit.is_brief:
                yield self._work(site, way.hit, way.chain, way.confidence)

    def impossible(self, function: Function, coloured: Container[Function]) -> Work | None:
        """What `function` could not do as a coroutine: it runs a loop, and no thread can."""
        if function.is_async or function.module.is_test or self._loops.of(function) is None:
            return None
        works = self._loop_work(function, coloured)
        return next((work for work in works if not work.cure), None)

    def runs_loop(self, function: Function) -> str:
        """The calls by which `function`, a sync one, runs an event loop; empty if it does not."""
        way = self._loops.of(function)
        return "" if way is None else way.chain

    def stuck_tests(self, colouring: Colouring) -> Iterator[tuple[Function, str]]:
        """Tests and fixtures that would run a loop on the one of the tests, and how they do."""
        for function in colouring.coloured:
            if function.is_async or not function.module.is_test:
                continue
            if not colouring.converts(function):
                chain = self.runs_loop(function)
            else:
                works = self._loop_work(function, colouring.coloured)
                chain = next((work.chain for work in works), "")
            if chain:
                yield function, chain

    def _loop_work(self, function: Function, coloured: Container[Function]) -> Iterator[Work]:
        """Event loops that it starts and that no `await` can take the place of."""
        for hit in self._loops.hits(function):
            if awaitable_run(self._project, hit.site) is None:
                yield self._loop(hit.site, hit, hit.text, coloured)
        for site in self._not_awaited(function, coloured):
            way = self._loops.way(site)
            if way is not None and awaitable_run(self._project, site) is None:
                yield self._loop(site, way.hit, way.chain, coloured)

    def _not_awaited(self, function: Function, coloured: Container[Function]) -> Iterator[CallSite]:
        for site in self._project.calls(function):
            if site.kind != "bridge" and not any(target in coloured for target in site.targets):
                yield site

    def _loop(self, site: CallSite, hit: Hit, chain: str, coloured: Container[Function]) -> Work:
        obstacle = self._place(site) or self._arguments(site) or self._loop_at(site, coloured)
        cure = "" if obstacle else "thread"
        return Work(site, hit, chain, cure, obstacle)

    def _loop_at(self, site: CallSite, coloured: Container[Function]) -> str:
        """Why another thread cannot run the loop."""
        if is_server(self._project, site):
            return "only the first thread of the program hears the signals that end it"
        inside = set(s.walk(site.node))
        for other in self._project.calls(site.function):
            if other.node in inside and any(target in coloured for target in other.targets):
                return "its coroutine works on the session of this event loop"
        if not site.targets and not is_own_loop(self._project, site):
            return "no other thread can take over its event loop"
        return ""

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
        if hit.site is site and hit.instead == LOOP.instead:
            return "the loop over it blocks, too"
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
        if any(self._is_bound_to_loop(value, site) for value in call.values):
            return "it is handed a session or an engine"
        return ""

    def _is_bound_to_loop(self, value: s.Expr, site: CallSite) -> bool:
        return (
            self._project.session_kind(value, site.scope) is not None
            or self._project.engine_or_connection(value, site.scope) is not None
        )


def runs_loop(work: Work) -> Reason:
    """Why the function that does `work` cannot become a coroutine."""
    text = f"it runs an event loop, `{work.chain}`, which a coroutine cannot: {work.obstacle}"
    return at_call(work.site, "runs-loop", text)


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
