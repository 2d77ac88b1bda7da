"""What stands, in code that stays sync, for a name that gives async sessions from now on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index.scopes import Function, Module
from migrate_async.index.stubs import is_abstract
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.inner_names import InnerNames
from migrate_async.plan.both_worlds.needs import beside, passing
from migrate_async.plan.both_worlds.refusals import Refusals
from migrate_async.plan.both_worlds.sync_sources import SyncSources
from migrate_async.plan.both_worlds.worlds import BothWorlds
from migrate_async.plan.engines import NAME
from migrate_async.plan.inner_imports import find_inner_import
from migrate_async.plan.leftovers.twins import blocking_name, uncached_name
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.named_calls import names_function
from migrate_async.plan.names import is_bound_inside, read_from


class Replacements:
    """Finds the names, and notes in `needs` what they are names of."""

    def __init__(
        self, worlds: BothWorlds, sources: SyncSources, inner: InnerNames, refusals: Refusals
    ) -> None:
        self._worlds = worlds
        self._project = worlds.project
        self._twins = worlds.around.twins
        self._colouring = worlds.colouring
        self._dependencies = worlds.dependencies
        self._givers = worlds.givers
        self._needs = worlds.needs
        self._sources = sources
        self._inner = inner
        self._refusals = refusals

    def edits(self, function: Function, nodes: Iterable[s.Name | s.Attribute]) -> ModuleEdits:
        """Those of the names `nodes`, which `function` uses and stays sync."""
        found = ModuleEdits()
        for node in nodes:
            if self.is_async_already(function, node):
                continue
            new = self._replacement(found, function, node)
            if not new and self._gives_async(function, node):
                found.diagnostics.append(self._refusals.cannot_stay(function, node))
            if new:
                found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=new))
                found.unneeded += self._worlds.unneeded(function, node)
        return found

    def _gives_async(self, function: Function, node: s.Name | s.Attribute) -> bool:
        """Whether `node` gives the sessions of a request, which may be async from now on.

        Not if it stays a generator of sync ones.
        """
        meant = self._dependencies.meant(function, node)
        if meant and all(map(self._stays_generator, meant)):
            return False
        return self._dependencies.is_one(function, node)

    def _stays_generator(self, dependency: Function) -> bool:
        return dependency.is_generator and not self._worlds.is_async(dependency)

    def is_async_already(self, function: Function, node: s.Name | s.Attribute) -> bool:
        """Whether `node` gives a coroutine the async session that it has always worked on."""
        if not function.is_async:
            return False
        return any(
            node in s.walk(value)
            and self._project.session_kind(s.Name(*param.span, param.name), function.scope)
            == "async"
            for param in function.params
            for value in (param.default, param.annotation)
            if value is not None
        )

    def _replacement(
        self, found: ModuleEdits, function: Function, node: s.Name | s.Attribute
    ) -> str:
        module = function.module
        if self._twins.is_one(module, node):
            return ""
        if self._is_uncached(node):
            return self._uncached_side(found, function, node)
        giver = self._givers.called(node)
        if giver in self._colouring.kept:
            return ""  # it gives a sync one itself
        if giver is not None and self._inner.binds_copy(node):
            return ""  # the import there gives the name to the copy
        if giver is not None:
            return self._own_giver(found, module, node, giver)
        # Tests override `get_db`, which `get_sync_db` depends on.
        code = "" if module.is_test else self._sync_side(found, function, node)
        return code or self._own_session(found, module, node)

    def _uncached_side(
        self, found: ModuleEdits, function: Function, node: s.Name | s.Attribute
    ) -> str:
        """The sync side of a session of its own, if a module defines what gives it."""
        dependency = self._dependencies.named(function, node)
        if dependency is None or self._dependencies.holder(dependency) is not None:
            return ""
        if not isinstance(node, s.Name) or find_inner_import(self._project, node) is not None:
            return ""
        self._needs.uncached[dependency] = None
        name = uncached_name(self._dependencies.sync_name(dependency))
        return passing(found, function.module, dependency.module, name, dependency.name)

    def _sync_side(self, found: ModuleEdits, function: Function, node: s.Name | s.Attribute) -> str:
        """The sync side of a dependency, or of an alias of one."""
        module = function.module
        alias = self._dependencies.alias(function, node)
        dependency = None if alias is not None else self._dependencies.named(function, node)
        if dependency is not None:
            name = self._dependencies.sync_name(dependency)
            factory = self._worlds.around.blocking.get(function)
            if factory is None:
                self._needs.dependencies[dependency] = None
            else:
                self._needs.blocking[dependency] = factory
                self._needs.variables[factory] = None
                name = blocking_name(name)
            holder = self._dependencies.holder(dependency)
            if holder is not None:
                above, dot, last = s.dotted_name(node).rpartition(".")[0].rpartition(".")
                if above and last == holder.name:  # `db.database.get_session`
                    return f"{above}{dot}{name}"
                return passing(found, module, holder.module, name, holder.name)
            inner = ""
            if isinstance(node, s.Name):
                inner = self._inner.name(node, dependency.module, name)
            return inner or beside(self._project, found, node, dependency, name)
        if alias is None:
            return ""
        self._dependencies.need(alias, self._needs)
        return beside(self._project, found, node, alias, alias.sync_name)

    def _own_session(self, found: ModuleEdits, module: Module, node: s.Name | s.Attribute) -> str:
        if isinstance(node, s.Name) and self._sources.meant(module, node.id) is None:
            return ""
        if self._is_target(node):
            return ""
        if isinstance(node, s.Name) and is_bound_inside(node.id, self._project.scope_of(node)):
            return ""
        place = read_from(self._project, node)
        needed = self._sources.needed(*place) if place is not None else None
        if place is None or needed is None:
            return ""
        original, name = needed
        if isinstance(node, s.Attribute) and place[0] is original.module:
            return f"{s.dotted_name(node.value)}.{name}"
        return passing(found, module, original.module, name, original.name)

    def _own_giver(
        self, found: ModuleEdits, module: Module, node: s.Name | s.Attribute, giver: Function
    ) -> str:
        """The sync side of a function that gives out sessions, called in code that stays sync."""
        givers = [giver, *self._others(node, giver)]
        is_named = names_function(self._project, node, giver)
        if not is_named or not all(map(self._givers.can_give_sync, givers)):
            found.diagnostics.append(
                self._refusals.cannot_stay(self._project.function_of(node), node)
            )
            return ""
        for other in givers:
            self._needs.add_giver(other, self._givers)
        name = self._givers.sync_name(giver)
        if isinstance(node, s.Attribute):
            return f"{s.dotted_name(node.value)}.{name}"
        inner = self._inner.name(node, giver.module, name) if giver.is_generator else ""
        return inner or passing(found, module, giver.module, name, giver.name)

    def _others(self, node: s.Name | s.Attribute, giver: Function) -> Iterator[Function]:
        """What else `node` may call: methods that override `giver`, or that it overrides."""
        around = self._project.parent(node)
        for site in self._project.calls(self._project.function_of(node)):
            for target in site.targets if site.node is around else ():
                if target is not giver and not is_abstract(target):
                    yield target

    def _is_uncached(self, node: s.Name | s.Attribute) -> bool:
        """Whether `Depends(get_db, use_cache=False)` asks for a session beside the request's.

        `get_sync_db` gives the sync side of the one that FastAPI keeps for the request.
        """
        around = self._project.parent(node)
        return isinstance(around, s.Call) and any(
            keyword.arg == "use_cache"
            and isinstance(keyword.value, s.Constant)
            and not keyword.value.value
            for keyword in around.keywords
        )

    def _is_target(self, node: s.Name | s.Attribute) -> bool:
        parent = self._project.parent(node)
        return isinstance(parent, s.Assign) and parent.value is not node
