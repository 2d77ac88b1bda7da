"""What those share who have code that stays sync live on beside what becomes async."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.plan.both_worlds.dependencies import Dependencies
from migrate_async.plan.both_worlds.needs import Needs
from migrate_async.plan.both_worlds.offers import Offers
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.givers import Givers


@dataclass(frozen=True)
class BothWorlds:
    """Who gives sessions in each, and what kept code `needs`, and is offered, of the other."""

    around: Surroundings
    colouring: Colouring
    becomes_async: Callable[[Variable], bool]
    givers: Givers
    dependencies: Dependencies
    needs: Needs
    offers: Offers

    @property
    def project(self) -> Project:
        return self.around.project

    def is_async(self, function: Function) -> bool:
        """Whether `function` is a coroutine function after this run."""
        return function.is_async or self.colouring.converts(function)
