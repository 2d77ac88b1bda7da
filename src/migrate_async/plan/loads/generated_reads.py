"""What the methods read that `MappedAsDataclass` writes: `__repr__`, `__eq__`, and `asdict()`.

    return f"{user}"
    if user in team.users: ...

They stand nowhere, and read each relationship that does not say `repr=False` or `compare=False`,
and all that its objects show.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Class, Function, RawCall, Scope, last_name
from migrate_async.index.types import held, iterated
from migrate_async.model import syntax as s
from migrate_async.plan.loads.paths import Step

_DATACLASS = "sqlalchemy.orm.MappedAsDataclass"
_DECORATORS = frozenset({"mapped_as_dataclass"})

_SHOWING = frozenset({"repr", "str", "ascii", "print", "format", "pprint", "pformat"})
_LOGGING = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_COMPARING = frozenset({"==", "!=", "in", "not in"})
_SEARCHING = frozenset({"index", "remove", "count"})
_COPYING = frozenset({"asdict", "astuple", "replace"})
_TEXTS = frozenset({"f-string", "%"})


class GeneratedReads:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, function: Function) -> Iterator[tuple[s.Expr, s.Expr, Scope]]:
        """What runs such a method, of which objects, in the function's own code."""
        if not self._copied:
            return
        for call in function.calls:
            for value, classes in self._of_call(call):
                if self._holds(value, call.scope, classes):
                    yield call.node, value, call.scope
        for node in function.nodes(s.Operation):
            scope = self._project.scope_of(node)
            if scope.function is not function:
                continue
            classes = self._shown if node.operator in _TEXTS else frozenset()
            classes = self._compared if node.operator in _COMPARING else classes
            for value in map(_inner, node.operands) if classes else ():
                if self._holds(value, scope, classes):
                    yield node, value, scope

    def _of_call(self, call: RawCall) -> Iterator[tuple[s.Expr, frozenset[Class]]]:
        node, name = call.node, call.name
        if name in _SHOWING | _LOGGING or _is_error(name):
            yield from ((value, self._shown) for value in node.values)
        elif name in _COPYING:
            yield from ((value, self._copied) for value in node.args[:1])
        elif name in _SEARCHING and isinstance(node.func, s.Attribute):
            yield from ((value, self._compared) for value in node.args)

    def _holds(self, value: s.Expr, scope: Scope, classes: frozenset[Class]) -> bool:
        return bool(held(iterated(self._project.infer(value, scope)), classes))

    # --- classes -------------------------------------------------------------------------------

    @cached_property
    def _copied(self) -> frozenset[Class]:
        return frozenset(self._reading("", ""))

    @cached_property
    def _shown(self) -> frozenset[Class]:
        return frozenset(self._reading("repr", "__repr__"))

    @cached_property
    def _compared(self) -> frozenset[Class]:
        return frozenset(self._reading("compare", "__eq__"))

    def _reading(self, keyword: str, method: str) -> Iterator[Class]:
        """The classes of which the `method` that is written for them reads what loads."""
        for model in self._project.models.values():
            own = any(method in base.scope.names for base in self._project.mro(model.cls))
            if not own and self._is_dataclass(model.cls) and _loads(model, keyword):
                yield model.cls

    def _is_dataclass(self, cls: Class) -> bool:
        if _DATACLASS in self._project.bases(cls):
            return True
        orders = (base.node.decorators for base in self._project.mro(cls))
        return any(last_name(part) in _DECORATORS for parts in orders for part in parts)


def _inner(value: s.Expr) -> s.Expr:
    """What `{user}` and `{user!r:>10}` of a text show."""
    while isinstance(value, s.Operation) and value.operator == "format" and value.operands:
        value = value.operands[0]
    return value


def _is_error(name: str) -> bool:
    """Whether an exception is made, whose text shows what it is given."""
    return name[:1].isupper() and name.endswith(("Error", "Exception"))


def _loads(model: Model, keyword: str) -> bool:
    """Whether `model` has a relationship that loads, and that does not say `keyword=False`."""
    for name, relationship in model.relationships.items():
        said = (k.value for k in relationship.node.keywords if k.arg == keyword)
        is_left_out = any(isinstance(v, s.Constant) and not _is_true(v) for v in said)
        if not is_left_out and Step(model.cls, name, relationship).is_lazy:
            return True
    return False


def _is_true(value: s.Constant) -> bool:
    return value.kind == "bool" and bool(value.value)
