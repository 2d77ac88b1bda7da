"""What a module calls classes and loaders in the options that it gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, ClassBinding, FromBinding, ImportBinding, Module
from migrate_async.index.types import ClassObject, ModuleObject, Types, of
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.names import import_path, local_name, type_checking_blocks

_NAMING = ClassBinding | FromBinding | ImportBinding

_Name: TypeAlias = "tuple[str, p.ImportChange | None]"


class Naming:
    def __init__(self, project: Project, codemod: str) -> None:
        self._project = project
        self._codemod = codemod
        self._imports: dict[Module, frozenset[str]] = {}
        self._known: dict[tuple[Class, Module], _Name | None] = {}
        self._names: dict[Module, tuple[tuple[str, Types], ...]] = {}

    def name_of(self, cls: Class, module: Module) -> tuple[str, p.ImportChange | None]:
        """What `module` calls `cls`, and the import that it needs for that.

        Raises `LookupError` when importing it could lead in a circle, or the name is taken.
        """
        found = self._found(cls, module)
        if found is None:
            raise LookupError(cls.qualname)
        return found

    def can_name(self, cls: Class, module: Module) -> bool:
        return self._found(cls, module) is not None

    def _found(self, cls: Class, module: Module) -> _Name | None:
        key = (cls, module)
        if key not in self._known:
            self._known[key] = self._find(cls, module)
        return self._known[key]

    def _find(self, cls: Class, module: Module) -> _Name | None:
        itself, home = of(ClassObject(cls)), of(ModuleObject(cls.module.name))
        for name, found in self._names_in(module):
            if found == itself:
                return name, None
            if found == home and self._is_top(cls):
                return f"{name}.{cls.name}", None
        if cls.name in module.scope.names or cls.module is module:
            return None
        if not self._is_top(cls) or module.name in self._reached(cls.module):
            return None
        path = import_path(module, cls.module.name)
        return cls.name, p.ImportChange(self._codemod, path, cls.name)

    def _names_in(self, module: Module) -> tuple[tuple[str, Types], ...]:
        """The names of imports and classes at the top level of `module`, and what they are."""
        if module not in self._names:
            hidden = _typing_only(module)
            self._names[module] = tuple(
                (name, self._project.infer(s.Name(0, 0, 0, 0, name), module.scope))
                for name, bound in module.scope.names.items()
                if isinstance(bound[0], _NAMING) and name not in hidden
            )
        return self._names[module]

    def _is_top(self, cls: Class) -> bool:
        """Whether the module of `cls` has it at its top level."""
        return cls.outer.kind == "module"

    def loader(self, name: str, module: Module) -> tuple[str, p.ImportChange | None]:
        """What `module` calls a loader of `sqlalchemy.orm`."""
        local = local_name(module, "sqlalchemy.orm", name)
        if local is not None and local not in _typing_only(module):
            return local, None
        return name, p.ImportChange(self._codemod, "sqlalchemy.orm", name)

    def _reached(self, module: Module) -> frozenset[str]:
        """The project modules that importing `module` imports, itself included."""
        if module not in self._imports:
            seen: set[str] = set()
            pending = [module.name]
            while pending:
                name = pending.pop()
                if name not in seen and name in self._project.modules:
                    seen.add(name)
                    pending += _imported(self._project.modules[name])
            self._imports[module] = frozenset(seen)
        return self._imports[module]


def _imported(module: Module) -> Iterator[str]:
    for bindings in module.scope.names.values():
        for binding in bindings:
            if isinstance(binding, FromBinding):
                yield from (binding.module, f"{binding.module}.{binding.name}")
            elif isinstance(binding, ImportBinding):
                yield binding.dotted
    yield from module.stars
    yield from (module.name.rpartition(".")[0],) if "." in module.name else ()


def _typing_only(module: Module) -> frozenset[str]:
    """Names that are there for type checkers only."""
    return frozenset(
        alias.asname or alias.name
        for block in type_checking_blocks(module.syntax.body)
        for statement in block.body
        if isinstance(statement, s.Import | s.ImportFrom)
        for alias in statement.names
    )
