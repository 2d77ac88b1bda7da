"""What calls into libraries give: SQLAlchemy, SQLModel, FastAPI, and some of the standard library.

Only what carries sessions, queries, models or functions on is known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from migrate_async.errors import SourceError
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.entities import Entities
from migrate_async.index.extract import extract
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge import fastapi, sqlalchemy
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_LISTS = frozenset({"list", "sorted", "set", "tuple", "reversed", "iter", "frozenset", "filter"})
_SINGLES = frozenset({"next", "max", "min", "anext"})
_SAME = frozenset({"copy.copy", "copy.deepcopy", "functools.partial", "functools.wraps"})
_MODEL_CONSTRUCTORS = frozenset(
    {"model_validate", "from_orm", "parse_obj", "construct", "model_construct", "parse_raw"}
    | {"copy", "model_copy", "model_validate_json", "validate"}
)
_FACTORIES = frozenset({sqlalchemy.SESSIONMAKER, sqlalchemy.ASYNC_SESSIONMAKER})


class Library:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self.entities = Entities(inference)
        self._resolvers = _resolvers(inference.settings.session_resolvers)
        self._functions = self._by_name()

    def is_session_resolver(self, node: s.Call) -> bool:
        """Whether `node` is one of the calls that the settings name as giving a session."""
        return bool(self._resolvers) and _shape(node) in self._resolvers

    def called(self, item: Type, node: s.Call, scope: sc.Scope) -> Types:
        """What calling `item`, which no project function is, gives."""
        if isinstance(item, t.External):
            return self._external(item.dotted, node, scope)
        if isinstance(item, t.ExternalInstance):
            return _instance_called(item)
        if isinstance(item, t.ExternalMethod):
            return self._method(item, node, scope)
        if isinstance(item, t.Method):
            return self._bound(item, node, scope)
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
            ({"sqlalchemy.orm.object_session"}, self._object_session),
            ({"contextlib.closing", "contextlib.nullcontext"}, self._context),
        ):
            table.update(dict.fromkeys(names, handler))
        return table

    def _external(self, dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        handler = self._functions.get(dotted)
        if handler is not None:
            return handler(dotted, node, scope)
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
        return t.of(t.SelectOf(self.entities.of_arguments(node.args, scope)))

    def _aliased(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        kinds = t.ClassObject | t.AliasedClass
        types = self._first(node, scope)
        return frozenset(t.AliasedClass(i.cls) for i in types if isinstance(i, kinds))

    def _relationship(self, dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        targets = self.related(node, scope)
        if not targets:
            return t.of(t.ExternalInstance(dotted))
        values = frozenset(t.Instance(cls) for cls in targets)
        uselist = self._keyword(node, "uselist")
        if isinstance(uselist, s.Constant):
            return t.of(t.ListOf(values)) if uselist.value else values
        return values | t.of(t.ListOf(values))

    def related(self, node: s.Call, scope: sc.Scope) -> list[sc.Class]:
        """The classes that a `relationship(...)` points to."""
        target = node.args[0] if node.args else self._keyword(node, "argument")
        if isinstance(target, s.Lambda):
            target = target.body
        if target is None:
            return []
        if isinstance(target, s.Constant):
            return self.classes_named(str(target.value), scope.module)
        types = t.ordered(self._inference.infer(target, scope))
        return [item.cls for item in types if isinstance(item, t.ClassObject)]

    def classes_named(self, name: str, near: sc.Module) -> list[sc.Class]:
        """Classes by the name that a relationship string gives; those of `near` first."""
        last = name.rpartition(".")[2].strip()
        found = self._inference.classes_by_name.get(last, [])
        local = [cls for cls in found if cls.module is near]
        return local or [cls for cls in found if cls.qualname.endswith(name)][:3] or found[:3]

    def _declarative_base(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        cls = self._keyword(node, "cls")
        if cls is not None:
            types = self._inference.infer(cls, scope)
            found = frozenset(item for item in types if isinstance(item, t.ClassObject))
            if found:
                return found
        return t.of(t.External("sqlalchemy.orm.DeclarativeBase"))

    def _depends(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        target = node.args[0] if node.args else self._keyword(node, "dependency")
        return (
            UNKNOWN
            if target is None
            else self._inference.given(self._inference.infer(target, scope))
        )

    def _list(self, dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        values = node.args[1:] if dotted == "builtins.filter" else node.args[:1]
        types = t.union(self._inference.infer(value, scope) for value in values)
        return t.of(t.ListOf(self._inference.elements(types)))

    def _single(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return self._inference.elements(self._first(node, scope))

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
        items = self._inference.elements(self._first(node, scope))
        return t.of(t.ListOf(t.of(t.TupleOf((UNKNOWN, items)))))

    def _zip(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        infer, elements = self._inference.infer, self._inference.elements
        items = tuple(elements(infer(arg, scope)) for arg in node.args)
        return t.of(t.ListOf(t.of(t.TupleOf(items))))

    def _getattr(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        if len(node.args) < 2 or not isinstance(node.args[1], s.Constant):
            return t.of(t.ExternalResult("builtins.getattr"))
        name = str(node.args[1].value)
        types = t.ordered(self._first(node, scope))
        return t.union(self._inference.members.attribute(item, name) for item in types)

    def _type(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return frozenset(t.as_class(item) for item in self._first(node, scope))

    def _object_session(self, _dotted: str, _node: s.Call, _scope: sc.Scope) -> Types:
        return t.of(t.ExternalInstance(sqlalchemy.SESSION))

    def _context(self, _dotted: str, node: s.Call, scope: sc.Scope) -> Types:
        return t.of(t.ContextOf(self._first(node, scope)))

    # --- methods of library objects ------------------------------------------------------------

    def _method(self, item: t.ExternalMethod, node: s.Call, scope: sc.Scope) -> Types:
        owner, is_async = sqlalchemy.OWNERS.get(item.owner, ("", False))
        if owner == "session":
            return self._session(item, is_async, node, scope)
        if owner in ("engine", "connection"):
            return self._connection(item, is_async, node, scope)
        if owner == "factory" and item.name == "begin":
            session = sqlalchemy.ASYNC_SESSION if is_async else sqlalchemy.SESSION
            return t.of(t.ContextOf(t.of(t.ExternalInstance(session))))
        if owner == "transaction" or item.owner.startswith("sqlalchemy.ext.asyncio.Async"):
            return UNKNOWN
        return t.of(t.ExternalResult(f"{item.owner}.{item.name}"))

    def _session(
        self, item: t.ExternalMethod, is_async: bool, node: s.Call, scope: sc.Scope
    ) -> Types:
        name = item.name
        if name == "query":
            entities = self.entities.of_arguments(node.args, scope)
            return t.of(t.QueryOf(entities, "async" if is_async else "sync"))
        if name in ("execute", "exec", "scalars", "scalar", "stream", "stream_scalars"):
            return self._executed(name, self._first(node, scope))
        if name in ("get", "get_one"):
            entities = self.entities.of_arguments(node.args[:1], scope)
            return entities[0].value if entities else UNKNOWN
        if name == "merge":
            return self._first(node, scope)
        if name in ("begin", "begin_nested"):
            prefix = "sqlalchemy.ext.asyncio.Async" if is_async else "sqlalchemy.orm."
            return t.of(t.ExternalInstance(f"{prefix}SessionTransaction"))
        if name in ("connection", "get_bind", "run_sync", "query_property"):
            return self._session_other(name, is_async, node, scope)
        if name == "registry":
            return t.of(t.ExternalInstance(item.owner))
        return UNKNOWN

    def _session_other(self, name: str, is_async: bool, node: s.Call, scope: sc.Scope) -> Types:
        if name == "connection":
            kind = sqlalchemy.ASYNC_CONNECTION if is_async else sqlalchemy.CONNECTION
            return t.of(t.ExternalInstance(kind))
        if name == "get_bind":
            return t.of(t.ExternalInstance(sqlalchemy.ENGINE))
        if name == "query_property":
            return t.of(t.QueryOf((), "sync"))
        functions = self._first(node, scope)
        return t.union(
            self._inference.returns(item.fn, item.receiver)
            for item in t.ordered(functions)
            if isinstance(item, t.FunctionObject)
        )

    def _executed(self, name: str, statement: Types) -> Types:
        found: set[Type] = set()
        selects = [i for i in t.ordered(statement) if isinstance(i, t.SelectOf | t.QueryOf)]
        for entities in [item.entities for item in selects] or [()]:
            if name == "scalar":
                found |= entities[0].value if entities else UNKNOWN
            elif name in ("scalars", "stream_scalars"):
                found.add(t.ResultOf(entities, "scalars"))
            else:
                single = name == "exec" and len(entities) == 1
                found.add(t.ResultOf(entities, "scalars" if single else "rows"))
        return frozenset(found)

    def _connection(
        self, item: t.ExternalMethod, is_async: bool, node: s.Call, scope: sc.Scope
    ) -> Types:
        if item.name in ("connect", "execution_options"):
            kind = sqlalchemy.ASYNC_CONNECTION if is_async else sqlalchemy.CONNECTION
            return t.of(t.ExternalInstance(kind))
        if item.name == "begin" and sqlalchemy.OWNERS[item.owner][0] == "engine":
            kind = sqlalchemy.ASYNC_CONNECTION if is_async else sqlalchemy.CONNECTION
            return t.of(t.ContextOf(t.of(t.ExternalInstance(kind))))
        if item.name in ("begin", "begin_nested"):
            kind = "ext.asyncio.AsyncTransaction" if is_async else "Transaction"
            return t.of(t.ExternalInstance(f"sqlalchemy.{kind}"))
        if item.name in ("execute", "scalars", "stream", "scalar"):
            return self._executed(item.name, self._first(node, scope))
        return UNKNOWN

    # --- methods of values whose content is known ----------------------------------------------

    def _bound(self, item: t.Method, node: s.Call, scope: sc.Scope) -> Types:
        owner, name = item.owner, item.name
        if isinstance(owner, t.QueryOf):
            return self._query(owner, name, node, scope)
        if isinstance(owner, t.SelectOf):
            return self._select_method(owner, name, node, scope)
        if isinstance(owner, t.ResultOf):
            return _result_method(owner, name)
        if isinstance(owner, t.ListOf):
            return _list_method(owner, name)
        if isinstance(owner, t.DictOf):
            return _dict_method(owner, name)
        if isinstance(owner, t.SessionFactory) and name == "begin":
            return t.of(t.ContextOf(t.of(owner.session)))
        if isinstance(owner, t.Instance | t.ClassObject) and name in _MODEL_CONSTRUCTORS:
            return t.of(t.Instance(owner.cls, owner.args))
        return UNKNOWN

    def _query(self, query: t.QueryOf, name: str, node: s.Call, scope: sc.Scope) -> Types:
        if name in sqlalchemy.QUERY_ONE:
            return t.entity_rows(query.entities)
        if name in ("all", "paginate"):
            return t.of(t.ListOf(t.entity_rows(query.entities)))
        if name == "scalar":
            return query.entities[0].value if query.entities else UNKNOWN
        if name in ("subquery", "cte"):
            return t.of(t.ExternalInstance("sqlalchemy.Subquery"))
        if name in sqlalchemy.QUERY_ENDS or name in sqlalchemy.QUERY_OTHER:
            return t.of(t.ExternalResult(f"{sqlalchemy.QUERY}.{name}"))
        if name == "with_session":
            return t.of(query)
        entities = self._changed_entities(query.entities, name, node, scope)
        return t.of(msgspec.structs.replace(query, entities=entities))

    def _select_method(self, select: t.SelectOf, name: str, node: s.Call, scope: sc.Scope) -> Types:
        if name in sqlalchemy.SELECT_OTHER:
            return t.of(t.ExternalInstance("sqlalchemy.Subquery"))
        return t.of(t.SelectOf(self._changed_entities(select.entities, name, node, scope)))

    def _changed_entities(
        self, entities: tuple[t.Entity, ...], name: str, node: s.Call, scope: sc.Scope
    ) -> tuple[t.Entity, ...]:
        if name in ("with_entities", "with_only_columns"):
            return self.entities.of_arguments(node.args, scope)
        if name in ("add_columns", "add_entity", "add_column") and entities:
            return (*entities, *self.entities.of_arguments(node.args, scope))
        return entities


_LOWER_CASE_CLASSES = frozenset(
    {sqlalchemy.SCOPED_SESSION, "sqlalchemy.ext.asyncio.async_scoped_session"}
)


def _instance_called(item: t.ExternalInstance) -> Types:
    if item.dotted == sqlalchemy.SCOPED_SESSION:
        return t.of(t.ExternalInstance(sqlalchemy.SESSION))
    if item.dotted == sqlalchemy.SESSIONMAKER:
        return t.of(t.ExternalInstance(sqlalchemy.SESSION))
    if item.dotted == sqlalchemy.ASYNC_SESSIONMAKER:
        return t.of(t.ExternalInstance(sqlalchemy.ASYNC_SESSION))
    if item.dotted == "sqlalchemy.ext.asyncio.async_scoped_session":
        return t.of(t.ExternalInstance(sqlalchemy.ASYNC_SESSION))
    return UNKNOWN


def _result_method(result: t.ResultOf, name: str) -> Types:
    if name == "scalars":
        return t.of(t.ResultOf(result.entities, "scalars"))
    if name == "mappings":
        return t.of(t.ResultOf(result.entities, "mappings"))
    if name in sqlalchemy.RESULT_SAME:
        return t.of(result)
    if name in sqlalchemy.RESULT_ONE:
        return t.result_rows(result)
    if name in sqlalchemy.RESULT_ALL:
        return t.of(t.ListOf(t.result_rows(result)))
    if name in sqlalchemy.RESULT_SCALAR:
        return result.entities[0].value if result.entities else UNKNOWN
    return UNKNOWN


def _list_method(owner: t.ListOf, name: str) -> Types:
    if name in ("pop", "__next__", "send"):
        return owner.items
    return t.of(owner) if name in ("copy", "union", "intersection", "difference") else UNKNOWN


def _dict_method(owner: t.DictOf, name: str) -> Types:
    if name in ("get", "pop", "setdefault"):
        return owner.values
    if name == "values":
        return t.of(t.ListOf(owner.values))
    if name == "keys":
        return t.of(t.ListOf(owner.keys))
    if name == "items":
        return t.of(t.ListOf(t.of(t.TupleOf((owner.keys, owner.values)))))
    return t.of(owner) if name == "copy" else UNKNOWN


def _resolvers(texts: tuple[str, ...]) -> frozenset[tuple[object, ...]]:
    """Shapes of the configured calls; texts that are no call are passed over."""
    found = set()
    for text in texts:
        try:
            body = extract(text).body
        except SourceError:
            continue
        first = body[0] if body else None
        if isinstance(first, s.ExpressionStatement) and isinstance(first.value, s.Call):
            found.add(_shape(first.value))
    return frozenset(found)


def _shape(node: s.Call) -> tuple[object, ...]:
    """A call as something to compare: its dotted name and its constant arguments."""
    args = tuple(arg.value if isinstance(arg, s.Constant) else None for arg in node.args)
    keywords = tuple(
        (k.arg, k.value.value if isinstance(k.value, s.Constant) else None) for k in node.keywords
    )
    return (s.dotted_name(node.func), args, keywords)
