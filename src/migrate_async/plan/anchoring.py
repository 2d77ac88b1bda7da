"""The step that changes colour, where some sources of sessions stay sync."""

from __future__ import annotations

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.model import plan as p
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.async_step import AsyncStep, Grounds
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.both_worlds.unmoved import Unmoved
from migrate_async.plan.queries import Queries


def anchored_step(
    project: Project, step: p.Step, settings: Settings, selection: Selection, queries: Queries
) -> tuple[AsyncStep, list[Diagnostic]]:
    """The step for `selection`, and what is said of the sources that stay sync.

    Which do is asked of the migration of everything, so that it does not depend on the order of
    the runs.
    """
    anchored, messages = Unmoved(project).takers()
    blocking: dict[Function, Variable] = {}
    readers: dict[Function, p.Reason] = {}
    loading: dict[Function, p.Reason] = {}
    grounds = Grounds(Surroundings(project, settings), step, queries)
    while True:
        around = Surroundings(
            project, settings, dict(anchored), dict(blocking), dict(readers), dict(loading)
        )
        whole = AsyncStep(around, EVERYTHING, grounds)
        found = whole.anchors()
        more = {f: reason for f, reason in found.functions.items() if f not in anchored}
        anchored |= more
        blocking |= found.blocking
        messages += found.messages
        reading = {} if more else whole.readers()
        readers |= reading
        kept = {} if more or reading else whole.loading()
        loading |= kept
        if not more and not reading and not kept:
            break
    if selection.is_everything:
        return whole, messages
    return AsyncStep(around, selection, grounds, whole), messages
