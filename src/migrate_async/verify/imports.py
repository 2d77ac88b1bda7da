"""Names that are imported, or read as an attribute, from a project module that lacks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.project import Function, Module, Project
from migrate_async.index.types import ModuleObject
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.plan.names import absolute
from migrate_async.verify import findings as f

Exists = Callable[[str], bool]
"""Whether the project has a file or folder of this path; the file's ending is left out."""

_GUARDS = frozenset(
    {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"}
)
_MAKES_NAMES = frozenset({"__getattr__", "globals", "setattr", "exec", "vars"})
"""Names in a module that hint at others made at run time."""


class Imports:
    """The checks of one module after the other."""

    def __init__(self, project: Project, exists: Exists) -> None:
        self._project = project
        self._names = project.names
        self._exists = exists
        self._open: dict[str, bool] = {}

    def check(self, module: Module) -> Iterator[Diagnostic]:
        """Imports that a `try` guards are left alone."""
        for node in _imports(module.syntax.body):
            for message in self._import(module, node):
                yield f.UNRESOLVED_IMPORT.at(module.path, node.span, message)

    def check_attributes(self, fn: Function) -> Iterator[Diagnostic]:
        """`crud.gone(...)`, where `crud` is a module of the project, and nothing else as well."""
        nodes = [(call.node.func, call.scope) for call in fn.calls]
        nodes += [(reference.node, reference.scope) for reference in fn.references]
        for node, scope in nodes:
            if not isinstance(node, s.Attribute) or not s.dotted_name(node.value):
                continue
            types = self._project.infer(node.value, scope)
            modules = [item for item in types if isinstance(item, ModuleObject)]
            for item in modules if len(modules) == len(types) else ():
                if not self._provides(item.name, node.attr):
                    message = f"the module {item.name} has no {node.attr}"
                    yield f.UNRESOLVED_IMPORT.at(fn.module.path, node.span, message)

    def _import(self, module: Module, node: s.Import | s.ImportFrom) -> Iterator[str]:
        if isinstance(node, s.Import):
            for alias in node.names:
                if self._is_missing(module, alias.name):
                    yield f"the project has no module {alias.name}"
            return
        source = absolute(module, node)
        if not node.level and self._names.is_library(source, module):
            return
        home = self._names.home(source, module)
        if not home:
            if self._is_missing(module, source, is_relative=bool(node.level)):
                yield f"the project has no module {source}"
            return
        for alias in node.names:
            if alias.name != "*" and not self._provides(home, alias.name):
                yield f"the module {home} has no {alias.name}"

    # --- modules -------------------------------------------------------------------------------

    def _is_missing(self, module: Module, dotted: str, *, is_relative: bool = False) -> bool:
        """Whether `dotted` has to be in the project, and is not."""
        if self._names.home(dotted, module):
            return False
        head, _, rest = dotted.partition(".")
        package = self._project.modules.get(head)
        if package is None or not package.is_package or not rest:
            return is_relative and not self._is_beside(module, dotted)
        folder = package.path.rpartition("/")[0]
        return not self._exists("/".join(filter(None, (folder, *rest.split(".")))))

    def _is_beside(self, module: Module, dotted: str) -> bool:
        """Whether a file that was not read is what a relative import means."""
        name = module.name if module.is_package else module.name.rpartition(".")[0]
        above = module.path.split("/")[: -1 - (name.count(".") + 1 if name else 0)]
        return self._exists("/".join([*above, *dotted.split(".")]))

    # --- names ---------------------------------------------------------------------------------

    def _provides(self, home: str, name: str, depth: int = 8) -> bool:
        """Whether the module or package `home` has `name`, or may have it."""
        if name.startswith("__") or self._names.is_project(f"{home}.{name}"):
            return True
        holder = self._project.modules.get(home)
        if holder is None:
            return True  # a folder without `__init__.py`: anything can be added to it
        if name in holder.scope.names or self._is_open(holder) or not depth:
            return True
        folder = holder.path.rpartition("/")[0]
        if holder.is_package and self._exists(f"{folder}/{name}" if folder else name):
            return True
        sources = [self._names.home(star, holder) for star in holder.stars]
        return any(not source or self._provides(source, name, depth - 1) for source in sources)

    def _is_open(self, holder: Module) -> bool:
        """Whether the module makes names at run time."""
        if holder.name not in self._open:
            called = {getattr(call.node.func, "id", "") for call in holder.body.calls}
            names = called | set(holder.scope.names)
            self._open[holder.name] = not _MAKES_NAMES.isdisjoint(names)
        return self._open[holder.name]


def _imports(body: tuple[s.Stmt, ...]) -> Iterator[s.Import | s.ImportFrom]:
    """All imports of the module, except those that may fail."""
    pending: list[s.AnyNode] = list(reversed(body))
    while pending:
        node = pending.pop()
        if isinstance(node, s.Import | s.ImportFrom):
            yield node
        elif isinstance(node, s.Try) and any(_is_guard(handler) for handler in node.handlers):
            pending.extend(node.finalbody)
        elif isinstance(node, _BLOCKS):
            pending.extend(reversed(list(s.children(node))))


_BLOCKS = (
    s.If,
    s.For,
    s.While,
    s.With,
    s.Try,
    s.Handler,
    s.FunctionDef,
    s.ClassDef,
    s.Match,
    s.Case,
)


def _is_guard(handler: s.Handler) -> bool:
    if handler.error is None:
        return True
    names = (getattr(node, "id", "") for node in s.walk(handler.error))
    return not _GUARDS.isdisjoint(names)
