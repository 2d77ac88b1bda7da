"""What calls into libraries give: SQLAlchemy, SQLModel, FastAPI, and some of the standard library.

Only what carries sessions, queries, models or functions on is known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from migrate_async.errors import SourceError
from migrate_async.index import bridges, providers
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.entities import Entities
from migrate_async.index.extract import extract
from migrate_async.index.made_bases import given_bases
from migrate_async.index.methods import Methods
from migrate_async.index.resolve import alias
from migrate_async.index.texts import Texts
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge import fastapi, pagination, sqlalchemy
from migrate_async.knowledge.shim import ASYNC_SIDE, CALL_ASYNC, PACKAGE
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_MAPPINGS = sqlalchemy.IMPERATIVE_MAPPINGS
GETATTR = "builtins.getattr"
_CONTEXT_MAKERS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})
_LISTS = frozenset({"list", "sorted", "set", "tuple", "reversed", "iter", "frozenset", "filter"})
_SINGLES = frozenset({"next", "max", "min", "anext"})
_SAME = frozenset(
    {"copy.copy", "copy.deepcopy", "functools.partial", "functools.wraps"}
    | {"migrate_async.expire_late"}
)
_FACTORIES = frozenset({sqlalchemy.SESSIONMAKER, sqlalchemy.ASYNC_SESSIONMAKER})


def ends_of(name: s.Expr) -> tuple[str, str] | None:
    """How a text begins and ends that is put together: `f"on_{kind}"`, `"on_" + kind`."""
    if not isinstance(name, s.Operation) or name.operator not in ("f-string", "+"):
        return None
    first, last = (
        str(part.value) if isinstance(part, s.Constant) and part.kind == "str" else ""
        for part in (name.operands[:1] + name.operands[-1:])
    )
    return (first, last) if first or last else None


def paged(call: s.Call, infer: Callable[[s.Expr], Types]) -> s.Expr | None:
    """What `paginate(...)` makes a page of: `query` in `(session, query)` and in `(query)`."""
    named = (item.value for item in call.keywords if item.arg == "query")
    for value in (*named, *call.args[:2]):
        if any(isinstance(item, t.QueryOf | t.SelectOf | t.ClassObject) for item in infer(value)):
            return value
    return None


class Library:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._entities = Entities(inference)
        self._texts = Texts(inference.names)
        self._methods = Methods(inference, self._entities)
        self._registry_keys = inference.settings.registry_keys
        self._resolvers = _resolvers(inference.settings.session_resolvers)
        self._functions = self._by_name()

    def is_session_resolver(self, node: s.Call) -> bool:
        """Whether `node` is one of the calls that the settings name as giving a session.

        Those are the calls written out there, and `<anything>.resolve(<registry key>)`.
        """
        name = sc.last_name(node.func)
        first = node.args[0] if name == "resolve" and node.args else None
        if isinstance(first, s.Constant) and first.value in self._registry_keys:
            return True
        shapes = self._resolvers.get(name)
        return shapes is not None and _shape(node) in shapes

    def called(self, item: Type, node: s.Call, scope: sc.Scope) -> Types:
        """What calling `item`, which no project function is, gives."""
        if isinstance(item, t.External):
            return self._external(item.dotted, node, scope)
        if isinstance(item, t.ExternalInstance):
            return _instance_called(item)
        if isinstance(item, t.ExternalMethod | t.Method):
            return self._methods.called(item, node, scope)
        if isinstance(item, t.ProviderOf):
            return item.value
        return t.of(item.session) if isinstance(item, t.SessionFactory) else UNKNOWN

    # --- functions and classes -----------------------------------------------------------------

    def _by_name(self) -> dict[str, Callable[[str, s.Call, sc.Scope], Types]]:
        table: dict[str, Callable[[str, s.Call, sc.Scope], Types]] = {}
        for names, handler in (
            (_FACTORIES, self._sessionmaker),
            (sqlalchemy.SELECTS, self._select),
            (sqlalchemy.ALIASED, self._aliased),
            (sqlalchemy.RELATIONSHIPS, self._relationship),
            (sqlalchemy.BASE_FACTORIES, self._declarative_base),
            (fastapi.DEPENDS, self._depends),
            ({f"builtins.{name}" for name in _LISTS}, self._list),
            ({f"builtins.{name}" for name in _SINGLES}, self._single),
            (_SAME, self._same),
            ({"typing.cast", "typing_extensions.cast"}, self._cast),
            ({"builtins.super"}, self._super),
            ({"builtins.enumerate"}, self._enumerate),
            ({"builtins.zip"}, self._zip),
            ({"builtins.getattr"}, self._getattr),
            ({"builtins.type"}, self._type),
            ({*sqlalchemy.OBJECT_SESSIONS, "migrate_async.sync_side"}, self._session),
            ({sqlalchemy.ASYNC_OBJECT_SESSION, f"{PACKAGE}.{ASYNC_SIDE}"}, self._async_session),
            (sqlalchemy.STATE_OF_OBJECT, self._state),
            ({sqlalchemy.TASK_SCOPED_SESSION}, self._async_scoped_session),
            ({*fastapi.THREADS, f"{PACKAGE}.{CALL_ASYNC}"}, self._bridged),
            ({"contextlib.closing", "contextlib.nullcontext"}, self._context),
            (_CONTEXT_MAKERS, self._context_function),
            ({*pagination.PAGINATES, *pagination.COROUTINES}, self._page),
        ):
            table.update(dict.fromkeys(names, handler))
        return table

    def _external(self, dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        handler = self._functions.get(dotted)
        if handler is not None:
            return handler(dotted, node, scope)
        provider = providers.made(dotted, node, scope, self._inference)
        if provider is not None:
            return provider
        engine = sqlalchemy.ENGINE_FACTORIES.get(dotted)
        if engine is not None:
            return t.of(t.ExternalInstance(engine))
        if dotted.rpartition(".")[2][:1].isupper() or dotted in _LOWER_CASE_CLASSES:
            return t.of(t.ExternalInstance(dotted))
        return t.of(t.ExternalResult(dotted))

    def _first(self, node: s.Call, scope: sc.Scope) -> Types:
        return self._inference.infer(node.args[0], scope) if node.args else UNKNOWN

    def _keyword(self, node: s.Call, name: str) -> s.Expr | None:
        return next((k.value for k in node.keywords if k.arg == name), None)

    def _sessionmaker(self, dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        is_async = dotted == sqlalchemy.ASYNC_SESSIONMAKER
        default = sqlalchemy.ASYNC_SESSION if is_async else sqlalchemy.SESSION
        made: Type = t.ExternalInstance(default)
        cls = self._keyword(node, "class_")
        if cls is not None:
            for item in t.ordered(self._inference.infer(cls, scope)):
                if isinstance(item, t.ClassObject | t.External):
                    made = t.as_instance(item)
        if isinstance(made, t.ExternalInstance):
            is_async = is_async or made.dotted in sqlalchemy.ASYNC_SESSIONS
        elif isinstance(made, t.Instance):
            is_async = self._inference.hierarchy.is_a(made.cls, sqlalchemy.ASYNC_SESSIONS)
        return t.of(t.SessionFactory(made, is_async))

    def _select(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return t.of(t.SelectOf(self._entities.of_arguments(node.args, scope)))

    def _aliased(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        kinds = t.ClassObject | t.AliasedClass
        types = self._first(node, scope)
        return frozenset(t.AliasedClass(i.cls) for i in types if isinstance(i, kinds))

    def _relationship(self, dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        targets = self.related(node, scope)
        if not targets:
            return t.of(t.ExternalInstance(dotted))
        return related_types(targets, self._keyword(node, "lazy"), self._keyword(node, "uselist"))

    def related(self, node: s.Call, scope: sc.Scope) -> list[sc.Class]:
        """The classes that a `relationship(...)` points to."""
        target = node.args[0] if node.args else self._keyword(node, "argument")
        if isinstance(target, s.Lambda):
            target = target.body
        if target is None:
            return []
        if isinstance(target, s.Constant):
            return self._inference.registries.classes(str(target.value), scope)
        mapper, home = alias(target, self._inference.names, scope) or (target, scope)
        if isinstance(mapper, s.Call) and sc.last_name(mapper.func) in _MAPPINGS and mapper.args:
            target, scope = mapper.args[0], home  # `users = mapper(User, ...)`
        types = t.ordered(self._inference.infer(target, scope))
        return [item.cls for item in types if isinstance(item, t.ClassObject)]

    def queried(self, call: s.Call, scope: sc.Scope, annotated: Types) -> Types:
        """What a dynamic relationship is, whose annotation says `annotated`."""
        named = [item.cls for item in t.elements(annotated) if isinstance(item, t.Instance)]
        targets = self.related(call, scope) or list(dict.fromkeys(named))
        return dynamic_types(targets) if targets else UNKNOWN

    def _declarative_base(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        found = frozenset(
            item
            for base in given_bases(node)
            for item in self._inference.infer(base, scope)
            if isinstance(item, t.ClassObject)
        )
        return found or t.of(t.External(sqlalchemy.MADE_BASE))

    def _depends(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        target = node.args[0] if node.args else self._keyword(node, "dependency")
        if target is None:
            return UNKNOWN
        types = self._inference.infer(target, scope)
        if providers.is_injection(target, scope, self._inference):
            return types
        return self._inference.protocols.given(types)

    def _list(self, dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        values = node.args[1:] if dotted == "builtins.filter" else node.args[:1]
        types = t.union(self._inference.infer(value, scope) for value in values)
        return t.of(t.ListOf(self._inference.protocols.elements(types)))

    def _single(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return self._inference.protocols.elements(self._first(node, scope))

    def _same(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return self._first(node, scope)

    def _cast(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return self._inference.annotations.types(node.args[0], scope) if node.args else UNKNOWN

    def _super(self, _dotted: str, _node: s.Call, scope: sc.Scope) -> Types:
        current: sc.Scope | None = scope
        while current is not None:
            if current.kind == "class" and current.cls is not None:
                return t.of(t.Super(current.cls))
            current = current.parent
        return UNKNOWN

    def _enumerate(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        items = self._inference.protocols.elements(self._first(node, scope))
        return t.of(t.ListOf(t.of(t.TupleOf((UNKNOWN, items)))))

    def _zip(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        infer, elements = self._inference.infer, self._inference.protocols.elements
        items = tuple(elements(infer(arg, scope)) for arg in node.args)
        return t.of(t.ListOf(t.of(t.TupleOf(items))))

    def _getattr(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        if len(node.args) < 2:
            return UNKNOWN
        members, types = self._inference.members, t.ordered(self._first(node, scope))
        name = node.args[1]
        texts = sorted(self._texts.of(name, scope))
        if texts:
            return t.union(members.attribute(item, text) for item in types for text in texts)
        ends = ends_of(name)
        found = t.union(members.functions(item, *ends) for item in types if ends)
        return found or t.of(t.ExternalResult(GETATTR))

    def _type(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return frozenset(t.as_class(item) for item in self._first(node, scope))

    def _session(self, _dotted: str, _node: s.Call, _scope: sc.Scope) -> Types:
        return t.of(t.ExternalInstance(sqlalchemy.SESSION))

    def _async_session(self, _dotted: str, _node: s.Call, _scope: sc.Scope) -> Types:
        return t.of(t.ExternalInstance(sqlalchemy.ASYNC_SESSION))

    def _state(self, dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        """`inspect(x)` of an object of a class of the project."""
        is_object = any(isinstance(item, t.Instance) for item in self._first(node, scope))
        state = t.ExternalInstance(sqlalchemy.INSTANCE_STATE)
        return t.of(state if is_object else t.ExternalResult(dotted))

    def _async_scoped_session(self, _dotted: str, _node: s.Call, _scope: sc.Scope) -> Types:
        return t.of(t.ExternalInstance(sqlalchemy.ASYNC_SCOPED_SESSION))

    def _bridged(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return bridges.result(node, scope, self._inference)

    def _page(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        value = paged(node, lambda expr: self._inference.infer(expr, scope))
        items: set[Type] = set()
        for item in self._inference.infer(value, scope) if value is not None else ():
            if isinstance(item, t.QueryOf | t.SelectOf):
                items |= t.entity_rows(item.entities)
            elif isinstance(item, t.ClassObject):
                items.add(t.as_instance(item))
        return t.of(t.PageOf(frozenset(items)))

    def _context(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return t.of(t.ContextOf(self._first(node, scope)))

    def _context_function(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        """`contextmanager(get_db)`, without the `@`."""
        return frozenset(
            t.ContextFunction(item.fn, item.receiver)
            for item in self._first(node, scope)
            if isinstance(item, t.FunctionObject) and item.fn.is_generator
        )


_LOWER_CASE_CLASSES = frozenset({sqlalchemy.SCOPED_SESSION, sqlalchemy.ASYNC_SCOPED_SESSION})


def dynamic_types(targets: list[sc.Class]) -> Types:
    """The query that a dynamic relationship to `targets` is."""
    values = frozenset(t.Instance(cls) for cls in targets)
    entity = t.Entity("class", targets[0] if len(targets) == 1 else None, "", values)
    return t.of(t.QueryOf((entity,), "sync"))


def related_types(targets: list[sc.Class], lazy: s.Expr | None, uselist: s.Expr | None) -> Types:
    """What a relationship attribute holds: an object, a collection, or with `dynamic` a query."""
    values = frozenset(t.Instance(cls) for cls in targets)
    if isinstance(lazy, s.Constant) and lazy.value == "dynamic":
        return dynamic_types(targets)
    if isinstance(uselist, s.Constant):
        return t.of(t.ListOf(values)) if uselist.value else values
    return values | t.of(t.ListOf(values))


def _instance_called(item: t.ExternalInstance) -> Types:
    if item.dotted == sqlalchemy.SCOPED_SESSION:
        return t.of(t.ExternalInstance(sqlalchemy.SESSION))
    if item.dotted == sqlalchemy.SESSIONMAKER:
        return t.of(t.ExternalInstance(sqlalchemy.SESSION))
    if item.dotted == sqlalchemy.ASYNC_SESSIONMAKER:
        return t.of(t.ExternalInstance(sqlalchemy.ASYNC_SESSION))
    if item.dotted == sqlalchemy.ASYNC_SCOPED_SESSION:
        return t.of(t.ExternalInstance(sqlalchemy.ASYNC_SESSION))
    return UNKNOWN


def _resolvers(texts: tuple[str, ...]) -> dict[str, set[tuple[object, ...]]]:
    """Shapes of the configured calls by the last name; texts that are no call are passed over."""
    found: dict[str, set[tuple[object, ...]]] = {}
    for text in texts:
        try:
            body = extract(text).body
        except SourceError:
            continue
        first = body[0] if body else None
        if isinstance(first, s.ExpressionStatement) and isinstance(first.value, s.Call):
            call = first.value
            found.setdefault(sc.last_name(call.func), set()).add(_shape(call))
    return found


def _shape(node: s.Call) -> tuple[object, ...]:
    """A call as something to compare: its dotted name and its constant arguments."""
    args = tuple(arg.value if isinstance(arg, s.Constant) else None for arg in node.args)
    keywords = tuple(
        (k.arg, k.value.value if isinstance(k.value, s.Constant) else None) for k in node.keywords
    )
    return (s.dotted_name(node.func), args, keywords)
