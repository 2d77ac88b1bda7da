"""Which functions hold the thread, and through which calls: shared by the rules about it."""

from __future__ import annotations

from migrate_async.index.scopes import Function
from migrate_async.lint.migration import queries
from migrate_async.lint.view import View
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.hazards.hits import blocking_hits, database_hits
from migrate_async.plan.hazards.reach import Reach
from migrate_async.plan.recolouring.blocking import BlockingWork


class DatabaseReach(Reach):
    """Operations on sync database objects, and the calls that lead to them."""

    def __init__(self, view: View) -> None:
        super().__init__(view.project, database_hits)

    def uses(self, function: Function) -> bool:
        """Whether `function` works on sync database objects, itself or through calls."""
        if self.hits(function):
            return True
        return any(self.way(site) is not None for site in self._project.calls(function))


class BlockingReach(Reach):
    """Other calls that block, and the calls that lead to them."""

    def __init__(self, view: View) -> None:
        super().__init__(view.project, blocking_hits)


def blocking_work(view: View) -> BlockingWork:
    """What blocks in functions that `migrate` makes coroutines."""
    project = view.project
    touches = Touches(project, view.analysis(queries))
    return BlockingWork(project, project.settings, touches, view.analysis(BlockingReach))
