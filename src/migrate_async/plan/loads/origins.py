"""Where an ORM object comes from: the statement that loaded it and what that loads with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from migrate_async.index.operations import operations_of
from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    Binding,
    Function,
    IterationBinding,
    Scope,
    ValueBinding,
    bindings_of,
    last_name,
)
from migrate_async.index.types import FunctionObject, Instance
from migrate_async.knowledge.loading import (
    EXECUTES,
    GETS,
    KEEPS_OPTIONS,
    LOADERS,
    RESULT_METHODS,
)
from migrate_async.model import syntax as s

_MAX_CALLS = 1
_COPIES = frozenset({"list", "tuple", "sorted", "set", "reversed", "next", "iter"})


@dataclass(frozen=True)
class Origin:
    """An object was loaded by `call`, an operation of an async session, in `function`.

    `loaded` are the attributes that its loader options mention. `calls` counts the calls of
    project functions between the object's use and the operation.
    """

    call: s.Call
    function: Function
    loaded: frozenset[str]
    calls: int = 0


class Linked(Protocol):
    """Whoever knows the project: the view that the linter's rules share."""

    @property
    def project(self) -> Project: ...


class Origins:
    """Answers where objects come from; only when every way to an object is known."""

    def __init__(self, linked: Linked) -> None:
        self._project = linked.project

    def of(self, expr: s.Expr, scope: Scope) -> Origin | None:
        """The origin of the objects that `expr` holds, or is; None: not known."""
        return _Search(self._project, _MAX_CALLS).origin(expr, scope)

    def loaded(self, statement: s.Expr, scope: Scope) -> frozenset[str] | None:
        """The attributes that loader options of `statement` mention; None: not known."""
        return _Search(self._project, 0).loaded(statement, scope)

    def options(self, statement: s.Expr, scope: Scope) -> tuple[s.Call, ...] | None:
        """The loader options of `statement`; None: not known."""
        return _Search(self._project, 0).options(statement, scope)


