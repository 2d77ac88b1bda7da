"""What methods of library objects give: sessions, engines, queries, results, containers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from migrate_async.index import bridges
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.entities import Entities
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_MODEL_CONSTRUCTORS = frozenset(
    {"model_validate", "from_orm", "parse_obj", "construct", "model_construct", "parse_raw"}
    | {"copy", "model_copy", "model_validate_json", "validate"}
)
_SUBQUERY = t.of(t.ExternalInstance("sqlalchemy.Subquery"))


class Methods:
    def __init__(self, inference: Inference, entities: Entities) -> None:
        self._inference = inference
        self._entities = entities
        self._owners: dict[type, Callable[[Any, str, s.Call, sc.Scope], Types]] = {
            t.QueryOf: self._query,
            t.SelectOf: self._select,
            t.ResultOf: lambda owner, name, _node, _scope: _result(owner, name),
            t.ListOf: lambda owner, name, _node, _scope: _list(owner, name),
            t.DictOf: lambda owner, name, _node, _scope: _dict(owner, name),
            t.SessionFactory: lambda owner, name, _node, _scope: _factory(owner, name),
            t.Instance: lambda owner, name, _node, _scope: _model(owner, name),
            t.ClassObject: lambda owner, name, _node, _scope: _model(owner, name),
        }
        self._sessions: dict[str, Callable[[bool, s.Call, sc.Scope], Types]] = {
            "query": self._new_query,
            "get": self._get,
            "get_one": self._get,
            "merge": lambda _is_async, node, scope: self._first(node, scope),
            "begin": _new_transaction,
            "begin_nested": _new_transaction,
            "connection": _new_connection,
            "get_bind": lambda _is_async, _node, _scope: t.of(_ENGINE),
            "query_property": lambda _is_async, _node, _scope: t.of(t.QueryOf((), "sync")),
            "run_sync": self._run_sync,
        }

    def called(self, item: t.ExternalMethod | t.Method, node: s.Call, scope: sc.Scope) -> Types:
        """What calling the method `item` gives."""
        if isinstance(item, t.ExternalMethod):
            return self._external(item, node, scope)
        handler = self._owners.get(type(item.owner))
        return UNKNOWN if handler is None else handler(item.owner, item.name, node, scope)

    def _first(self, node: s.Call, scope: sc.Scope) -> Types:
        return self._inference.infer(node.args[0], scope) if node.args else UNKNOWN

    # --- sessions, engines, connections --------------------------------------------------------

    def _external(self, item: t.ExternalMethod, node: s.Call, scope: sc.Scope) -> Types:
        owner, is_async = sqlalchemy.OWNERS.get(item.owner, ("", False))
        if not owner:
            return t.of(t.ExternalResult(f"{item.owner}.{item.name}"))
        if owner in ("session", "connection", "engine") and item.name in _EXECUTES:
            return self._executed(item.name, self._first(node, scope))
        if owner == "session":
            handler = self._sessions.get(item.name)
            return UNKNOWN if handler is None else handler(is_async, node, scope)
        if owner == "factory" and item.name == "begin":
            return t.of(t.ContextOf(t.of(_ASYNC_SESSION if is_async else _SESSION)))
        if owner in ("connection", "engine"):
            return _connection(owner, item.name, is_async)
        return UNKNOWN

    def _new_query(self, is_async: bool, node: s.Call, scope: sc.Scope) -> Types:
        entities = self._entities.of_arguments(node.args, scope)
        return t.of(t.QueryOf(entities, "async" if is_async else "sync"))

    def _get(self, _is_async: bool, node: s.Call, scope: sc.Scope) -> Types:
        entities = self._entities.of_arguments(node.args[:1], scope)
        return entities[0].value if entities else UNKNOWN

    def _run_sync(self, _is_async: bool, node: s.Call, scope: sc.Scope) -> Types:
        return bridges.result(node, scope, self._inference)

    def _executed(self, name: str, statement: Types) -> Types:
        found: set[Type] = set()
        selects = [i for i in t.ordered(statement) if isinstance(i, t.SelectOf | t.QueryOf)]
        columns = (t.COLUMNS,) if any(map(_is_text, statement)) else ()
        for entities in [item.entities for item in selects] or [columns]:
            if name == "scalar":
                found |= entities[0].value if entities else UNKNOWN
            elif name in ("scalars", "stream_scalars"):
                found.add(t.ResultOf(entities, "scalars"))
            else:
                single = name == "exec" and len(entities) == 1
                found.add(t.ResultOf(entities, "scalars" if single else "rows"))
        return frozenset(found)

    # --- queries and statements ----------------------------------------------------------------

    def _query(self, query: t.QueryOf, name: str, node: s.Call, scope: sc.Scope) -> Types:
        if name in sqlalchemy.QUERY_ONE:
            return t.entity_rows(query.entities)
        if name in ("all", "paginate"):
            return t.of(t.ListOf(t.entity_rows(query.entities)))
        if name == "scalar":
            return query.entities[0].value if query.entities else UNKNOWN
        if name in sqlalchemy.SELECT_OTHER:
            return _SUBQUERY
        if name in sqlalchemy.QUERY_ENDS or name in sqlalchemy.QUERY_OTHER:
            return t.of(t.ExternalResult(f"{sqlalchemy.QUERY}.{name}"))
        entities = self._changed(query.entities, name, node, scope)
        return t.of(msgspec.structs.replace(query, entities=entities))

    def _select(self, select: t.SelectOf, name: str, node: s.Call, scope: sc.Scope) -> Types:
        if name in sqlalchemy.SELECT_OTHER:
            return _SUBQUERY
        return t.of(t.SelectOf(self._changed(select.entities, name, node, scope)))

    def _changed(
        self, entities: tuple[t.Entity, ...], name: str, node: s.Call, scope: sc.Scope
    ) -> tuple[t.Entity, ...]:
        """The entities after a method that may change them."""
        if name in ("with_entities", "with_only_columns"):
            return self._entities.of_arguments(node.args, scope)
        if name in ("add_columns", "add_entity", "add_column") and entities:
            return (*entities, *self._entities.of_arguments(node.args, scope))
        return entities


_SESSION = t.ExternalInstance(sqlalchemy.SESSION)
_ASYNC_SESSION = t.ExternalInstance(sqlalchemy.ASYNC_SESSION)
_ENGINE = t.ExternalInstance(sqlalchemy.ENGINE)
_CONNECTION = t.ExternalInstance(sqlalchemy.CONNECTION)
_ENGINE = t.ExternalInstance(sqlalchemy.ENGINE)
_ASYNC_ENGINE = t.ExternalInstance(sqlalchemy.ASYNC_ENGINE)
_ASYNC_CONNECTION = t.ExternalInstance(sqlalchemy.ASYNC_CONNECTION)
_EXECUTES = frozenset({"execute", "exec", "scalars", "scalar", "stream", "stream_scalars"})


def _new_transaction(is_async: bool, _node: s.Call, _scope: sc.Scope) -> Types:
    prefix = "sqlalchemy.ext.asyncio.Async" if is_async else "sqlalchemy.orm."
    return t.of(t.ExternalInstance(f"{prefix}SessionTransaction"))


def _new_connection(is_async: bool, _node: s.Call, _scope: sc.Scope) -> Types:
    return t.of(_ASYNC_CONNECTION if is_async else _CONNECTION)


def _connection(owner: str, name: str, is_async: bool) -> Types:
    """What methods of engines and connections give."""
    connection = _ASYNC_CONNECTION if is_async else _CONNECTION
    if name == "execution_options" and owner == "engine":
        return t.of(_ASYNC_ENGINE if is_async else _ENGINE)
    if name in ("connect", "execution_options"):
        return t.of(connection)
    if name == "begin" and owner == "engine":
        return t.of(t.ContextOf(t.of(connection)))
    if name in ("begin", "begin_nested"):
        kind = "ext.asyncio.AsyncTransaction" if is_async else "Transaction"
        return t.of(t.ExternalInstance(f"sqlalchemy.{kind}"))
    return UNKNOWN


def _result(result: t.ResultOf, name: str) -> Types:
    if name in ("scalars", "mappings"):
        return t.of(t.ResultOf(result.entities, name))
    if name in sqlalchemy.RESULT_ONE:
        return t.result_rows(result)
    if name in sqlalchemy.RESULT_ALL:
        return t.of(t.ListOf(t.result_rows(result)))
    if name in sqlalchemy.RESULT_SCALAR:
        return result.entities[0].value if result.entities else UNKNOWN
    return t.of(result) if name in sqlalchemy.RESULT_SAME else UNKNOWN


def _list(owner: t.ListOf, name: str) -> Types:
    if name in ("pop", "popleft", "__next__", "send"):
        return owner.items
    return t.of(owner) if name in ("copy", "union", "intersection", "difference") else UNKNOWN


def _dict(owner: t.DictOf, name: str) -> Types:
    if name in ("get", "pop", "setdefault"):
        return owner.values
    if name == "popitem":
        return t.of(t.TupleOf((owner.keys, owner.values)))
    if name == "values":
        return t.of(t.ListOf(owner.values))
    if name == "keys":
        return t.of(t.ListOf(owner.keys))
    if name == "items":
        return t.of(t.ListOf(t.of(t.TupleOf((owner.keys, owner.values)))))
    return t.of(owner) if name == "copy" else UNKNOWN


def _factory(owner: t.SessionFactory, name: str) -> Types:
    return t.of(t.ContextOf(t.of(owner.session))) if name == "begin" else UNKNOWN


def _model(owner: t.Instance | t.ClassObject, name: str) -> Types:
    """Methods that external bases, such as pydantic's, define."""
    if name in _MODEL_CONSTRUCTORS:
        return t.of(t.Instance(owner.cls, owner.args))
    return UNKNOWN


def _is_text(item: Type) -> bool:
    """Whether it is `text("select ...")`, whose rows hold nothing but columns."""
    return isinstance(item, t.ExternalResult) and item.dotted in sqlalchemy.TEXTS
