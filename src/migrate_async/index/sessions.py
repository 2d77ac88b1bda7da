"""Where sessions come from: kinds of values, factories, engines, session dependencies."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.classes import Hierarchy
from migrate_async.index.types import Type, Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

SessionKind: TypeAlias = Literal["sync", "async"]

_ENGINE_KINDS = {
    sqlalchemy.ENGINE: "engine",
    sqlalchemy.CONNECTION: "connection",
    sqlalchemy.ASYNC_ENGINE: "async-engine",
    sqlalchemy.ASYNC_CONNECTION: "async-connection",
}


class Variable(msgspec.Struct, frozen=True, eq=False):
    """A name that is assigned a session factory or an engine.

    It may be an attribute of `self`, or of the state of an application, `app.state.factory`.

    `value` is the assigned expression, the whole of `a, b = value`, too. `kind` is `sessionmaker`,
    `scoped_session`, `async_sessionmaker`, `engine` or `async-engine`.
    """

    name: str
    qualname: str
    kind: str
    value: s.Expr
    scope: sc.Scope

    @property
    def module(self) -> sc.Module:
        return self.scope.module

    @property
    def call(self) -> s.Call:
        """The call that makes the value."""
        assert isinstance(self.value, s.Call)  # noqa: S101  the index records calls only
        return self.value


def session_kind(types: Types, hierarchy: Hierarchy) -> SessionKind | None:
    """`sync` or `async` for values that are sessions; `sync` where both are possible."""
    kinds = {_session_kind(item, hierarchy) for item in types}
    if "sync" in kinds:
        return "sync"
    return "async" if "async" in kinds else None


def _session_kind(item: Type, hierarchy: Hierarchy) -> SessionKind | None:
    if type(item) is t.ExternalInstance:
        if item.dotted in sqlalchemy.SESSIONS:
            return "sync"
        return "async" if item.dotted in sqlalchemy.ASYNC_SESSIONS else None
    if type(item) is t.Instance:
        if hierarchy.is_a(item.cls, sqlalchemy.SESSIONS):
            return "sync"
        return "async" if hierarchy.is_a(item.cls, sqlalchemy.ASYNC_SESSIONS) else None
    return None


def is_heuristic(types: Types) -> bool:
    """Whether the session is one by its name only."""
    return bool(types) and all(
        isinstance(item, t.ExternalInstance) and item.heuristic for item in types
    )


def gives_object_session(types: Types) -> bool:
    """Whether a function is `object_session`, under any of its names."""
    names = {
        item.dotted if isinstance(item, t.External) else f"{item.owner}.{item.name}"
        for item in types
        if isinstance(item, t.External | t.ExternalMethod)
    }
    return not names.isdisjoint(sqlalchemy.OBJECT_SESSIONS)


def is_session_of_state(node: s.Attribute, owner: Types) -> bool:
    """Whether `node` is `inspect(x).session`, where `owner` is what `inspect(x)` gives."""
    return node.attr == "session" and t.ExternalInstance(sqlalchemy.INSTANCE_STATE) in owner


def engine_or_connection(types: Types) -> str | None:
    """`engine`, `connection`, `async-engine` or `async-connection`."""
    for item in t.ordered(types):
        if isinstance(item, t.ExternalInstance) and item.dotted in _ENGINE_KINDS:
            return _ENGINE_KINDS[item.dotted]
    return None


class Sources(msgspec.Struct, frozen=True, eq=False):
    """The project's session factories, engines and session dependencies."""

    factories: tuple[Variable, ...]
    engines: tuple[Variable, ...]
    dependencies: tuple[sc.Function, ...]


def find_sources(inference: Inference, injected: Container[sc.Function]) -> Sources:
    """Look through all variables and functions; `injected` are those that `Depends` names."""
    variables = list(_variables(inference))
    factories = tuple(item for item in variables if "engine" not in item.kind)
    engines = tuple(item for item in variables if "engine" in item.kind)
    dependencies = tuple(
        fn for fn in inference.symbols.functions if gives_session(fn, fn in injected, inference)
    )
    return Sources(factories, engines, dependencies)


def gives_session(fn: sc.Function, is_injected: bool, inference: Inference) -> bool:
    """Whether `fn` is a session dependency: it yields a session, or is injected and returns one."""
    if fn.qualname == inference.settings.get_db:
        return True
    if not fn.decorator_names.isdisjoint(_DRIVEN_OTHERWISE) or not (fn.is_generator or is_injected):
        return False
    types = inference.calls.returns(fn, None)
    if fn.is_generator:
        types = inference.protocols.elements(types)
    return session_kind(types, inference.hierarchy) is not None


_DRIVEN_OTHERWISE = frozenset({"contextmanager", "asynccontextmanager", "fixture"})


def _variables(inference: Inference) -> list[Variable]:
    found: list[Variable] = []
    scopes = dict.fromkeys(inference.symbols.scopes.values())
    for scope in scopes:
        prefix = scope.function.module.name if scope.kind == "module" else _prefix(scope)
        for name, bindings in scope.names.items():
            found += _of_bindings(name, f"{prefix}.{name}", bindings, inference)
    for cls in inference.symbols.classes:
        for name, bindings in cls.instance.items():
            found += _of_bindings(name, f"{cls.qualname}.{name}", bindings, inference)
    for name, bindings in inference.symbols.state.items():
        of_functions = [binding for binding in bindings if binding.scope.kind == "function"]
        found += _of_bindings(name, f"state.{name}", of_functions, inference)
    return found


def _prefix(scope: sc.Scope) -> str:
    if scope.kind == "class" and scope.cls is not None:
        return scope.cls.qualname
    return scope.function.qualname


def _of_bindings(
    name: str, qualname: str, bindings: list[sc.Binding], inference: Inference
) -> list[Variable]:
    found: list[Variable] = []
    for binding in bindings:
        source = binding.source if type(binding) is sc.ElementBinding else binding
        if type(source) is not sc.ValueBinding and type(source) is not sc.AnnotatedBinding:
            continue
        if isinstance(source.value, s.Call):
            kind = _variable_kind(inference.binding(binding))
            if kind:
                found.append(Variable(name, qualname, kind, source.value, binding.scope))
    return found


def _variable_kind(types: Types) -> str:
    for item in t.ordered(types):
        if isinstance(item, t.SessionFactory):
            return "async_sessionmaker" if item.is_async else "sessionmaker"
        if isinstance(item, t.ExternalInstance):
            if item.dotted == sqlalchemy.SCOPED_SESSION:
                return "scoped_session"
            if item.dotted in (sqlalchemy.ENGINE, sqlalchemy.ASYNC_ENGINE):
                return _ENGINE_KINDS[item.dotted]
    return ""
