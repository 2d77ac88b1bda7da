"""Annotations to types: unions, containers, `Annotated`, aliases, type variables, strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrate_async.errors import SourceError
from migrate_async.index import resolve
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.classes import subscript_items
from migrate_async.index.dict_sessions import as_given
from migrate_async.index.extract import extract
from migrate_async.index.schemas import seen_through
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge import fastapi, sqlalchemy
from migrate_async.knowledge.dispatch import CALLABLES
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_TRANSPARENT = (
    frozenset({"Optional", "Union", "ClassVar", "Final", "Required", "NotRequired", "ReadOnly"})
    | sqlalchemy.MAPPED
)
_ITERABLES = frozenset(
    {"List", "list", "Sequence", "Iterable", "Iterator", "Set", "set", "FrozenSet", "frozenset"}
    | {"Generator", "AsyncGenerator", "AsyncIterator", "AsyncIterable", "Collection", "deque"}
    | {"Deque", "MutableSequence", "Page", "AbstractSet", "KeysView", "ValuesView"}
)
_CONTEXTS = frozenset(
    {"ContextManager", "AbstractContextManager", "AsyncContextManager"}
    | {"AbstractAsyncContextManager"}
)
_AWAITABLES = frozenset({"Awaitable", "Coroutine", "Future", "Task"})
_DICTS = frozenset(
    {"Dict", "dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict"}
)
_ALIASES = (s.Subscript, s.Operation)
_MAX_ALIASES = 8
_VAGUE = frozenset(
    f"builtins.{name}" for name in ("dict", "frozenset", "list", "object", "set", "tuple", "type")
) | {"collections.abc.Callable", sqlalchemy.SELECT, *sqlalchemy.BASES_OF_ALL_MODELS}

_ANY = frozenset({"typing.Any", "typing_extensions.Any"})


class Annotations:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._memo: dict[s.Expr, Types] = {}
        self._texts: dict[s.Constant, s.Expr | None] = {}

    def forget(self) -> None:
        self._memo.clear()

    def types(self, expr: s.Expr, scope: sc.Scope) -> Types:
        """Types of a value that is annotated `expr`; recursive aliases give an empty set."""
        memory = self._inference.memory
        found = memory.recall(self._memo, expr)
        if found is not None:
            return found
        return memory.remember(self._memo, expr, self._find, expr, scope)

    def _find(self, expr: s.Expr, scope: sc.Scope) -> Types:
        if isinstance(expr, s.Name | s.Attribute):
            return self._named(expr, scope)
        if isinstance(expr, s.Subscript):
            return self._subscript(expr, scope)
        if isinstance(expr, s.Operation) and expr.operator == "|":
            return t.union(self.types(operand, scope) for operand in expr.operands)
        if isinstance(expr, s.Constant) and expr.kind == "str":
            parsed = self.parsed(expr)
            return UNKNOWN if parsed is None else self.types(parsed, scope)
        return UNKNOWN

    def parsed(self, text: s.Constant) -> s.Expr | None:
        """The expression that a string annotation holds; None if it is none."""
        if text not in self._texts:
            self._texts[text] = _parse(str(text.value))
        return self._texts[text]

    def unaliased(self, expr: s.Expr, scope: sc.Scope) -> tuple[s.Expr, sc.Scope]:
        """`expr` with string quotes and type aliases followed, and the scope it stands in."""
        for _ in range(_MAX_ALIASES):
            if isinstance(expr, s.Constant) and expr.kind == "str":
                parsed = self.parsed(expr)
                if parsed is None:
                    break
                expr = parsed
            target = resolve.alias(expr, self._inference.names, scope)
            if target is None or not isinstance(target[0], (*_ALIASES, s.Name, s.Attribute)):
                break
            expr, scope = target
        return expr, scope

    def _named(self, expr: s.Name | s.Attribute, scope: sc.Scope) -> Types:
        target = resolve.alias(expr, self._inference.names, scope)
        if target is not None:
            value, home = target
            if isinstance(value, s.Call) and isinstance(expr, s.Name):
                variable = self._type_variable(value, home)
                if variable is not None:
                    return t.of(variable)
            if isinstance(value, _ALIASES):
                return self.types(value, home)
        types = self._inference.infer(expr, scope)
        found = frozenset(self._value(item) for item in types if isinstance(item, _CLASSES))
        # `db: SessionLocal` means a session, though it names the factory.
        found |= {item.session for item in types if isinstance(item, t.SessionFactory)}
        if not found and isinstance(expr, s.Name):
            return self._type_parameter(expr.id, scope) or self._registered(expr.id, scope)
        return found

    def _registered(self, name: str, scope: sc.Scope) -> Types:
        """`Mapped["Team"]` in a module that does not import Team: SQLAlchemy looks it up, too."""
        if self._inference.names.lookup(name, scope):
            return UNKNOWN
        classes = self._inference.registries.neighbours(name, scope)
        return frozenset(t.Instance(cls) for cls in classes)

    def _value(self, item: Type) -> Type:
        if isinstance(item, t.External) and item.dotted == sqlalchemy.QUERY:
            return t.QueryOf((), "sync")
        return t.as_instance(item)

    def _type_variable(self, call: s.Call, scope: sc.Scope) -> t.TypeVariable | None:
        if sc.last_name(call.func) != "TypeVar" or not call.args:
            return None
        name = call.args[0]
        bounds = [k.value for k in call.keywords if k.arg == "bound"] or list(call.args[1:])
        bound = t.union(self.types(item, scope) for item in bounds)
        return t.TypeVariable(str(name.value) if isinstance(name, s.Constant) else "", False, bound)

    def _type_parameter(self, name: str, scope: sc.Scope) -> Types:
        """A PEP 695 type parameter of a class around `scope`."""
        current: sc.Scope | None = scope
        while current is not None:
            if current.cls is not None and name in current.cls.node.type_params:
                return t.of(t.TypeVariable(name))
            current = current.parent
        return UNKNOWN

    def _subscript(self, expr: s.Subscript, scope: sc.Scope) -> Types:
        items = subscript_items(expr)
        head = sc.last_name(expr.value)
        if head in _TRANSPARENT:
            return t.union(self.types(item, scope) for item in items)
        if head == "Annotated":
            return self._annotated(items, scope)
        if head in ("Type", "type"):
            return frozenset(t.as_class(item) for item in self.types(items[0], scope))
        container = None if self._is_own(expr.value, scope) else self._container(head, items, scope)
        return self._generic(expr, items, scope) if container is None else t.of(container)

    def _is_own(self, head: s.Expr, scope: sc.Scope) -> bool:
        """Whether the project defines the class: its `Page` is no container that we know."""
        return any(isinstance(item, t.ClassObject) for item in self._inference.infer(head, scope))

    def _container(self, head: str, items: tuple[s.Expr, ...], scope: sc.Scope) -> Type | None:
        if head in _ITERABLES:
            return t.ListOf(self.types(items[0], scope))
        if head in _CONTEXTS:
            return t.ContextOf(self.types(items[0], scope))
        if head in _DICTS and len(items) == 2:
            return t.DictOf(self.types(items[0], scope), self.types(items[1], scope))
        if head in ("Tuple", "tuple"):
            if len(items) == 2 and _is_ellipsis(items[1]):
                return t.ListOf(self.types(items[0], scope))
            return t.TupleOf(tuple(self.types(item, scope) for item in items))
        return None

    def _annotated(self, items: tuple[s.Expr, ...], scope: sc.Scope) -> Types:
        """`Annotated[X, Depends(f)]`: X, or what `f` gives where X says nothing."""
        found = self.types(items[0], scope)
        depends = [
            item
            for item in items[1:]
            if isinstance(item, s.Call) and sc.last_name(item.func) in fastapi.DEPENDS_NAMES
        ]

        def given() -> Types:
            return t.union(self._inference.infer(item, scope) for item in depends)

        if found and not all(is_vague(item) for item in found):
            found = as_given(found, given, self._inference.hierarchy)
            return seen_through(found, given, self._inference.hierarchy)
        return found | given()

    def _generic(self, expr: s.Subscript, items: tuple[s.Expr, ...], scope: sc.Scope) -> Types:
        if sc.last_name(expr.value) in _AWAITABLES:
            return self.types(items[-1], scope)
        found: set[Type] = set()
        for head in t.ordered(self._inference.infer(expr.value, scope)):
            if isinstance(head, t.ClassObject):
                args = tuple(self.types(item, scope) for item in items)
                found.add(t.Instance(head.cls, args))
            elif isinstance(head, t.External):
                found.add(self._external_generic(head, items, scope))
        return frozenset(found)

    def _external_generic(
        self, head: t.External, items: tuple[s.Expr, ...], scope: sc.Scope
    ) -> Type:
        if head.dotted not in (sqlalchemy.QUERY, sqlalchemy.SESSIONMAKER):
            return t.ExternalInstance(head.dotted)
        values = self.types(items[0], scope)
        if head.dotted == sqlalchemy.SESSIONMAKER:
            sessions = list(t.ordered(values))
            return t.SessionFactory(sessions[0]) if sessions else t.ExternalInstance(head.dotted)
        models = [item.cls for item in values if isinstance(item, t.Instance)]
        model = models[0] if len(models) == 1 else None
        kind = "class" if model is not None else "unknown"
        return t.QueryOf((t.Entity(kind, model, "", values),) if values else (), "sync")


_CLASSES = t.ClassObject | t.External | t.AliasedClass


def is_vague(item: Type) -> bool:
    """An annotation that says less than the code: `Any`, a bare container, `Query` or `Select`.

    Containers of callables are, too, and those of `Any`: the code says what they hold.
    """
    if isinstance(item, t.QueryOf):
        return not item.entities
    if isinstance(item, t.ListOf):
        return any(map(_is_callable, item.items)) or _is_any(item.items)
    if isinstance(item, t.TupleOf):
        return any(_is_any(types) or _are_lists_of_any(types) for types in item.items)
    if isinstance(item, t.DictOf):
        return not item.values or any(
            _is_callable(value) or is_vague(value) for value in item.values
        )
    if not isinstance(item, t.ExternalInstance):
        return False
    return item.dotted in _VAGUE | CALLABLES or item.dotted.startswith("typing")


def _is_callable(item: Type) -> bool:
    return isinstance(item, t.ExternalInstance) and item.dotted in CALLABLES


def _are_lists_of_any(types: Types) -> bool:
    return bool(types) and all(isinstance(i, t.ListOf) and _is_any(i.items) for i in types)


def _is_any(types: Types) -> bool:
    return bool(types) and all(
        isinstance(item, t.ExternalInstance) and item.dotted in _ANY for item in types
    )


def sharper(declared: Types, inferred: Types) -> Types:
    """What a vague annotation and the code say together: a bare `Query` stays a query."""
    if any(isinstance(item, t.QueryOf) for item in declared):
        inferred = frozenset(
            item for item in inferred if isinstance(item, t.QueryOf) and item.entities
        )
    return inferred or declared


def _is_ellipsis(expr: s.Expr) -> bool:
    return isinstance(expr, s.Constant) and expr.kind == "ellipsis"


def _parse(text: str) -> s.Expr | None:
    try:
        body = extract(text.strip()).body
    except SourceError:
        return None
    first = body[0] if body else None
    return first.value if isinstance(first, s.ExpressionStatement) else None
