"""Queries across functions: what parameters get, what calls give, until nothing new is learnt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeAlias

from msgspec.structs import replace

from migrate_async.index.scopes import Function, ValueBinding, last_name
from migrate_async.model import syntax as s
from migrate_async.plan.names import free_name
from migrate_async.plan.queries.entities import source_key
from migrate_async.plan.queries.flow import Environment
from migrate_async.plan.queries.project import ProjectView, Target
from migrate_async.plan.queries.state import (
    Binding,
    Item,
    QueryState,
    SessionRef,
    merge,
)
from migrate_async.plan.queries.state import Target as FilterTarget
from migrate_async.plan.queries.transitions import Transitions
from migrate_async.plan.text import is_plain, text

Given: TypeAlias = Mapping[s.Expr, QueryState]

_MAX_RUNS = 30


class Network:
    """States of parameters and of what functions return. Grows while functions are run."""

    def __init__(self, project: ProjectView, transitions: Transitions) -> None:
        self.project = project
        self.transitions = transitions
        self._params: dict[tuple[Function, str], QueryState] = {}
        self._returns: dict[Function, QueryState] = {}
        self._bound: dict[Function, Environment] = {}
        self._queue: deque[Function] = deque()
        self._runs: dict[Function, int] = {}

    # --- what functions have to do with queries ------------------------------------------------

    def seeds(self) -> Iterator[Function]:
        """Functions that make a query of a session, read one, or say that they get one."""
        for function in self.project.project.functions:
            if (
                any(self.makes_query(call.node) for call in function.calls)
                or any(
                    self.project.is_query_annotation(param.annotation) for param in function.params
                )
                or self._reads_dynamic(function)
            ):
                yield function

    def _reads_dynamic(self, function: Function) -> bool:
        """Does `function` read a relationship that is a query?"""
        node = function.node
        if node is None or self.project.dynamic_names.isdisjoint(function.module.attributes):
            return False
        return any(
            self.project.is_dynamic(part) for part in s.walk(node) if isinstance(part, s.Attribute)
        )

    def makes_query(self, call: s.Call) -> bool:
        """Is `call` a `session.query(...)`?"""
        func = call.func
        return (
            isinstance(func, s.Attribute)
            and func.attr == "query"
            and self.project.is_session(func.value)
        )

    @cached_property
    def _nested(self) -> dict[Function, list[Function]]:
        found: dict[Function, list[Function]] = {}
        for function in self.project.project.functions:
            if function.parent is not None:
                found.setdefault(function.parent, []).append(function)
        return found

    @cached_property
    def unresolved(self) -> dict[str, s.Expr]:
        """Names that are called somewhere without anything being known about the callee."""
        found: dict[str, s.Expr] = {}
        for function in self.project.project.functions:
            for site in self.project.project.calls(function):
                if not site.resolved and isinstance(site.node, s.Call):
                    found.setdefault(last_name(site.node.func), site.node)
        return found

    # --- the work list -------------------------------------------------------------------------

    def pending(self) -> Iterator[Function]:
        """Functions to run, until nothing changes; learning adds to them."""
        self._queue.extend(self.seeds())
        yield from self._drain()
        # What callers hand over says more than an annotation, which counts where there are none.
        for function in self.visited:
            self._trust_annotations(function)
        yield from self._drain()

    def _drain(self) -> Iterator[Function]:
        while self._queue:
            function = self._queue.popleft()
            runs = self._runs[function] = self._runs.get(function, 0) + 1
            if runs <= _MAX_RUNS:
                yield function

    def _trust_annotations(self, function: Function) -> None:
        for param in function.params:
            if (function, param.name) not in self._params:
                state = self._annotated(function, param)
                if state is not None:
                    self.learn_param(function, param.name, state)

    @property
    def visited(self) -> list[Function]:
        """All functions that were run, in the project's order."""
        return [fn for fn in self.project.project.functions if fn in self._runs]

    def _again(self, function: Function) -> None:
        if function not in self._queue:
            self._queue.append(function)

    # --- learning ------------------------------------------------------------------------------

    def learn_param(self, function: Function, name: str, state: QueryState) -> None:
        key = function, name
        state = state.at(("param", function, name))
        known = self._params.get(key)
        merged = state if known is None else merge(known, state)
        if merged != known:
            self._params[key] = merged
            self._again(function)

    def learn_return(self, function: Function, state: QueryState) -> None:
        state = state.at(("return", function))
        known = self._returns.get(function)
        merged = state if known is None else merge(known, state)
        if merged != known:
            self._returns[function] = merged
            project = self.project.project
            for site in (*project.callers(function), *project.bridges_to(function)):
                self._again(site.function)

    def learn_names(self, function: Function, names: Environment) -> None:
        """What the names of `function` hold, for the functions nested in it."""
        nested = self._nested.get(function)
        if not nested:
            return
        kept = {name: binding for name, binding in names.items() if binding.state is not None}
        if kept and kept != self._bound.get(function):
            self._bound[function] = kept
            for inner in nested:
                self._again(inner)

    # --- asking --------------------------------------------------------------------------------

    @property
    def has_returns(self) -> bool:
        """Does any function give a query, as far as is known?"""
        return bool(self._returns)

    def returned(self, function: Function) -> QueryState | None:
        return self._returns.get(function)

    def closure(self, function: Function, name: str) -> Binding | None:
        """What `name` of a function around `function` may hold."""
        outer = function.parent
        while outer is not None:
            if name in self._bound.get(outer, {}):
                return self._bound[outer][name]
            if name in outer.scope.names:
                return None
            outer = outer.parent
        return None

    def parameters(self, function: Function) -> Iterator[tuple[str, QueryState]]:
        """The parameters of `function` that get a query."""
        for param in function.params:
            known = self._params.get((function, param.name))
            if known is not None:
                yield param.name, known

    def _annotated(self, function: Function, param: s.Parameter) -> QueryState | None:
        if param.annotation is None:
            return None
        written = self.project.query_name(param.annotation)
        if written is None:
            return None
        origin = "param", function, param.name
        state = self.transitions.unknown(origin)
        if isinstance(written, s.Subscript):
            cls = self.project.class_of(written.index)
            if cls is not None and self.project.model(cls) is not None:
                state = self.transitions.of_class(cls, written.index, function, origin)
        return replace(state, session=self._only_session(function))

    def _only_session(self, function: Function) -> SessionRef | None:
        """The session that `function` gets, if it gets exactly one."""
        names = [
            param.name
            for param in function.params
            if self.project.is_session_name(param.name, function.scope)
        ]
        return SessionRef(function, names[0]) if len(names) == 1 else None

    # --- sessions across calls -----------------------------------------------------------------

    def seen_inside(self, state: QueryState, target: Target, param: str) -> QueryState:
        """`state` of an argument as the function that gets it sees it."""
        function = target.function
        ref = state.session if state.session is None or not state.session.is_owner else None
        session = self._inside(ref, target) if ref is not None else None
        if session is None:
            session = SessionRef(function, free_name(function, "db"), new_for=param)
        return replace(_moved(state, function), session=session).at(("param", function, param))

    def _inside(self, ref: SessionRef, target: Target) -> SessionRef | None:
        function = target.function
        names = [(name, value) for name, value in target.arguments.items() if is_plain(value)]
        if target.receiver is not None and is_plain(target.receiver):
            names.append((function.self_name, target.receiver))
        for name, value in names:
            rest = _rest(ref.text, text(value))
            if rest is not None:
                return SessionRef(function, name + rest)
        return self._global(ref, function)

    def seen_outside(
        self, state: QueryState, target: Target, function: Function, given: Given
    ) -> QueryState:
        """The `state` that a call of `target` in `function` gives, as `function` sees it.

        `given` are the queries among the call's arguments.
        """
        ref = state.session
        if ref is not None and ref.new_for:
            argument = target.arguments.get(ref.new_for)
            handed = given.get(argument) if argument is not None else None
            session = handed.session if handed is not None else None
        else:
            is_named = ref is not None and not ref.is_owner
            session = self._outside(ref, target, function) if ref and is_named else None
        items = state.items
        if items is not None:
            items = tuple(self._named_outside(item, target, function) for item in items)
        return replace(_moved(state, function), session=session, items=items)

    def _named_outside(self, item: Item, target: Target, function: Function) -> Item:
        """`cls`, or a parameter that gets a model, as the caller writes it."""
        if item.function is not target.function or not isinstance(item.expr, s.Name):
            return item
        name = item.expr.id
        given = target.receiver if name == target.function.self_name else None
        given = target.arguments.get(name, given)
        if given is None or not is_plain(given):
            return item
        cls = self.project.class_of(given) or item.model
        named = replace(item, expr=given, function=function, model=cls)
        return replace(named, source=source_key(given, cls))

    def _outside(self, ref: SessionRef, target: Target, function: Function) -> SessionRef | None:
        base, dot, rest = ref.text.partition(".")
        value = target.arguments.get(base)
        if value is None and base == target.function.self_name:
            value = target.receiver
        if isinstance(value, s.Call) and value is target.receiver:
            value, dot, rest = self._constructed(value, rest), "", ""
            if value is None:
                return None
        if value is not None:
            written = text(value) + dot + rest
            return SessionRef(function, written) if is_plain(value) else None
        return self._global(ref, function) if base not in target.function.scope.names else None

    def _constructed(self, call: s.Call, attribute: str) -> s.Expr | None:
        """What `Service(db)` puts into its `attribute`, if that is an argument as it is."""
        for target in self.project.targets(call):
            cls = target.function.cls
            for binding in cls.instance.get(attribute, ()) if cls is not None else ():
                if isinstance(binding, ValueBinding) and isinstance(binding.value, s.Name):
                    return target.arguments.get(binding.value.id)
        return None

    @staticmethod
    def _global(ref: SessionRef, function: Function) -> SessionRef | None:
        """A session that is a name of the module both functions are in."""
        base = ref.text.partition(".")[0]
        module = ref.function.module
        same = module is function.module and base in module.scope.names
        hidden = base in ref.function.scope.names or base in function.scope.names
        return SessionRef(function, ref.text) if same and not hidden else None


def _rest(whole: str, prefix: str) -> str | None:
    """`.db` of `self.db` and `self`; None if `prefix` is none."""
    if whole == prefix:
        return ""
    return whole[len(prefix) :] if whole.startswith(f"{prefix}.") else None


def _moved(state: QueryState, function: Function) -> QueryState:
    """`state` in another function: what is known by its text only is no longer known."""
    target = None if state.target is None else FilterTarget(function, "", state.target.model)
    return replace(state, target=target)
