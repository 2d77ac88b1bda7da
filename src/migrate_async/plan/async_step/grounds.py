"""What the verdicts of a run rest on, whoever converts: it is found once for all its rounds."""

from __future__ import annotations

from functools import cached_property

from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.both_worlds.unmoved import Unmoved
from migrate_async.plan.colouring.bounds import Ties
from migrate_async.plan.colouring.obstacles import Obstacles
from migrate_async.plan.colouring.responses import Responses
from migrate_async.plan.colouring.sharing import SharedSessions
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.loads.accesses import Accesses, reading_coroutines
from migrate_async.plan.loads.reading_methods import reading_methods
from migrate_async.plan.makers import Makers
from migrate_async.plan.queries import Queries
from migrate_async.plan.recolouring.blocking import BlockingWork
from migrate_async.plan.transactions.effects import Effects


class Grounds:
    """Answers for one project, its `queries` and one step; `around` may be that of any round.

    Nothing here may depend on which sources of sessions stay sync.
    """

    def __init__(self, around: Surroundings, step: p.Step, queries: Queries) -> None:
        self._project = project = around.project
        self.step = step
        self.queries = queries
        self.touches = Touches(project, queries.sync, around.twins.scopes)
        self.blocking = BlockingWork(project, around.settings, self.touches)
        self.shared = SharedSessions(project)
        self.ties = Ties.of(project)
        self.accesses = project.shared(Accesses)
        self.unmoved = Unmoved(project)
        self.effects = Effects(project)
        self.makers = project.shared(Makers)
        responses = Responses(project, self.touches)
        self.obstacles = Obstacles(project, self.touches, responses, self.shared, step)

    @cached_property
    def reading(self) -> dict[Function, p.Reason]:
        """Functions that become coroutines because they load what they read."""
        holds = self.shared.holders.holds
        return {
            **dict(reading_coroutines(self._project, self.accesses)),
            **dict(reading_methods(self._project, self.accesses, holds)),
        }
