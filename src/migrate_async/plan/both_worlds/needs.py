"""What code that stays sync needs of the database module, and the names by which it gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.aliases import Alias
from migrate_async.plan.engines import NAME
from migrate_async.plan.givers import Given, Givers
from migrate_async.plan.leftovers.twins import sync_engine_name, sync_factory_name
from migrate_async.plan.module_edits import ModuleEdits, add_change
from migrate_async.plan.names import read_from


@dataclass
class Needs:
    """What kept code uses and the database module has to go on offering."""

    dependencies: dict[Function, None] = field(default_factory=dict)
    uncached: dict[Function, None] = field(default_factory=dict)
    """Dependencies of which a route that stays sync takes one more session."""
    blocking: dict[Function, Variable] = field(default_factory=dict)
    """Dependencies of which a route takes a session on the sync driver, with the factory of it."""
    variables: dict[Variable, None] = field(default_factory=dict)
    aliases: set[Alias] = field(default_factory=set)
    makers: dict[Function, None] = field(default_factory=dict)
    givers: dict[Function, Given] = field(default_factory=dict)
    decorators: dict[Function, Given] = field(default_factory=dict)

    def add_giver(self, giver: Function, givers: Givers) -> None:
        """`giver`, and whatever gives it its session."""
        given = givers.of(giver)
        if given is None or giver in self.givers:
            return
        self.givers[giver] = given
        for factory in given.sources.values():
            self.variables[factory] = None
        for inner in given.givers.values():
            self.add_giver(inner, givers)

    def add_decorator(self, decorator: Function, sources: Mapping[str, Variable]) -> None:
        """A copy of `decorator`, on the sync sides of its `sources`."""
        self.decorators[decorator] = Given(sources)
        for source in sources.values():
            self.variables[source] = None


def passing(found: ModuleEdits, module: Module, home: Module, name: str, beside: str) -> str:
    """The local name of a sync twin, imported until its user migrates."""
    wanted = p.ImportChange(NAME, home.name, name, beside=beside, passing=True)
    return add_change(found, module, wanted)


def beside(
    project: Project,
    found: ModuleEdits,
    node: s.Name | s.Attribute,
    original: Function | Alias,
    name: str,
) -> str:
    """What stands for `node`, which names `original`, when its sync twin `name` is meant."""
    if isinstance(node, s.Attribute):
        place = read_from(project, node)
        if place is not None and place[0] is original.module:
            return f"{s.dotted_name(node.value)}.{name}"
    module = project.scope_of(node).module
    return passing(found, module, original.module, name, original.name)


def sync_name(variable: Variable) -> str:
    """What the sync twin of an engine or a factory is called."""
    named = sync_engine_name if variable.kind == "engine" else sync_factory_name
    return named(variable.name)
