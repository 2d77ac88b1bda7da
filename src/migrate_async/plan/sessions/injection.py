"""Give each converted function its session: injected, or in an `async with` block.

A route or dependency takes the session as a parameter; the `close()`, the `try`/`finally` and the
handlers that only roll back go, because the dependency closes the session. Any other function
opens it with `async with`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan.sessions.acquisitions import Acquisition
from migrate_async.plan.sessions.changes import SessionChanges, SessionPlan
from migrate_async.plan.sessions.injecting import inject
from migrate_async.plan.sessions.opening import make_session, open_session
from migrate_async.plan.sessions.provider import Provider
from migrate_async.plan.sessions.requests import shares_request
from migrate_async.plan.sessions.sources import is_like, provider_of


def plan_sessions(  # noqa: PLR0913, PLR0917 - the function, and all that is known of sessions
    project: Project,
    provider: Provider,
    function: Function,
    acquisitions: Collection[Acquisition],
    expires_late: Callable[[], bool],
    converts: Callable[[Function], bool],
) -> SessionPlan:
    """How `function` gets its sessions, the `acquisitions`, once it is converted.

    `converts` tells the dependencies that become async. With `expires_late`, those that it makes
    without a factory expire their objects when a query meets them after a commit.
    """
    providers = {provider_of(project, provider, found, converts) for found in acquisitions}
    provider = providers.pop() if len(providers) == 1 else provider
    changes = _changes_of(project, provider, function, acquisitions, expires_late)
    if changes is None:
        return SessionPlan()
    named = [found for found in acquisitions if found.name and found.statement is not None]
    single = len(named) == len(acquisitions) == 1 and is_like(
        project, provider, function.module, named[0]
    )
    may_share = single and is_injectable(project, provider, function)
    if may_share and not shares_request(project, function) and inject(changes, named[0]):
        return changes.result(len(acquisitions))
    for found in acquisitions:
        open_session(changes, found)
    return changes.result(len(acquisitions))


def plan_given(
    project: Project,
    provider: Provider,
    function: Function,
    acquisitions: Collection[Acquisition],
    expires_late: Callable[[], bool],
) -> SessionPlan:
    """The sessions that `function`, which is no coroutine, makes without a factory to give out."""
    changes = _changes_of(project, provider, function, acquisitions, expires_late)
    if changes is None:
        return SessionPlan()
    for found in acquisitions:
        make_session(changes, found)
    return changes.result(len(acquisitions))


def _changes_of(
    project: Project,
    provider: Provider,
    function: Function,
    acquisitions: Collection[Acquisition],
    expires_late: Callable[[], bool],
) -> SessionChanges | None:
    """What collects the changes of `function`; None if there is nothing to change."""
    node = function.node
    if not acquisitions or not isinstance(node, s.FunctionDef):
        return None
    return SessionChanges(project, provider, function, node, expires_late)


def is_injectable(project: Project, provider: Provider, function: Function) -> bool:
    """Whether FastAPI calls `function`, so that it can hand it a session."""
    if function.is_generator or not provider.get_db or not provider.suits_all:
        return False
    if function.is_route:
        return True
    uses = project.value_uses(function)
    return bool(uses) and all(use.is_injected for use in uses)
