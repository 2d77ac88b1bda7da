"""What functions that stay sync import for themselves, `from app.database import SessionLocal`."""

from __future__ import annotations

from migrate_async.index.scopes import Function, FunctionBinding, Module
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.needs import sync_name
from migrate_async.plan.both_worlds.worlds import BothWorlds
from migrate_async.plan.engines import NAME
from migrate_async.plan.inner_imports import (
    InnerImport,
    InnerImports,
    find_inner_import,
    is_only_fetched,
)
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.names import absolute
from migrate_async.plan.references import inner_imports


class InnerNames:
    """Has such imports give the names of sync sides."""

    def __init__(self, worlds: BothWorlds) -> None:
        self._worlds = worlds
        self._project = worlds.project
        self._givers = worlds.givers
        self._needs = worlds.needs
        self._changes = InnerImports(NAME)

    def rename_in(self, function: Function) -> None:
        """`from db import SyncSessionLocal as SessionLocal` in a function that stays sync."""
        module = function.module
        for node in inner_imports(function):
            new = self._sync_names(module, node)
            for item in node.names:
                if item.name in new:
                    bound = item.asname or item.name
                    home = absolute(module, node)
                    self._changes.rename(module, node, bound, home, new[item.name])

    def edits(self) -> dict[Module, ModuleEdits]:
        """The imports in functions that change with what was re-pointed until now."""
        found: dict[Module, ModuleEdits] = {}
        for module, edit in self._changes.edits():
            found.setdefault(module, ModuleEdits()).edits.append(edit)
        return found

    def name(self, node: s.Name, home: Module, name: str) -> str:
        """What `node`, of an import in a function, is called there as `name` of `home`."""
        inner = find_inner_import(self._project, node)
        if inner is None:
            return ""
        wanted = name if self._is_shared(inner) else node.id
        return self._changes.add(inner, home, name, wanted, keep=wanted != node.id)

    def factory_name(self, node: s.Expr, factory: Variable) -> str:
        """What the sync side of `factory` is called where an import in a function gives `node`."""
        inner = find_inner_import(self._project, node)
        if inner is None:
            return ""
        keep = not is_only_fetched(self._project, inner)
        name = sync_name(factory)
        return self._changes.add(inner, factory.module, name, factory.name, keep=keep)

    def _is_shared(self, inner: InnerImport) -> bool:
        """Whether a coroutine uses the name, too."""
        functions = map(self._project.function_of, inner.uses())
        return any(map(self._worlds.is_async, functions))

    def binds_copy(self, node: s.Name | s.Attribute) -> bool:
        """Whether an import in the function of `node` binds the name, for a copy to take."""
        function = self._project.function_of(node)
        return isinstance(node, s.Name) and any(
            node.id in self._sync_givers(function.module, statement)
            for statement in inner_imports(function)
        )

    def _sync_names(self, module: Module, node: s.ImportFrom) -> dict[str, str]:
        home = absolute(module, node)
        imported = {item.name for item in node.names}
        new: dict[str, str] = {}
        for giver in self._sync_givers(module, node).values():
            self._needs.add_giver(giver, self._givers)
            new[giver.name] = self._givers.sync_name(giver)
        for variable in (*self._project.session_factories, *self._project.engines):
            is_meant = variable.module.name == home and variable.name in imported
            if not is_meant or variable.kind not in ("sessionmaker", "engine"):
                continue
            if variable.scope.kind != "module" or not self._worlds.becomes_async(variable):
                continue
            if self._worlds.offers.can_have(variable):
                self._needs.variables[variable] = None
                new[variable.name] = sync_name(variable)
        return new

    def _sync_givers(self, module: Module, node: s.ImportFrom) -> dict[str, Function]:
        """What `node` imports under its own name, of which there is a copy, or can be.

        No generator of a request's sessions, which FastAPI may be given by that name, too.
        """
        home = self._project.modules.get(absolute(module, node))
        names = {item.name for item in node.names if not item.asname}
        bound = home.scope.names if home is not None else {}
        return {
            name: binding.function
            for name in sorted(names & bound.keys())
            for binding in bound[name]
            if isinstance(binding, FunctionBinding) and self._is_sync_giver(binding.function)
        }

    def _is_sync_giver(self, function: Function) -> bool:
        is_generator = function.is_generator and not function.decorator_names
        return not is_generator and self._givers.can_give_sync(function)
