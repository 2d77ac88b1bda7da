"""What surely is a list or a set: something to iterate over twice."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    AnnotatedBinding,
    Binding,
    ElementBinding,
    Function,
    ParameterBinding,
    Scope,
    ValueBinding,
    bindings_of,
    last_name,
)
from migrate_async.index.types import FunctionObject, ListOf, QueryOf, ResultOf
from migrate_async.model import syntax as s

_LISTS = frozenset({"list", "sorted", "set"})
_ANNOTATIONS = frozenset({"list", "List", "Sequence", "set", "Set"})
_MAX_CALLS = 5


class Lists:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def is_list(self, name: s.Name, scope: Scope, calls: int = _MAX_CALLS) -> bool:
        """Whether `name` surely holds a list or a set."""
        bindings = bindings_of(name.id, scope)
        return bool(bindings) and all(self._binds_list(binding, calls) for binding in bindings)

    def gives_list(self, expr: s.Expr, scope: Scope, calls: int = _MAX_CALLS) -> bool:
        """Whether `expr` surely is a list or a set; `calls` may still be followed."""
        if isinstance(expr, s.Await):
            return self.gives_list(expr.value, scope, calls)
        if isinstance(expr, s.Attribute):
            return self._is_known(expr, scope)
        if isinstance(expr, s.Name):
            return self.is_list(expr, scope, calls)
        if isinstance(expr, s.Call):
            return self._call_gives_list(expr, scope, calls)
        if isinstance(expr, s.Conditional | s.Operation):
            parts = _choices(expr)
            return bool(parts) and all(self.gives_list(part, scope, calls) for part in parts)
        is_made = isinstance(expr, s.Comprehension) and expr.kind in ("list", "set")
        return is_made or isinstance(expr, s.Sequence)

    def _is_known(self, expr: s.Expr, scope: Scope) -> bool:
        """Whether all that is known of `expr` says that it is one."""
        types = self._project.infer(expr, scope)
        return bool(types) and all(isinstance(item, ListOf) for item in types)

    def _call_gives_list(self, call: s.Call, scope: Scope, calls: int) -> bool:
        if isinstance(call.func, s.Name) and call.func.id in _LISTS:
            return True
        functions = self._functions(call, scope)
        if functions:
            return calls > 0 and all(
                not function.is_generator
                and bool(function.returns)
                and all(
                    self.gives_list(value, self._project.scope_of(value), calls - 1)
                    for value in function.returns
                )
                for function in functions
            )
        if not isinstance(call.func, s.Attribute):
            return False
        if call.func.attr == "get":
            return self._is_got_from_dict(call, scope)
        if call.func.attr not in ("all", "fetchall"):
            return False
        owner = self._project.infer(call.func.value, scope)
        return any(isinstance(item, QueryOf | ResultOf) for item in owner)

    def _is_got_from_dict(self, call: s.Call, scope: Scope) -> bool:
        """Whether it is `groups.get(key, [])` of a dict with lists."""
        default = call.args[1] if len(call.args) == 2 else None
        return isinstance(default, s.Sequence) and self._is_known(call, scope)

    def _functions(self, call: s.Call, scope: Scope) -> list[Function]:
        """What `call` runs, if all of that is of the project."""
        direct = self._project.bridged(call) or call
        types = self._project.infer(direct.func, scope)
        functions = [item.fn for item in types if isinstance(item, FunctionObject)]
        return functions if len(functions) == len(types) else []

    # --- names ---------------------------------------------------------------------------------

    def _binds_list(self, binding: Binding, calls: int) -> bool:
        if isinstance(binding, ValueBinding | AnnotatedBinding) and binding.value is not None:
            return self.gives_list(binding.value, binding.scope, calls)
        if isinstance(binding, ParameterBinding) and binding.parameter.annotation is not None:
            written = binding.parameter.annotation
            head = written.value if isinstance(written, s.Subscript) else written
            return last_name(head) in _ANNOTATIONS
        if isinstance(binding, ElementBinding) and binding.starred:
            return True
        if isinstance(binding, ElementBinding) and calls > 0:
            return self._unpacks_list(binding, calls - 1)
        return False

    def _unpacks_list(self, binding: ElementBinding, calls: int) -> bool:
        """`users` in `users, total = search(db)`, if each `return` has a list in that place."""
        value = binding.source.value if isinstance(binding.source, ValueBinding) else None
        value = value.value if isinstance(value, s.Await) else value
        functions = self._functions(value, binding.scope) if isinstance(value, s.Call) else []
        given = [returned for function in functions for returned in function.returns]
        return (
            bool(given)
            and all(not function.is_generator for function in functions)
            and all(
                isinstance(returned, s.Sequence)
                and not any(isinstance(item, s.Starred) for item in returned.items)
                and binding.index < len(returned.items)
                and self.gives_list(
                    returned.items[binding.index], self._project.scope_of(returned), calls
                )
                for returned in given
            )
        )


def _choices(expr: s.Conditional | s.Operation) -> tuple[s.Expr, ...]:
    """What `expr` is one of, or the lists that it adds up; none: nothing of the kind."""
    if isinstance(expr, s.Conditional):
        return (expr.body, expr.orelse)
    return expr.operands if expr.operator in ("or", "+") else ()
