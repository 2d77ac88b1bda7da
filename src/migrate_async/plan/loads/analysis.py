"""Every read that has to be loaded although it cannot await, and what becomes of it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import cached_property
from itertools import chain

from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Scope, last_name
from migrate_async.index.sites import ValueUse
from migrate_async.index.types import held, is_open
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.schemas import Schemas
from migrate_async.plan.loads.accesses import Accesses
from migrate_async.plan.loads.decide import Always, Decider, Decisions
from migrate_async.plan.loads.names import Naming
from migrate_async.plan.loads.paths import Step, names
from migrate_async.plan.loads.producers import Producers
from migrate_async.plan.loads.recorded import Matcher, Recorded
from migrate_async.plan.loads.responses import handled
from migrate_async.plan.loads.roots import Roots
from migrate_async.plan.loads.schema_reads import Reads, SchemaReads
from migrate_async.plan.loads.sinks import Sink, Sinks
from migrate_async.plan.loads.sync_reads import SyncReads
from migrate_async.plan.loads.template_sinks import TemplateSinks


class Analysis:
    """The reads of a project in which the functions that `colouring` names become coroutines."""

    def __init__(
        self,
        project: Project,
        colouring: Colouring,
        naming: Naming,
        lazy_routes: Container[Function] = (),
    ) -> None:
        self._project = project
        self._lazy_routes = lazy_routes
        self._colouring = colouring
        self._naming = naming
        self._roots = Roots(project)
        self._schemas = Schemas(project)
        self._accesses = project.shared(Accesses)
        self._sync_reads = SyncReads(project, self._roots, self.is_sync)
        self._schema_reads = SchemaReads(project, self._schemas, self._roots, self._sync_reads)
        self._sinks = Sinks(
            project, self._schemas, self._roots, self._sync_reads, self._schema_reads
        )
        self._template_sinks = TemplateSinks(project, self._schema_reads)
        self._known: dict[Function, bool] = {}

    @cached_property
    def decisions(self) -> Decisions:
        """What becomes of each read."""
        decider = Decider(
            self._project, self._roots, self._colouring, self._naming, self._lazy_routes
        )
        return decider.decide(self.sinks, list(self._unaccounted()))

    @cached_property
    def recorded(self) -> Recorded:
        """What the profile shows and the code does not."""
        if self._project.profile is None:
            return Recorded([], [])
        producers = Producers(self._project, self._roots)
        matcher = Matcher(self._project, self._colouring, producers, self.sinks)
        return matcher.match(self._project.profile)

    @cached_property
    def sinks(self) -> list[Sink]:
        """Where coroutines, and sync code that gets their objects, hand these on."""
        found: list[Sink] = []
        for function in self._project.functions:
            converts = self._colouring.converts(function)
            if function.is_module or (function.module.is_test and not converts):
                continue
            awaits = converts or function.is_async
            if awaits or self.is_entry(function):
                found += self._sinks.of(function, awaits=awaits)
                found += self._template_sinks.of(function)
        return found

    @cached_property
    def strict_sinks(self) -> list[Sink]:
        """The sinks of the application where reading does not load: all but lazy responses."""
        lazy = self.decisions.lazy
        found: list[Sink] = []
        for sink in self.sinks:
            route = handled(sink, self._colouring)
            loads = route is not None and (route in lazy or route.responds_lazily)
            if not loads and not sink.function.module.is_test:
                found.append(sink)
        return found

    def is_sync(self, function: Function) -> bool:
        """Whether `function` runs no SQL of its own and so stays as it is."""
        return (
            not function.is_async
            and not function.is_module
            and function not in self._colouring.coloured
            and not function.module.is_test
        )

    def is_entry(self, function: Function) -> bool:
        """Whether FastAPI gives the sync function objects of converted dependencies."""
        if not self.is_sync(function):
            return False
        return (
            function.is_route
            or any(site.kind == "dependency" for site in self._project.callers(function))
            or any(use.is_injected for use in self._project.value_uses(function))
        )

    # --- reads of objects from nobody knows where ----------------------------------------------

    def _unaccounted(self) -> Iterator[Always]:
        """Reads in sync code that is run by more than the calls that can be seen."""
        for function in self._project.functions:
            if not self.is_sync(function) or self.is_entry(function):
                continue
            if self._runs_in_bridge(function):
                continue
            for access in self._accesses.of(function):
                if not self._is_callers(access.node.value, access.scope, function):
                    steps = self._accesses.everywhere(access.step)
                    yield from _always(function, access.node, access.scope, steps, function)
            for target, parameter, value, scope in self._sync_reads.handed(function):
                paths = self._sync_reads.of_value(target, parameter, value, scope)
                if paths and not self._is_callers(value, scope, function):
                    seen = (step for path in sorted(paths, key=names) for step in path)
                    steps = tuple(chain.from_iterable(map(self._accesses.everywhere, seen)))
                    yield from _always(function, value, scope, steps, target)

    def _is_callers(self, value: s.Expr, scope: Scope, function: Function) -> bool:
        """Whether `value` is what callers give `function`, all of which can be seen."""
        roots = self._roots.of(value, scope, far=True) or []
        own = bool(roots) and all(
            self._sync_reads.parameter(root.node, root.scope, function) for root in roots
        )
        return own and self._is_known(function)

    def _is_known(self, function: Function) -> bool:
        """Whether every place that runs `function` can be seen."""
        if function not in self._known:
            self._known[function] = True  # until the contrary is found
            self._known[function] = self._find_known(function)
        return self._known[function]

    def _find_known(self, function: Function) -> bool:
        if function.is_lambda:
            return self._is_handed(function)
        if function.name.startswith("__") and function.name != "__init__":
            return False
        if is_property(function):
            return self._is_read_openly(function)
        uses = [use for use in self._project.value_uses(function) if not self._is_bridge(use)]
        callers = self._project.callers(function)
        if uses or (
            not callers and isinstance(function.node, s.FunctionDef) and function.node.decorators
        ):
            return False
        return all(
            self._is_known(site.function)
            for site in callers
            if self.is_sync(site.function) and not self.is_entry(site.function)
        )

    def _is_handed(self, function: Function) -> bool:
        """Whether the lambda is the `key=` of a sort, or stands in a bridge."""
        parent = function.parent
        if parent is not None and any(
            target is function for target, *_ in self._sync_reads.handed(parent)
        ):
            return not self.is_sync(parent) or self.is_entry(parent) or self._is_known(parent)
        return self._bridge_around(function) is not None

    def _runs_in_bridge(self, function: Function) -> bool:
        """Whether it is the lambda of a `run_sync`, in which a load awaits by itself."""
        bridge = self._bridge_around(function) if function.is_lambda else None
        return bridge is not None and last_name(bridge.func) == "run_sync"

    def _bridge_around(self, function: Function) -> s.Call | None:
        """The bridge that `function`, a lambda, is an argument of."""
        around = self._project.parent(function.node) if function.node is not None else None
        if not isinstance(around, s.Call) or self._project.bridged(around) is None:
            return None
        return around

    def _is_read_openly(self, function: Function) -> bool:
        """Whether each attribute of the property's name is read from objects of known types."""
        for node in self._attributes.get(function.name, ()):
            scope = self._project.scope_of(node)
            if is_open(self._project.infer(node.value, scope)):
                return False
        return True

    @cached_property
    def _attributes(self) -> dict[str, list[s.Attribute]]:
        found: dict[str, list[s.Attribute]] = {}
        for function in self._project.functions:
            if not function.module.is_test and not self._is_unused(function):
                for node in function.own_attributes:
                    found.setdefault(node.attr, []).append(node)
        return found

    def _is_unused(self, function: Function) -> bool:
        """Whether nothing runs the function of a module, as far as can be seen."""
        node = function.node
        return (
            isinstance(node, s.FunctionDef)
            and not node.decorators
            and function.cls is None
            and not self._project.callers(function)
            and not self._project.value_uses(function)
        )

    def _is_bridge(self, use: ValueUse) -> bool:
        return use.function.module.is_test or use.is_bridged

    def models_at(self, node: s.Expr) -> list[Class]:
        """The mapped classes of the objects that `node` holds."""
        models = frozenset(model.cls for model in self._project.models.values())
        return held(self._project.infer(node, self._project.scope_of(node)), models)


def _always(
    function: Function, node: s.Expr, scope: Scope, steps: Iterable[Step], reader: Function
) -> Iterator[Always]:
    """`reader` reads `steps` of objects at `node` in `function`: nobody knows whose objects."""
    for step in dict.fromkeys(steps):
        if step.is_lazy:
            reads = Reads(frozenset({(step,)}))
            yield Always(step, Sink(function, node, None, scope, reads, reader.qualname))
