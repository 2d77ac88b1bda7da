"""Where the session of an acquisition comes from: an application may have several databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.index.types import ContextFunction
from migrate_async.model import syntax as s
from migrate_async.plan.fetched import dependency_of, factory_behind
from migrate_async.plan.names import is_variable
from migrate_async.plan.sessions.acquisitions import Acquisition
from migrate_async.plan.sessions.provider import Provider, suits_all


def giver_of(project: Project, found: Acquisition) -> Function | None:
    """The dependency that gives it: `get_db` of `next(get_db())` or `contextmanager(get_db)()`."""
    if found.kind == "next":
        return dependency_of(project, found.call)
    types = project.infer(found.call.func, project.scope_of(found.call))
    given = [item.fn for item in types if isinstance(item, ContextFunction)]
    return given[0] if found.kind == "scope" and given else None


def factory_of(project: Project, found: Acquisition) -> Variable | None:
    """The factory that makes what a dependency gives; None for other acquisitions."""
    giver = giver_of(project, found)
    return None if giver is None else factory_behind(project, giver)


def provider_of(
    project: Project,
    provider: Provider,
    found: Acquisition,
    converts: Callable[[Function], bool],
) -> Provider:
    """Who gives it from now on: the `provider`, or the dependency that gives it now.

    One that does not convert goes on giving sync sessions: then only its factory is left to ask.
    """
    giver = giver_of(project, found)
    factory = None if giver is None else factory_behind(project, giver)
    if giver is None or factory is None:
        return provider
    if (factory.module.name, factory.name) == provider.home:
        return provider
    can_be_asked = giver in project.session_dependencies and converts(giver)
    return replace(
        provider,
        module=factory.module.name,
        factory=factory.name,
        get_db_module=giver.module.name if can_be_asked else "",
        get_db=giver.name if can_be_asked else "",
        creates=False,
        suits_all=suits_all(giver),
    )


def is_like(project: Project, provider: Provider, module: Module, found: Acquisition) -> bool:
    """Whether the session of the `provider` can stand for it: it comes from the same factory.

    `module` is the one that it stands in.
    """
    if found.kind == "constructor":
        engines = {e.value for e in project.engines if e.scope.kind == "module"}
        return len(engines.difference(_sync_sides(provider))) < 2
    if found.is_of_dependency:
        own = factory_of(project, found)
        return own is None or (own.module.name, own.name) == provider.home
    name = s.dotted_name(found.call.func).rpartition(".")[2]
    others = (
        factory
        for factory in project.session_factories
        if found.kind == "factory" and factory.scope.kind == "module"
        if (factory.module.name, factory.name) != provider.home
    )
    return not any(
        is_variable(module, other.module, other.name, name) and other.name != provider.sync_factory
        for other in others
    )


def _sync_sides(provider: Provider) -> Iterator[s.Expr]:
    """What makes the engines that an earlier run left for code that stayed sync."""
    twins = provider.twins
    yield from (engine.value for engine in (twins.variables if twins is not None else ()))
