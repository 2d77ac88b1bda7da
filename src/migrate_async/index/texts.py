"""Which texts an expression can be, where the code has all of them: constants, choices, tables."""

from __future__ import annotations

from collections.abc import Iterable

from migrate_async.index import scopes as sc
from migrate_async.index.resolve import Names
from migrate_async.model import syntax as s

_DEPTH = 5
_READS = frozenset({"dict", "enumerate", "getattr", "len", "list", "set", "sorted", "tuple"})
_CHANGES = frozenset({"update", "setdefault", "pop", "popitem", "clear"})


class Texts:
    def __init__(self, names: Names) -> None:
        self._names = names

    def of(self, expr: s.Expr, scope: sc.Scope) -> frozenset[str]:
        """Every text that `expr` can be; empty: something is not known."""
        return self._of(expr, scope, _DEPTH)

    def _of(self, expr: s.Expr, scope: sc.Scope, depth: int) -> frozenset[str]:
        if isinstance(expr, s.Constant):
            return frozenset({str(expr.value)}) if expr.kind == "str" else frozenset()
        if not depth:
            return frozenset()
        if isinstance(expr, s.Conditional):
            parts = (expr.body, expr.orelse)
            return _all(self._of(part, scope, depth) for part in parts)
        if isinstance(expr, s.Subscript):
            return self._of_table(expr.value, scope, depth - 1)
        if isinstance(expr, s.Name):
            targets = self._names.lookup(expr.id, scope)
            found = _all(self._bound(target, depth - 1) for target in targets)
            return frozenset() if found and _is_changed(expr.id, scope.module) else found
        return frozenset()

    def _bound(self, target: object, depth: int) -> frozenset[str]:
        if isinstance(target, sc.ValueBinding):
            return self._of(target.value, target.scope, depth)
        if isinstance(target, sc.IterationBinding) and isinstance(target.value, s.Sequence):
            return _all(self._of(item, target.scope, depth) for item in target.value.items)
        return frozenset()

    def _of_table(self, table: s.Expr, scope: sc.Scope, depth: int) -> frozenset[str]:
        """The values of a display that `table` is, or names and nobody changes."""
        if isinstance(table, s.Mapping):
            if not all(table.keys):  # `**others`
                return frozenset()
            return _all(self._of(value, scope, depth) for value in table.values)
        targets = self._names.lookup(table.id, scope) if isinstance(table, s.Name) else ()
        if len(targets) != 1 or not isinstance(targets[0], sc.ValueBinding):
            return frozenset()
        binding = targets[0]
        is_display = isinstance(binding.value, s.Mapping)
        is_changed = isinstance(table, s.Name) and _is_changed(table.id, binding.scope.module)
        if not is_display or is_changed or binding.scope.module is not scope.module:
            return frozenset()
        return self._of_table(binding.value, binding.scope, depth)


def _is_changed(name: str, module: sc.Module) -> bool:
    """Whether code of `module` changes what `name` holds, or hands it on."""
    for node in (node for statement in module.syntax.body for node in s.walk(statement)):
        targets = node.targets if isinstance(node, s.Assign) else ()
        if any(isinstance(t, s.Subscript) and _is(t.value, name) for t in targets):
            return True
        if isinstance(node, s.AugmentedAssign | s.Delete) and name in _named(node):
            return True
        if isinstance(node, s.Call) and _may_change(node, name):
            return True
    return False


def _may_change(call: s.Call, name: str) -> bool:
    func = call.func
    if isinstance(func, s.Attribute) and func.attr in _CHANGES and _is(func.value, name):
        return True
    return sc.last_name(func) not in _READS and any(_is(value, name) for value in call.args[:1])


def _is(expr: s.Expr, name: str) -> bool:
    return isinstance(expr, s.Name) and expr.id == name


def _named(node: s.AnyNode) -> frozenset[str]:
    return frozenset(part.id for part in s.walk(node) if isinstance(part, s.Name))


def _all(parts: Iterable[frozenset[str]]) -> frozenset[str]:
    found = list(parts)
    return frozenset().union(*found) if found and all(found) else frozenset()
