"""Types of parameters: `self`, annotations, `Depends`, defaults, call sites, fixtures, names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from migrate_async.index import bridges, generics
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.annotations import is_vague, sharper
from migrate_async.index.classes import member_bindings
from migrate_async.index.descriptors import READ, SET
from migrate_async.index.keyed import Keyed, keyed
from migrate_async.index.schemas import seen_through
from migrate_async.index.sync_sides import sync_sides
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge import fastapi, sqlalchemy
from migrate_async.knowledge.dispatch import CALLABLES
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_MAX_ARGUMENT_TYPES = 12
_MAX_FUNCTIONS = 40
"""What one decorator of the project may be on."""
_MAX_CLASSES = 200
"""The models for which one helper may be called, `existing(db, Note, id)`."""


def _class_around(fn: sc.Function) -> sc.Class | None:
    """The class in whose body a lambda stands: `total = property(lambda self: ...)`."""
    around = fn.scope.parent
    return around.cls if fn.is_lambda and around is not None else None


class Parameters:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._nearest: dict[tuple[str, sc.Module], sc.Function | None] = {}
        self._passed: dict[tuple[sc.Function, str], set[Type]] = {}
        self._fixtures = _fixtures(inference.symbols.functions)

    def types(self, binding: sc.ParameterBinding) -> Types:
        """What the parameter can be."""
        fn, param = binding.function, binding.parameter
        if binding.position == 0 and param.name == fn.self_name and fn.cls is not None:
            kind = t.ClassObject if fn.is_classmethod else t.Instance
            return t.of(kind(fn.cls, (), True))
        around = _class_around(fn) if param.name == "self" else None
        if around is not None:
            return t.of(t.Instance(around, (), True))
        found = self._declared(fn, param)
        if not found and fn.name in (READ, SET) and binding.position == 1:
            found = t.union(t.of(t.Instance(cls)) for cls in self._inference.descriptors.owners(fn))
        if param.kind == "*":
            return t.of(t.ListOf(found))
        if param.kind == "**":
            return t.of(t.DictOf(UNKNOWN, found))
        if not all(is_vague(item) for item in found):
            return found
        return sharper(found, self._guessed(fn, param))

    def _declared(self, fn: sc.Function, param: s.Parameter) -> Types:
        """From the annotation, be it that of an overridden method, else from the default."""
        outer = fn.scope.parent
        if outer is None:
            return UNKNOWN
        if param.annotation is not None:
            found = self._inference.annotations.types(param.annotation, outer)
        else:
            found = self._overridden(fn, param)
        default = param.default
        if default is None or isinstance(default, s.Constant):
            return found
        if not found or (is_depends(default) and all(is_vague(item) for item in found)):
            found |= self._inference.infer(default, outer)
        elif is_depends(default):
            given = default
            return seen_through(
                found, lambda: self._inference.infer(given, outer), self._inference.hierarchy
            )
        return found

    def _overridden(self, fn: sc.Function, param: s.Parameter) -> Types:
        """What the nearest method with an annotation that `fn` overrides calls the parameter."""
        if fn.cls is None or fn.name.startswith("__"):
            return UNKNOWN
        for ancestor in self._inference.hierarchy.order(fn.cls)[1:]:
            for binding in member_bindings(ancestor.cls, fn.name, instance=False):
                base = binding.function if isinstance(binding, sc.FunctionBinding) else None
                same = _same_parameter(fn, param, base) if base is not None else None
                if base is not None and same is not None and base.scope.parent is not None:
                    types = self._inference.annotations.types(same, base.scope.parent)
                    return generics.substitute(types, ancestor.values)
        return UNKNOWN

    def _guessed(self, fn: sc.Function, param: s.Parameter) -> Types:
        """From fixtures, arguments at call sites, bridges, and last from the name."""
        found = self._fixture(fn, param) or frozenset(self._passed.get((fn, param.name), ()))
        found |= self._default_callable(fn, param)
        if fn.is_lambda:
            found = bridges.handed(fn, param, self._inference) or found
        if found or param.annotation is not None:
            return found
        if isinstance(fn.node, s.Lambda):
            found = self._keyed(fn.node, fn.params.index(param))
            if found:
                return found
        if param.name in self._inference.settings.session_names:
            return t.of(t.ExternalInstance(sqlalchemy.SESSION, heuristic=True))
        return UNKNOWN

    def _default_callable(self, fn: sc.Function, param: s.Parameter) -> Types:
        """`factory: Callable[[], Session] = SessionLocal`: which one."""
        default, outer = param.default, fn.scope.parent
        if not isinstance(default, s.Name | s.Attribute) or outer is None:
            return UNKNOWN
        return self._inference.infer(default, outer)

    def _keyed(self, node: s.Lambda, position: int) -> Types:
        """What a builtin that is given the lambda calls it with."""
        parents = self._inference.symbols.parents
        around = parents.get(node)
        around = parents.get(around) if isinstance(around, s.Keyword) else around
        for found in keyed(around) if isinstance(around, s.Call) else ():
            if found.function is node and found.position == position:
                scope = self._inference.symbols.scopes[node].parent
                assert scope is not None  # noqa: S101  a lambda stands in some scope
                return self.items(found, scope)
        return UNKNOWN

    def items(self, found: Keyed, scope: sc.Scope) -> Types:
        """What the function of `found` is called with."""
        types = self._inference.infer(found.items, scope)
        if not found.deep:
            return self._inference.protocols.elements(types)
        return frozenset(item for item in t.inside(types) if isinstance(item, t.Instance))

    def is_open(self, fn: sc.Function, param: s.Parameter) -> bool:
        """Whether arguments can tell more about the parameter than its annotation does."""
        if fn.node is None or fn.scope.parent is None:
            return False
        if param.annotation is None:
            return True
        found = self._inference.annotations.types(param.annotation, fn.scope.parent)
        return any(
            (isinstance(item, t.QueryOf) and not item.entities)
            or (isinstance(item, t.ExternalInstance) and item.dotted in CALLABLES)
            for item in found
        )

    def learn(self, fn: sc.Function, param: s.Parameter, types: Types) -> bool:
        """Note the types of an argument for an unannotated parameter; whether they are new."""
        known = self._passed.setdefault((fn, param.name), set())
        useful = {item for item in types if _is_worth_passing(item)} - known
        functions = sum(isinstance(item, t.FunctionObject) for item in known)
        classes = sum(isinstance(item, t.ClassObject) for item in known)
        others = len(known) - functions - classes
        is_full = (
            others >= _MAX_ARGUMENT_TYPES or functions >= _MAX_FUNCTIONS or classes >= _MAX_CLASSES
        )
        if not useful or is_full:
            return False
        known |= useful
        return True

    # --- pytest --------------------------------------------------------------------------------

    def _fixture(self, fn: sc.Function, param: s.Parameter) -> Types:
        if not (fn.is_test or "fixture" in fn.decorator_names):
            return UNKNOWN
        fixture = self.fixture(param.name, fn)
        if fixture is None:
            return UNKNOWN
        found = self._inference.protocols.injected(t.FunctionObject(fixture))
        return sync_sides(found) if fn.gets_sync_side(param.name) else found

    def fixture(self, name: str, user: sc.Function) -> sc.Function | None:
        """The fixture that the parameter `name` of `user` gets: the nearest one wins."""
        found = self._fixtures.get(name)
        if found is None:
            return None
        if user in found:  # one that has the name of what it takes
            return _nearest([fn for fn in found if fn is not user], user.module)
        key = name, user.module
        if key not in self._nearest:
            self._nearest[key] = _nearest(found, user.module)
        return self._nearest[key]


def _same_parameter(fn: sc.Function, param: s.Parameter, base: sc.Function) -> s.Expr | None:
    """The annotation that the parameter of `fn` has in `base`, by its name or else its place."""
    named = [other for other in base.params if other.name == param.name]
    place = fn.params.index(param)
    at_place = [base.params[place]] if place < len(base.params) else []
    found = [other for other in (*named, *at_place) if other.kind == param.kind]
    return found[0].annotation if found else None


def _fixtures(functions: list[sc.Function]) -> dict[str, list[sc.Function]]:
    found: dict[str, list[sc.Function]] = {}
    for fn in functions:
        if "fixture" in fn.decorator_names:
            found.setdefault(_fixture_name(fn), []).append(fn)
    homes = {(fn.module.name, fn.name): fn for named in found.values() for fn in named}
    for module in dict.fromkeys(fn.module for fn in functions):
        for origin, local in module.imported_as.items():
            fixture = homes.get(origin)
            # pytest goes by the name in the module, unless the decorator gives one.
            if fixture is not None and local != fixture.name == _fixture_name(fixture):
                found.setdefault(local, []).append(fixture)
    return found


def _fixture_name(fn: sc.Function) -> str:
    decorators = fn.node.decorators if isinstance(fn.node, s.FunctionDef) else ()
    for decorator in decorators:
        if isinstance(decorator, s.Call) and sc.last_name(decorator.func) == "fixture":
            for keyword in decorator.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, s.Constant):
                    return str(keyword.value.value)
    return fn.name


def _nearest(fixtures: list[sc.Function], user: sc.Module) -> sc.Function | None:
    return max(fixtures, key=lambda fn: _nearness(fn.module.name, user.name), default=None)


def _nearness(fixture: str, user: str) -> tuple[bool, int, str]:
    """Same module first, then the `conftest` with the longest common package."""
    common = 0
    for ours, theirs in zip(fixture.split("."), user.split("."), strict=False):
        if ours != theirs:
            break
        common += 1
    return (fixture == user, common, fixture)


def is_depends(expr: s.Expr | None) -> TypeGuard[s.Call]:
    """`Depends(...)` or `Security(...)`."""
    return isinstance(expr, s.Call) and sc.last_name(expr.func) in fastapi.DEPENDS_NAMES


def callable_params(fn: sc.Function, receiver: Type | None) -> tuple[s.Parameter, ...]:
    """Parameters that a call's arguments fill: without `self` for bound methods."""
    if receiver is None or not fn.self_name:
        return fn.params
    if isinstance(receiver, t.ClassObject) and not fn.is_classmethod:
        # `Base.method(self, x)` passes self, `Base(x)` does not.
        return fn.params[1:] if fn.name.startswith("__") else fn.params
    return fn.params[1:]


def _is_worth_passing(item: Type) -> bool:
    if isinstance(item, t.ExternalInstance):
        return not item.heuristic and not item.dotted.startswith("builtins.")
    return isinstance(item, _WORTH_PASSING)


_WORTH_PASSING = (
    *(t.Instance, t.ClassObject, t.AliasedClass, t.FunctionObject, t.SessionFactory),
    *(t.ListOf, t.DictOf, t.ContextOf, t.QueryOf, t.SelectOf, t.ResultOf),
)
