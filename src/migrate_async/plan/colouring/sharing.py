"""Which functions work on the same session object (or query), and so live in one world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.plan.colouring.closures import Closures
from migrate_async.plan.colouring.context_sessions import ContextSessions
from migrate_async.plan.colouring.factories import KeptFactories
from migrate_async.plan.colouring.factory_slots import FactorySlots
from migrate_async.plan.colouring.holders import Holders
from migrate_async.plan.colouring.module_registries import ModuleRegistries
from migrate_async.plan.colouring.process_sessions import ProcessSessions


class Sharing(Protocol):
    """Which functions work on the same session object (or query)."""

    def peers(self, function: Function) -> Iterable[Function]:
        """Functions that share a session object with `function`, and so its verdict."""

    def is_kept(self, function: Function) -> bool:
        """Whether `function` works on a session that an object keeps."""

    def makers(self, function: Function) -> Iterable[Function]:
        """Functions that make the object which holds the session of `function`."""

    def constructors(self, function: Function) -> Iterable[Function]:
        """Each `__init__` by which objects get the session that `function` uses."""

    def constructed(self, function: Function) -> Iterable[Function]:
        """Functions that use the session which objects get by `function`, an `__init__`."""

    def made(self, function: Function) -> Iterable[Function]:
        """Functions that use the session of an object which `function` makes."""


class SharedSessions:
    """Sessions, and factories, that objects keep, and what functions inside functions use."""

    def __init__(self, project: Project) -> None:
        self.holders = Holders(project)
        self.closures = Closures(project, self.holders)
        self.factories = KeptFactories(project)
        self.slots = project.shared(FactorySlots)
        self.contexts = ContextSessions(project)
        self.registries = ModuleRegistries(project)
        self.processes = ProcessSessions(project, self.holders)

    def peers(self, function: Function) -> Iterable[Function]:
        yield from self.holders.peers(function)
        yield from self.closures.peers(function)
        yield from self.factories.peers(function)
        yield from self.slots.peers(function)
        yield from self.contexts.peers(function)
        yield from self.registries.peers(function)

    def is_kept(self, function: Function) -> bool:
        return self.holders.uses(function)

    def makers(self, function: Function) -> Iterable[Function]:
        return self.holders.makers(function)

    def constructors(self, function: Function) -> Iterable[Function]:
        return self.holders.constructors(function)

    def constructed(self, function: Function) -> Iterable[Function]:
        return self.holders.constructed(function)

    def made(self, function: Function) -> Iterable[Function]:
        return self.holders.made(function)

    def borrows(self, function: Function) -> bool:
        """Whether `function` works on a session of an object, or of the function around it."""
        return self.is_kept(function) or bool(self.closures.peers(function))
