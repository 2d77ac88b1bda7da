"""What those share who have code that stays sync live on beside what becomes async."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.dependencies import Dependencies
from migrate_async.plan.both_worlds.needs import Needs
from migrate_async.plan.both_worlds.offers import Offers
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.verdicts import Verdicts
from migrate_async.plan.givers import Givers
from migrate_async.plan.names import names_in


@dataclass(frozen=True)
class BothWorlds:
    """Who gives sessions in each, and what kept code `needs`, and is offered, of the other."""

    around: Surroundings
    verdicts: Verdicts
    becomes_async: Callable[[Variable], bool]
    givers: Givers
    dependencies: Dependencies
    needs: Needs
    offers: Offers

    @property
    def project(self) -> Project:
        return self.around.project

    @property
    def colouring(self) -> Colouring:
        return self.verdicts.colouring

    def unneeded(self, function: Function, node: s.AnyNode) -> Iterator[str]:
        """The imported name by which `function` had `node`, which it does without now.

        A later run may want it again, from where it was: only its import tells which of several
        modules that have the name.
        """
        if not isinstance(node, s.Name | s.Attribute):
            return
        name = s.dotted_name(node).partition(".")[0]
        comes_by_another = len(function.module.origins(name)) > 1
        if name and not (comes_by_another and self._is_wanted_later(function.module, name)):
            yield name

    def _is_wanted_later(self, module: Module, name: str) -> bool:
        return any(
            self.verdicts.may_convert_later(user) and name in names_in(user)
            for user in self.project.functions_of(module)
        )

    def is_async(self, function: Function) -> bool:
        """Whether `function` is a coroutine function after this run."""
        return function.is_async or self.colouring.converts(function)
