"""What the planners of the async step know about a project besides its functions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.plan.aliases import Alias, find_aliases
from migrate_async.plan.leftovers.twins import Twins
from migrate_async.plan.sessions.provider import Provider, find_provider


@dataclass(eq=False)
class Surroundings:
    """Where sessions come from, and what earlier runs left for code that stays sync."""

    project: Project
    settings: Settings

    @cached_property
    def twins(self) -> Twins:
        return Twins(self.project)

    @cached_property
    def provider(self) -> Provider:
        return find_provider(self.project, self.settings, self.twins)

    @cached_property
    def aliases(self) -> tuple[Alias, ...]:
        return find_aliases(self.project)
