"""Sessions that a coroutine opens for what stays sync: `note(SessionLocal(), user)`.

Nothing else uses them: they come from the sync side, as those that such code opens for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan.sessions.acquisitions import Acquisition, find_acquisitions


def given_sessions(
    project: Project, settings: Settings, function: Function, runs_apart: Callable[[Function], bool]
) -> tuple[Acquisition, ...]:
    """Those in `function` that stand in calls of what `runs_apart`, in a thread."""
    sites = (*project.calls(function), *project.bridges(function))
    calls = [site.node for site in sites if any(map(runs_apart, site.targets))]
    return _inside(project, settings, function, calls)


def bridged_sessions(
    project: Project, settings: Settings, function: Function
) -> tuple[Acquisition, ...]:
    """Those that an earlier run left in bridges of `function`."""
    calls = [site.node for site in project.bridges(function)]
    return _inside(project, settings, function, calls)


def _inside(
    project: Project, settings: Settings, function: Function, calls: Iterable[s.AnyNode]
) -> tuple[Acquisition, ...]:
    values = {value for call in calls if isinstance(call, s.Call) for value in call.values}
    if not any(isinstance(value, s.Call) for value in values):
        return ()
    return tuple(
        found
        for found in find_acquisitions(project, settings, function)
        if found.call in values and found.kind != "resolver"
    )
