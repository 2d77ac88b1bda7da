"""Names: which ones a scope has, what a local one stands for, and how to import a new one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index import scopes as sc
from migrate_async.index.scopes import Function, Module, Scope
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s
from migrate_async.model.plan import ImportChange
from migrate_async.plan.names import type_checking_blocks

CODEMOD = "query-to-select"


def scope_chain(scope: Scope) -> Iterator[Scope]:
    """`scope` and the scopes around it that its names can come from."""
    current: Scope | None = scope
    first = True
    while current is not None:
        if first or current.kind != "class":
            yield current
        first = False
        current = current.parent


def bindings(name: str, scope: Scope) -> list[sc.Binding]:
    """How `name`, read in `scope`, gets its value; empty when it is bound nowhere."""
    for candidate in scope_chain(scope):
        if name in candidate.names:
            return candidate.names[name]
    return []


def is_visible(dotted: str, home: Function, function: Function) -> bool:
    """Is the name `dotted` of `home` the same thing in `function`: itself, or nested in it?"""
    base = dotted.partition(".")[0]
    current: Function | None = function
    while current is not None and current is not home:
        if base in current.scope.names:
            return False
        current = current.parent
    return current is home


def local_values(expr: s.Expr, scope: Scope) -> list[s.Expr]:
    """The expressions that the local name `expr` may stand for; empty if that is not certain."""
    if not isinstance(expr, s.Name):
        return []
    found = bindings(expr.id, scope)
    values = [binding.value for binding in found if isinstance(binding, sc.ValueBinding)]
    return values if len(values) == len(found) else []


class Imports:
    """The names from `sqlalchemy` that a module gets. A name that is taken gets the prefix `sa_`.

    A name is taken when the module or one of its functions binds it to something else; methods do
    not count, their names are not visible in their bodies.
    """

    def __init__(self, module: Module, functions: list[Function]) -> None:
        self._module = module
        self._functions = functions
        self._for_checkers = frozenset(typing_only(module.syntax.body))
        self._known: dict[str, tuple[str, tuple[ImportChange, ...]]] = {}

    def name(self, dotted: str) -> tuple[str, tuple[ImportChange, ...]]:
        """How the module's code can say `sqlalchemy.select`, and the import that it needs."""
        if dotted not in self._known:
            self._known[dotted] = self._name(dotted)
        return self._known[dotted]

    def _name(self, dotted: str) -> tuple[str, tuple[ImportChange, ...]]:
        home, _, name = dotted.rpartition(".")
        for local, bound in self._module.scope.names.items():
            if local in self._for_checkers:
                continue
            if _imports(bound, dotted) and not self._is_hidden(local, dotted):
                return local, ()
            if home == "sqlalchemy" and _imports(bound, home) and not self._is_hidden(local, home):
                return f"{local}.{name}", ()
        is_taken = name in self._module.scope.names or self._is_hidden(name, dotted)
        alias = f"sa_{name}" if is_taken else ""
        return alias or name, (ImportChange(CODEMOD, home, name, alias),)

    def _is_hidden(self, name: str, dotted: str) -> bool:
        """Does a function bind `name` to anything but `dotted`?"""
        found = [fn.scope.names[name] for fn in self._functions if name in fn.scope.names]
        return not all(_imports(bound, dotted) for bound in found)


def typing_only(body: Iterable[s.Stmt]) -> Iterator[str]:
    """Names imported under `if TYPE_CHECKING:`, which do not exist at run time."""
    for block in type_checking_blocks(body):
        for inner in block.body:
            if isinstance(inner, s.ImportFrom | s.Import):
                yield from (alias.asname or alias.name for alias in inner.names)


def _imports(bound: list[sc.Binding], dotted: str) -> bool:
    """Do all bindings import the thing that `dotted` names?"""
    return bool(bound) and all(_imported(binding) == dotted for binding in bound)


def _imported(binding: sc.Binding) -> str:
    if isinstance(binding, sc.FromBinding):
        return sqlalchemy.canonical(f"{binding.module}.{binding.name}")
    return binding.dotted if isinstance(binding, sc.ImportBinding) else ""
