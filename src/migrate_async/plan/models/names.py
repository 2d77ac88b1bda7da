"""How annotations in a class body can name a type.

A class body's own names come first when its annotations are evaluated: in a class with a column
`date`, the annotation `Mapped[date]` means that column. Such names are avoided.
"""

from __future__ import annotations

import builtins

from migrate_async.index.scopes import Class, Module
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.models.python_types import PythonType
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.names import import_path, local_name


class Namer:
    """Names types in the class bodies of one module, and collects the imports that this takes."""

    def __init__(self, module: Module, found: ModuleEdits, codemod: str) -> None:
        self._module = module
        self._found = found
        self._codemod = codemod
        self.typing_only: dict[str, tuple[str, str]] = {}
        """Names to import under `TYPE_CHECKING`: local name to (module, name)."""

    def name(self, python: PythonType, cls: Class) -> str | None:
        """`int`, `datetime.date`, `list[str]`; None when no name in `cls` means the type."""
        if python.item is not None:
            item = self.name(python.item, cls)
            return f"list[{item}]" if item and self._means_builtin("list", cls) else None
        if python.cls is not None:
            return self._of_class(python.cls, cls)
        module, _, name = python.dotted.rpartition(".")
        if not module:
            return name if self._means_builtin(name, cls) else None
        return self.imported(module, name, cls)

    def imported(self, module: str, name: str, cls: Class | None = None) -> str | None:
        """A name for `module.name`, imported if it is not yet; None when all are taken."""
        local = local_name(self._module, module, name)
        if local is not None and not _binds(cls, local):
            return local
        whole = self._imported_module(module)
        if whole is not None and not _binds(cls, whole):
            return f"{whole}.{name}"
        if name not in self._module.scope.names and not _binds(cls, name):
            self._found.imports.append(p.ImportChange(self._codemod, module, name))
            return name
        alias = f"{module.rpartition('.')[2]}_{name}"
        if alias in self._module.scope.names or _binds(cls, alias):
            return None
        self._found.imports.append(p.ImportChange(self._codemod, module, name, alias))
        return alias

    def for_type_checkers(self, target: Class) -> None:
        """Make the name of `target`, which annotations quote, known to type checkers."""
        home = target.module
        if home is self._module or target.name in self._module.scope.names:
            return
        if target.scope.parent is home.scope:
            path = import_path(self._module, home.name)
            self.typing_only[target.name] = (path, target.name)

    def _of_class(self, target: Class, cls: Class) -> str | None:
        home = target.module
        if home is self._module:
            is_here = target.scope.parent is home.scope and not _binds(cls, target.name)
            return target.name if is_here and target.node.line < cls.node.line else None
        local = local_name(self._module, home.name, target.name)
        return local if local is not None and not _binds(cls, local) else None

    def _means_builtin(self, name: str, cls: Class) -> bool:
        taken = _binds(cls, name) or name in self._module.scope.names
        return hasattr(builtins, name) and not taken

    def _imported_module(self, module: str) -> str | None:
        """The name under which the module is imported as a whole."""
        for statement in self._module.syntax.body:
            if isinstance(statement, s.Import):
                for alias in statement.names:
                    if alias.name == module:
                        return alias.asname or alias.name
        return None


def _binds(cls: Class | None, name: str) -> bool:
    return cls is not None and name.partition(".")[0] in cls.scope.names
