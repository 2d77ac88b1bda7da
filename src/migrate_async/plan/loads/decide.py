"""How each read that cannot await gets loaded: by its query, by the code before it, or always.

In this order, whatever a run selects: the decisions are made for the project as it will be when
everything is migrated, so that they do not depend on the order of the runs.

1. An option on the queries that produced the object, if all of them are known, each of their
   consumers needs it, and nothing can expire the object in between.
2. Awaiting the attributes just before: exactly what the legacy code loaded.
3. `@lazy_response`, if FastAPI reads it for the response of a route, and neither is possible or it
   would take many lines.
4. `lazy="selectin"` in the mapping, if nothing else is possible.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import msgspec

from migrate_async.index.project import Project, Relationship
from migrate_async.index.scopes import Function
from migrate_async.index.types import Instance, held
from migrate_async.knowledge.sqlalchemy import EAGER
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.eager_depth import EagerGraph
from migrate_async.plan.loads.accesses import Accesses, is_migrated, may_be_other
from migrate_async.plan.loads.lists import Lists
from migrate_async.plan.loads.names import Naming
from migrate_async.plan.loads.paths import Path, Step, names
from migrate_async.plan.loads.producers import Hop, Producers, Query, Use
from migrate_async.plan.loads.responses import handled, is_too_much
from migrate_async.plan.loads.roots import Root, Roots
from migrate_async.plan.loads.safety import Safety
from migrate_async.plan.loads.sinks import Sink
from migrate_async.plan.loads.statements import Statements


@dataclass(frozen=True)
class Awaiting:
    """The attributes `paths` of the objects `root` are awaited above `statement`.

    Those of `endless` are followed as far as they lead.
    """

    sink: Sink
    root: Root
    statement: s.Stmt
    paths: frozenset[Path]
    endless: frozenset[Step]


class Always(msgspec.Struct, frozen=True):
    """`step` is loaded with every object: `sink` reads it where nothing else is possible."""

    step: Step
    sink: Sink


@dataclass
class Decisions:
    """`options` says for each query which sinks want which paths from it.

    `lazy` are the routes whose responses load what they read, with these reads.
    """

    options: dict[Query, dict[Path, list[Sink]]] = field(default_factory=dict)
    awaiting: list[Awaiting] = field(default_factory=list)
    always: list[Always] = field(default_factory=list)
    lazy: dict[Function, list[Sink]] = field(default_factory=dict)

    @property
    def newly_mapped(self) -> dict[Step, Relationship]:
        """The relationships of `always` that the mapping does not load yet."""
        return {
            item.step: item.step.relationship
            for item in self.always
            if item.step.relationship is not None and item.step.is_lazy
        }


class _Read(msgspec.Struct, eq=False):
    """One path that a sink reads, and where the objects come from."""

    sink: Sink
    path: Path
    uses: list[Use]
    number: int
    """The same for equal sinks: to hash one, with all that it reads, takes a while."""
    is_fragile: bool
    """Whether some of the objects come from no query that is known."""


@dataclass
class _Left:
    """What is to be done for `sink`, of which no query loads all."""

    sink: Sink
    awaiting: Awaiting | None
    always: list[Always]


Mapping: TypeAlias = "tuple[s.Call, bool] | None"


class Decider:
    def __init__(
        self,
        project: Project,
        roots: Roots,
        colouring: Colouring,
        naming: Naming,
        lazy_routes: Container[Function] = (),
    ) -> None:
        self._project = project
        self._roots = roots
        self._lazy_routes = lazy_routes
        self._colouring = colouring
        self._naming = naming
        self._producers = Producers(project, roots)
        self._safety = Safety(project)
        self._statements = Statements(project)
        self._lists = Lists(project)
        self._accesses = project.shared(Accesses)
        self._models = frozenset(model.cls for model in project.models.values())
        self._mapped: frozenset[Mapping] = frozenset()
        """What will be loaded by the mapping, as if it were already."""
        self._eager = EagerGraph(project, ())
        self._on_the_way: dict[frozenset[Path], list[Path]] = {}
        self._needing: dict[tuple[Function, Path], set[tuple[Function, s.Expr]]] = {}

    def decide(self, sinks: list[Sink], always: list[Always]) -> Decisions:
        """The decisions for all sinks of a project; already async code only takes part.

        `always` is decided: what the mapping loads needs nothing else, in this run or a later one.
        """
        unloadable = [
            _Left(sink, None, [])
            for sink in sinks
            if sink.reads.is_beyond_queries and self._takes_part(sink)
        ]
        numbers: dict[Sink, int] = {}
        reads = [
            read
            for sink in sinks
            for read in self._reads(sink, numbers.setdefault(sink, len(numbers)))
        ]
        for read in reads:
            for use in read.uses:
                for hop in use.hops:
                    key = (hop.callee, hop.path)
                    self._needing.setdefault(key, set()).add((hop.caller, hop.node))
        self._map(always)
        always = [*self._distribute(reads, unloadable).always, *always]
        self._map(always)
        return replace(self._distribute(reads, unloadable), always=always)

    def _map(self, always: list[Always]) -> None:
        """Take what is `always` loaded for mapped."""
        self._mapped = frozenset(mapping(item.step) for item in always) - {None}
        needed = [
            (item.step.model, item.step.relationship)
            for item in always
            if item.step.relationship is not None
        ]
        self._eager = EagerGraph(self._project, needed)

    def _distribute(self, reads: list[_Read], unloadable: list[_Left]) -> Decisions:
        """One decision for each read; what the mapping loads has been decided."""
        found = Decisions()
        left: dict[int, tuple[Sink, set[Path]]] = {}
        for read in reads:
            if not self._is_open(read):
                continue
            if not read.is_fragile and self._is_loaded(read):
                continue
            if not read.is_fragile and self._by_option(read):
                for use in read.uses:
                    assert use.query is not None  # noqa: S101  `_by_option` says so
                    wanted = found.options.setdefault(use.query, {})
                    wanted.setdefault(use.path, []).append(read.sink)
            else:
                left.setdefault(read.number, (read.sink, set()))[1].add(read.path)
        ways = [self._without_option(*item) for item in left.values() if self._takes_part(item[0])]
        found.lazy = self._lazy([*ways, *unloadable])
        for way in ways:
            if handled(way.sink, self._colouring) not in found.lazy:
                found.awaiting += [way.awaiting] if way.awaiting is not None else []
                found.always += way.always
        return found

    def _takes_part(self, sink: Sink) -> bool:
        """Code that is async already is not ours to change.

        But for a route that runs no SQL, and responds with what a dependency gives that converts.
        """
        function = sink.function
        if self._colouring.converts(function):
            return not (function.is_async and is_migrated(self._project, function))
        if not function.is_async:
            return True
        given = self._project.route_dependencies.get(function, ()) if sink.route else ()
        return any(map(self._colouring.converts, given)) and not is_migrated(
            self._project, function
        )

    def _reads(self, sink: Sink, number: int) -> Iterator[_Read]:
        for path in self._prefixes(sink.paths):
            if path[-1].expires and not self._safety.flushes(sink.function):
                continue
            is_of_no_query = path[-1].expires or path[-1].left_out
            if sink.value is None or is_of_no_query or _is_on_circle(sink, path):
                uses = [Use(None, path)]
            else:
                uses = self._producers.of(sink.value, sink.scope, path)
            is_fragile = any(use.query is None for use in uses)
            yield _Read(sink, path, uses, number, is_fragile)

    def _prefixes(self, paths: frozenset[Path]) -> list[Path]:
        """All that is read on the way along `paths`, in a stable order."""
        if paths not in self._on_the_way:
            found = {path[:end] for path in paths for end in range(1, len(path) + 1)}
            self._on_the_way[paths] = sorted(found, key=names)
        return self._on_the_way[paths]

    # --- options -------------------------------------------------------------------------------

    def _is_open(self, read: _Read) -> bool:
        """Whether the end of the path has to be loaded; what is on the way is a read of its own.

        New objects load lazily what the mapping says to load with each query, too.
        """
        step = read.path[-1]
        is_mapped = _is_mapped(step) or (mapping(step) in self._mapped)
        needs_load = read.is_fragile if is_mapped else step.is_lazy
        return needs_load or any(self._stops(use.path) for use in read.uses)

    def _stops(self, path: Path) -> bool:
        """Whether a query that loads its way along `path` stops before the last step.

        SQLAlchemy loads no class by the mapping for the second time, unless a depth is given. The
        object that a collection was read from is known without a query.
        """
        *way, step = path
        relationship, target = step.relationship, step.target
        if (
            relationship is None
            or target is None
            or all(other.model is not target for other in way)
        ):
            return False
        is_back = way[-1].model is target and not step.is_many
        has_depth = any(keyword.arg == "join_depth" for keyword in relationship.node.keywords)
        return not (is_back or has_depth or self._eager.depth(step.model, relationship))

    def _is_loaded(self, read: _Read) -> bool:
        """Whether the code loads the path already."""
        return all(
            use.query is not None
            and names(use.path) in use.query.loaded
            and self._safety.holds(use, read.sink.function)
            for use in read.uses
        )

    def _by_option(self, read: _Read) -> bool:
        return all(
            use.query is not None
            and self._is_for(read.sink, use.query)
            and self._can_say(use.query, use.path)
            and self._safety.holds(use, read.sink.function)
            and all(map(self._is_unanimous, use.hops))
            for use in read.uses
        )

    def _is_for(self, sink: Sink, query: Query) -> bool:
        """Whether `query` may load more for `sink`: that of an application does not for a test."""
        return query.function.module.is_test or not sink.function.module.is_test

    def _can_say(self, query: Query, path: Path) -> bool:
        """Whether the options fit to those that are there, and the classes have names there.

        A query of a class loads nothing that only its subclasses have.
        """
        forbidden = any(
            way[-1].startswith("<") and names(path)[: len(way) - 1] == way[:-1]
            for way in query.loaded
        )
        module = query.function.module
        return not forbidden and all(
            self._naming.can_name(step.model, module) and step.seen_as is None for step in path
        )

    def _is_unanimous(self, hop: Hop) -> bool:
        """Whether everyone who calls the function needs the path."""
        if hop.callee.is_lambda:
            return True
        needing = self._needing.get((hop.callee, hop.path), set())
        return all(
            place in needing
            for place in self._producers.callers(hop.callee)
            if not place[0].module.is_test
        )

    # --- other ways ----------------------------------------------------------------------------

    def _lazy(self, ways: list[_Left]) -> dict[Function, list[Sink]]:
        """The routes that let their responses load, with what these read."""
        of_routes: dict[Function, list[_Left]] = {}
        for way in ways:
            route = handled(way.sink, self._colouring)
            if route is not None and route in self._lazy_routes:
                of_routes.setdefault(route, []).append(way)
        return {
            route: [way.sink for way in found]
            for route, found in of_routes.items()
            if any(way.awaiting is None or way.always for way in found)
            or is_too_much(way.awaiting.paths for way in found if way.awaiting is not None)
        }

    def _without_option(self, sink: Sink, paths: set[Path]) -> _Left:
        followed = _followed(sink.reads.endless)
        lost = sink.reads.endless - followed
        finite = frozenset(path for path in paths if lost.isdisjoint(path))
        awaiting = self._awaiting(sink, finite) if finite else None
        rest = paths if awaiting is None else paths - finite
        if sink.function.module.is_test or not sink.is_certain:
            rest = set()  # no reason to change a mapping
        steps = dict.fromkeys(
            step
            for path in sorted(rest, key=names)
            for seen in path
            for step in self._accesses.everywhere(seen)
        )
        return _Left(sink, awaiting, [Always(step, sink) for step in steps if step.is_lazy])

    def _awaiting(self, sink: Sink, paths: frozenset[Path]) -> Awaiting | None:
        if sink.value is None or not self._colouring.converts(sink.function):
            return None
        roots = self._roots.of(sink.value, sink.scope) or []
        statement = self._statements.before(sink.node)
        if len(roots) != 1 or statement is None or roots[0].is_many is None:
            return None
        root = roots[0]
        whole = frozenset((*root.path, *self._as_seen(sink, path)) for path in paths)
        if not all(step.loads for path in whole for step in path):
            return None
        if not all(_is_iterable(path) for path in whole):
            return None
        if not self._has_place(root, statement) or not self._is_known(sink, paths):
            return None
        return Awaiting(sink, root, statement, whole, _followed(sink.reads.endless))

    def _as_seen(self, sink: Sink, path: Path) -> Path:
        """`path`, of which some of several objects may lack even the beginning."""
        assert sink.value is not None  # noqa: S101  the caller has looked
        step, *rest = path
        classes = held(self._project.infer(sink.value, sink.scope), self._models)
        if all(step.model in self._project.mro(cls) for cls in classes):
            return path
        return (msgspec.structs.replace(step, seen_as=step.seen_as or step.model), *rest)

    def _is_known(self, sink: Sink, paths: frozenset[Path]) -> bool:
        """Whether all objects of `sink` have the attributes.

        A call that may run one of several methods hands on objects of several classes.
        """
        assert sink.value is not None  # noqa: S101  the caller has looked
        if may_be_other(self._project, sink.value):
            return False
        calls = self._project.calls(sink.function)
        if not any(site.node is sink.node and len(site.targets) > 1 for site in calls):
            return True
        classes = [
            item.cls
            for item in self._project.infer(sink.value, sink.scope)
            if isinstance(item, Instance)
        ]
        return all(path[0].model in self._project.mro(cls) for cls in classes for path in paths)

    def _has_place(self, root: Root, statement: s.Stmt) -> bool:
        """Whether `root` is, or can get, a name above `statement`."""
        if isinstance(root.node, s.Name):
            return not root.is_many or self._lists.is_list(root.node, root.scope)
        if isinstance(root.node, s.Attribute):
            return True
        if not self._statements.hoists(root.node, statement):
            return False
        return not root.is_many or self._lists.gives_list(root.node, root.scope)


def _is_on_circle(sink: Sink, path: Path) -> bool:
    """Whether `path` goes on at each object of a circle: an option would load it for the first."""
    circling = {step.model for step in sink.reads.endless}
    return any(step.model in circling and step.is_lazy for step in path)


def _followed(endless: frozenset[Step]) -> frozenset[Step]:
    """The steps of circles of one class each, if only one leaves each class."""
    turns = [step for step in endless if step.turns]
    models = [step.model for step in turns]
    return frozenset(step for step in turns if models.count(step.model) == 1)


def mapping(step: Step) -> Mapping:
    """What stands for the relationship in all classes that inherit it."""
    relationship = step.relationship
    return (relationship.node, relationship.is_backref) if relationship is not None else None


def _is_mapped(step: Step) -> bool:
    return step.relationship is not None and step.relationship.lazy in EAGER


def _is_iterable(path: Path) -> bool:
    return all(step.is_iterable or not step.is_many for step in path[:-1])
