"""Whether an option at a query is sure to reach the object that is read later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.knowledge.sqlalchemy import EAGER
from migrate_async.model import syntax as s
from migrate_async.plan.loads.later_writes import LaterWrites
from migrate_async.plan.loads.paths import names as names_of
from migrate_async.plan.loads.producers import Query, Use

_DISTURBING = frozenset(
    {"commit", "refresh", "rollback", "expire", "expire_all", "expunge", "expunge_all", "close"}
)
_FLUSHING = frozenset({"add", "add_all", "begin_nested", "commit", "delete", "flush", "merge"})


class Safety:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._disturbs: dict[Function, bool] = {}
        self._flushes: dict[Function, bool] = {}
        self._renewing: dict[Function, frozenset[str]] = {}
        self._alone: dict[tuple[s.Expr, Class], bool] = {}
        self._writes = LaterWrites(project, project.runs)

    def holds(self, use: Use, function: Function) -> bool:
        """Whether what the query loads is still loaded when `function` hands the object on."""
        query = use.query
        if query is None:
            return False
        on_the_way = (function, *(hop.callee for hop in use.hops))
        if any(map(self._is_disturbing, on_the_way)):
            return False
        if any(self._writes.may_outdate(use.path, other) for other in on_the_way):
            return False
        read = names_of(use.path)
        if not all(self._renewed_in(other).isdisjoint(read) for other in on_the_way):
            return False
        return query.kind not in ("get", "legacy-get") or self._is_alone(query, use.path[0].model)

    def flushes(self, function: Function) -> bool:
        """Whether `function`, or what it calls, may flush what it changed."""
        return self._uses(function, _FLUSHING, self._flushes)

    def _is_disturbing(self, function: Function) -> bool:
        """Whether `function`, or what it calls, ends a transaction or expires objects."""
        return self._uses(function, _DISTURBING, self._disturbs)

    def _uses(self, function: Function, names: frozenset[str], known: dict[Function, bool]) -> bool:
        """Whether `function`, or what it calls, uses one of the methods `names` of a session."""
        if function not in known:
            known[function] = True  # until the contrary is found
            known[function] = any(
                node.attr in names
                and not self._renewed(node)
                and self._project.session_kind(node.value, self._project.scope_of(node))
                for node in function.own_attributes
            ) or any(self._uses(target, names, known) for target in self._project.runs(function))
        return known[function]

    def _renewed_in(self, function: Function) -> frozenset[str]:
        """The attributes of which `function`, or what it calls, refreshes just those."""
        if function not in self._renewing:
            reached, pending = {function}, [function]
            while pending:
                new = set(self._project.runs(pending.pop())) - reached
                reached |= new
                pending += new
            nodes = (node for other in reached for node in other.own_attributes)
            self._renewing[function] = frozenset().union(*map(self._renewed, nodes))
        return self._renewing[function]

    def _renewed(self, method: s.Attribute) -> frozenset[str]:
        """The attributes in `db.refresh(order, ["items"])`, which leaves all others as they are."""
        call = self._project.parent(method) if method.attr == "refresh" else None
        if not isinstance(call, s.Call) or call.func is not method or len(call.args) != 2:
            return frozenset()
        given = call.args[1]
        parts = given.items if isinstance(given, s.Sequence) else ()
        found = [part.value for part in parts if isinstance(part, s.Constant)]
        return frozenset(map(str, found)) if len(found) == len(parts) else frozenset()

    # --- the identity map ----------------------------------------------------------------------

    def _is_alone(self, query: Query, model: Class) -> bool:
        """Whether nothing else in the same requests can have loaded a `model` object.

        `get()` hands out what the session has already, without looking at the options.
        """
        key = (query.node, model)
        if key not in self._alone:
            self._alone[key] = self._find_alone(query, model)
        return self._alone[key]

    def _find_alone(self, query: Query, model: Class) -> bool:
        around = self._universe(query.function)
        names = {node.attr for function in around for node in function.own_attributes}
        pending = [cls for function in around for cls in self._loaded(function, query)]
        seen: set[Class] = set()
        while pending:
            cls = pending.pop()
            if cls is None or self._project.overlap(cls, model):
                return False
            if cls not in seen:
                seen.add(cls)
                pending += self._brings(cls, names)
        return True

    def _universe(self, function: Function) -> frozenset[Function]:
        """All functions that may run in one request with `function`."""
        return frozenset(self._closure(self._closure([function], self._up), self._down))

    def _up(self, function: Function) -> Iterator[Function]:
        for site in (*self._project.callers(function), *self._project.bridges_to(function)):
            yield site.function

    def _down(self, function: Function) -> Iterator[Function]:
        for site in (*self._project.calls(function), *self._project.bridges(function)):
            yield from site.targets
        yield from self._project.route_dependencies.get(function, ())

    def _closure(
        self, start: Iterable[Function], more: Callable[[Function], Iterable[Function]]
    ) -> list[Function]:
        seen = dict.fromkeys(start)
        pending = list(seen)
        while pending:
            for function in more(pending.pop()):
                if function not in seen and not function.is_module:
                    seen[function] = None
                    pending.append(function)
        return list(seen)

    def _loaded(self, function: Function, query: Query) -> Iterator[Class | None]:
        """The classes that `function` loads or makes; None: one that is not known."""
        for call in function.calls:
            if call.node is query.node:
                continue
            func = call.node.func
            types = self._project.infer(call.node, call.scope)
            statements = [i for i in types if isinstance(i, t.QueryOf | t.SelectOf)]
            for statement in statements:
                yield from (entity.model for entity in statement.entities or (t.Entity("unknown"),))
            if (
                isinstance(func, s.Attribute)
                and func.attr in ("get", "get_one", "merge")
                and self._project.session_kind(func.value, call.scope) is not None
            ):
                yield from self._classes(types)
            for item in self._project.infer(func, call.scope):
                if isinstance(item, t.ClassObject) and item.cls.qualname in self._project.models:
                    yield item.cls

    def _classes(self, types: t.Types) -> Iterator[Class | None]:
        found = [item.cls for item in types if isinstance(item, t.Instance)]
        yield from found or (None,)

    def _brings(self, cls: Class, names: set[str]) -> Iterator[Class | None]:
        """The classes of what is loaded with, or read from, `cls` objects."""
        model = self._project.models.get(cls.qualname)
        for name, relationship in model.relationships.items() if model is not None else ():
            if relationship.lazy in EAGER or name in names:
                yield relationship.target