class _Search:
    """One question; each binding is followed once."""

    def __init__(self, project: Project, calls: int) -> None:
        self._project = project
        self._calls = calls
        self._seen: set[Binding] = set()

    # --- objects -------------------------------------------------------------------------------

    def origin(self, expr: s.Expr, scope: Scope) -> Origin | None:
        if isinstance(expr, s.Await | s.Starred):
            return self.origin(expr.value, scope)
        if isinstance(expr, s.Subscript):
            return self.origin(expr.value, scope)
        if isinstance(expr, s.NamedExpression):
            return self.origin(expr.value, scope)
        if isinstance(expr, s.Name):
            return self._of_name(expr, scope)
        if isinstance(expr, s.Attribute):
            return self._of_related(expr, scope)
        return self._of_call(expr, scope) if isinstance(expr, s.Call) else None

    def _of_name(self, name: s.Name, scope: Scope) -> Origin | None:
        found: list[Origin] = []
        for binding in bindings_of(name.id, scope):
            if binding in self._seen:
                continue
            self._seen.add(binding)
            if not isinstance(binding, ValueBinding | IterationBinding):
                return None
            origin = self.origin(binding.value, binding.scope)
            if origin is None:
                return None
            found.append(origin)
        if not found:
            return None
        loaded = frozenset(name for origin in found for name in origin.loaded)
        return replace(found[0], loaded=loaded, calls=max(origin.calls for origin in found))

    def _of_related(self, expr: s.Attribute, scope: Scope) -> Origin | None:
        """What hangs on a loaded object is loaded by the same statement."""
        types = self._project.infer(expr.value, scope)
        is_object = bool(types) and all(isinstance(item, Instance) for item in types)
        return self.origin(expr.value, scope) if is_object else None

    def _of_call(self, call: s.Call, scope: Scope) -> Origin | None:
        func = call.func
        if isinstance(func, s.Attribute):
            operations = operations_of(self._project.infer(func, scope))
            if operations:
                is_async = all(item.is_async and item.owner == "session" for item in operations)
                return self._of_operation(call, func.attr, scope) if is_async else None
            if func.attr in RESULT_METHODS:
                return self.origin(func.value, scope)
        elif isinstance(func, s.Name) and func.id in _COPIES and call.args:
            return self.origin(call.args[0], scope)
        return self._of_function(call, scope)

    def _of_operation(self, call: s.Call, name: str, scope: Scope) -> Origin | None:
        loaded: frozenset[str] | None = None
        if name in GETS:
            given = next((k.value for k in call.keywords if k.arg == "options"), None)
            options = _listed(given)
            loaded = None if options is None else _mentioned(options)
        elif name in EXECUTES and call.args:
            loaded = self.loaded(call.args[0], scope)
        return None if loaded is None else Origin(call, scope.function, loaded)

    def _of_function(self, call: s.Call, scope: Scope) -> Origin | None:
        """What the only project function returns that `call` runs."""
        types = self._project.infer(call.func, scope)
        functions = [item.fn for item in types if isinstance(item, FunctionObject)]
        if len(functions) != 1 or len(types) != 1 or not self._calls:
            return None
        function = functions[0]
        values = [value for value in function.returns if not isinstance(value, s.Constant)]
        if not function.is_async or function.is_generator or not values:
            return None
        inner = _Search(self._project, self._calls - 1)
        found = [inner.origin(value, function.scope) for value in values]
        known = [origin for origin in found if origin is not None]
        if len(known) != len(found):
            return None
        loaded = frozenset(name for origin in known for name in origin.loaded)
        return replace(known[0], loaded=loaded, calls=known[0].calls + 1)

    # --- statements ----------------------------------------------------------------------------

    def loaded(self, statement: s.Expr, scope: Scope) -> frozenset[str] | None:
        options = self.options(statement, scope)
        return None if options is None else _mentioned(options)

    def options(self, statement: s.Expr, scope: Scope) -> tuple[s.Call, ...] | None:
        if isinstance(statement, s.Name):
            return self._options_of_name(statement, scope)
        if not isinstance(statement, s.Call):
            return None
        if _is_select(statement.func):
            return ()
        func = statement.func
        inner = self.options(func.value, scope) if isinstance(func, s.Attribute) else None
        own = _known(statement.args) if last_name(func) == "options" else ()
        if inner is None or own is None or last_name(func) not in KEEPS_OPTIONS | {"options"}:
            return None
        return (*inner, *own)

    def _options_of_name(self, name: s.Name, scope: Scope) -> tuple[s.Call, ...] | None:
        """Every assignment counts: `statement = statement.where(...)` adds to the one before."""
        bindings = bindings_of(name.id, scope)
        found: list[s.Call] = []
        for binding in bindings:
            if binding in self._seen:
                continue
            self._seen.add(binding)
            if not isinstance(binding, ValueBinding):
                return None
            options = self.options(binding.value, binding.scope)
            if options is None:
                return None
            found += options
        return tuple(found) if bindings else None


def _is_select(func: s.Expr) -> bool:
    """`select` or `sqlalchemy.select`."""
    return s.dotted_name(func).rpartition(".")[2] == "select" and (
        isinstance(func, s.Name)
        or (isinstance(func, s.Attribute) and isinstance(func.value, s.Name))
    )


def _listed(given: s.Expr | None) -> tuple[s.Call, ...] | None:
    if given is None:
        return ()
    return _known(given.items) if isinstance(given, s.Sequence) else None


def _known(values: tuple[s.Expr, ...]) -> tuple[s.Call, ...] | None:
    """`values`, if all of them are calls of loaders, chained ones included."""
    found: list[s.Call] = []
    for value in values:
        if not isinstance(value, s.Call) or not all(
            last_name(call) in LOADERS for call in chain(value)
        ):
            return None
        found.append(value)
    return tuple(found)


def chain(value: s.Expr) -> Iterator[s.Call]:
    """The calls of `joinedload(A.b).selectinload(B.c)`, last first."""
    current = value
    while isinstance(current, s.Call):
        yield current
        current = current.func.value if isinstance(current.func, s.Attribute) else current.func
        if not isinstance(current, s.Call):
            return


def _mentioned(options: tuple[s.Call, ...]) -> frozenset[str]:
    """Names of attributes in loader options; `*` for all of them."""
    found: set[str] = set()
    for option in options:
        for part in s.walk(option):
            if isinstance(part, s.Attribute):
                found.add(part.attr)
            elif isinstance(part, s.Constant) and part.kind == "str":
                found.update(str(part.value).split("."))
    return frozenset(found)
