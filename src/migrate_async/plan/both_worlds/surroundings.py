"""What the planners of the async step know about a project besides its functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import filterfalse

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.aliases import Alias, find_aliases
from migrate_async.plan.decorator_copies import DecoratorCopies
from migrate_async.plan.late_binds import LateBinds
from migrate_async.plan.leftovers.twins import Twins
from migrate_async.plan.session_scopes import SessionScopes
from migrate_async.plan.sessions.provider import Provider, find_provider


@dataclass(eq=False)
class Surroundings:
    """Where sessions come from, and what earlier runs left for code that stays sync."""

    project: Project
    settings: Settings
    anchored: Mapping[Function, Reason] = field(default_factory=dict)
    """Functions whose session stays sync for the sake of others: they offer no async one."""
    blocking: Mapping[Function, Variable] = field(default_factory=dict)
    """Routes that take a session of their own on the sync driver, and the factory of that."""
    readers: Mapping[Function, Reason] = field(default_factory=dict)
    """Plain routes and dependencies that convert to await what they read of objects of others."""
    loading: Mapping[Function, Reason] = field(default_factory=dict)
    """What stays sync to load by reading: the mapping would load it too early."""

    @cached_property
    def twins(self) -> Twins:
        return self.project.shared(Twins)

    @cached_property
    def late_binds(self) -> LateBinds:
        return self.project.shared(LateBinds)

    @cached_property
    def scopes(self) -> SessionScopes:
        return self.project.shared(SessionScopes)

    @cached_property
    def decorators(self) -> DecoratorCopies:
        return self.project.shared(DecoratorCopies)

    @cached_property
    def provider(self) -> Provider:
        found = find_provider(self.project, self.settings, self.twins)
        is_anchored = any(
            (function.module.name, function.name) == found.dependency for function in self.anchored
        )
        return replace(found, get_db_module="", get_db="") if is_anchored else found

    @cached_property
    def aliases(self) -> tuple[Alias, ...]:
        return tuple(filterfalse(self._is_anchored, self.project.shared(find_aliases)))

    def _is_anchored(self, alias: Alias) -> bool:
        return any(
            isinstance(found, FunctionObject) and found.fn in self.anchored
            for node in s.walk(alias.value)
            if isinstance(node, s.Name | s.Attribute)
            for found in self.project.infer(node, alias.module.scope)
        )
