"""What a function does itself that runs an event loop, which a coroutine cannot."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model.finding import Confidence
from migrate_async.plan.hazards.hits import Hit, short
from migrate_async.plan.loop_runs import runs_loop


def loop_hits(project: Project, function: Function) -> Iterator[Hit]:
    """Calls that run a coroutine to its end on an event loop of their own, or wait for another."""
    for site in project.calls(function):
        if runs_loop(project, site):
            yield Hit(site, short(site.node), Confidence.HIGH, "`await` of the coroutine")
