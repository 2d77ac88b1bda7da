"""Recorded lazy loads that the static analysis does not see, matched to the source.

A profile is from a run of some other day: what does not fit the code of now is reported and
ignored, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.suites import is_test_path
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.profile import LazyLoad, LoadKind, Place, Profile
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.loads.accesses import Accesses
from migrate_async.plan.loads.paths import Path, Step
from migrate_async.plan.loads.producers import Producers, Query, Use
from migrate_async.plan.loads.sinks import Sink

_KINDS = frozenset({LoadKind.RELATIONSHIP.value, LoadKind.DEFERRED.value})


@dataclass(frozen=True)
class Wanted:
    """`load` was recorded of objects of a `query` that is known; they need `path` from it."""

    load: LazyLoad
    use: Use


@dataclass
class Recorded:
    """Loads to be seen to, and what there is to say about others."""

    wanted: list[Wanted]
    diagnostics: list[Diagnostic]


class Matcher:
    """Holds recorded loads against the source."""

    def __init__(
        self, project: Project, colouring: Colouring, producers: Producers, sinks: Iterable[Sink]
    ) -> None:
        self._project = project
        self._colouring = colouring
        self._producers = producers
        self._models = {model.qualname: model for model in project.models.values()}
        self._seen = _Seen(project, sinks)
        self._paths = {module.path: module for module in project.modules.values()}

    def match(self, profile: Profile) -> Recorded:
        """What the profile adds to what is known."""
        found = Recorded([], [])
        for load in profile.loads:
            if load.kind in _KINDS and not self._in_test(load):
                self._match(load, found)
        return found

    def _in_test(self, load: LazyLoad) -> bool:
        module = self._paths.get(load.place.path)
        return module.is_test if module is not None else is_test_path(load.place.path)

    def _match(self, load: LazyLoad, found: Recorded) -> None:
        step = self._step(load.model, load.attribute)
        known = self._function(load.place)
        if step is not None and known is not None and self._seen.sees(known, step):
            return
        reader = self._reader(load)
        is_page = load.via == "jinja2" and not load.place.path.endswith(".py")
        if step is None or (reader is None and not is_page):
            found.diagnostics.append(_stale(load))
            return
        if reader is not None and (reader in self._colouring.kept or self._seen.sees(reader, step)):
            return
        if not step.is_lazy or (is_page and self._seen.sees_anywhere(step)):
            return
        use = self._use(load, step)
        if use is None:
            found.diagnostics.append(_unmatched(load))
        else:
            found.wanted.append(Wanted(load, use))

    def _reader(self, load: LazyLoad) -> Function | None:
        """The function that read the attribute, if the line still does what was recorded."""
        function = self._function(load.place)
        if function is None or function.node is None:
            return None
        if load.via == "response":
            return function if load.place.line == function.node.line else None
        if load.via:
            return function
        here = (n for n in function.nodes(s.Attribute) if n.line <= load.place.line <= n.end_line)
        return function if any(n.attr == load.attribute for n in here) else None

    def _step(self, model: str, attribute: str) -> Step | None:
        mapped = self._models.get(model)
        if mapped is None:
            return None
        relationship = mapped.relationships.get(attribute)
        if relationship is not None:
            return Step(mapped.cls, attribute, relationship)
        return Step(mapped.cls, attribute) if attribute in mapped.columns else None

    def _function(self, place: Place) -> Function | None:
        """The function at `place`, if it still is where it was recorded."""
        function = self._project.function(place.function)
        if function is None or function.module.path != place.path or function.node is None:
            return None
        node = function.node
        return function if node.line <= place.line <= node.end_line else None

    # --- the query -----------------------------------------------------------------------------

    def _use(self, load: LazyLoad, step: Step) -> Use | None:
        """The query at the recorded place, and the path from it; None: there is not just one."""
        function = self._function(load.producer.place)
        through = self._through(load)
        if load.producer.kind != "query" or function is None or through is None:
            return None
        path = (*through, step)
        line = load.producer.place.line
        found: dict[s.Expr, Query] = {}
        for call in function.calls:
            statement = self._project.statement_of(call.node)
            if not statement.line <= line <= statement.end_line:
                continue
            for use in self._producers.of(call.node, call.scope, path):
                if use.query is not None and use.query.function is function:
                    found[use.query.node] = use.query
        if len(found) != 1:
            return None
        return Use(next(iter(found.values())), path)

    def _through(self, load: LazyLoad) -> Path | None:
        """The steps that lead from what the query gives to the object."""
        path: list[Step] = []
        for name in load.producer.through:
            model, _, attribute = name.rpartition(".")
            candidates = [m for m in self._models.values() if m.cls.name == model]
            step = self._step(candidates[0].qualname, attribute) if len(candidates) == 1 else None
            if step is None:
                return None
            path.append(step)
        return tuple(path)


class _Seen:
    """The reads that the static analysis sees, by function."""

    def __init__(self, project: Project, sinks: Iterable[Sink]) -> None:
        self._found: dict[Function, set[tuple[str, str]]] = {}
        for sink in sinks:
            for path in sink.paths:
                self._add(sink.function, path)
        accesses = project.shared(Accesses)
        for function in project.functions:
            for access in accesses.of(function):
                self._add(function, (access.step,))

    def sees(self, function: Function, step: Step) -> bool:
        """Whether `function`, or a function inside it, is known to read `step`."""
        return any(
            (step.model.qualname, step.name) in reads
            for other, reads in self._found.items()
            if other is function or other.parent is function
        )

    def sees_anywhere(self, step: Step) -> bool:
        return any((step.model.qualname, step.name) in reads for reads in self._found.values())

    def _add(self, function: Function, path: Path) -> None:
        names = {(step.model.qualname, step.name) for step in path}
        self._found.setdefault(function, set()).update(names)


def at_queries(wanted: Iterable[Wanted]) -> Iterator[tuple[Query, Path]]:
    """The options that the recorded loads ask for, those that are there left out."""
    for item in wanted:
        query = item.use.query
        if query is not None and tuple(step.name for step in item.use.path) not in query.loaded:
            yield query, item.use.path


def notes(wanted: Iterable[Wanted]) -> Iterator[Diagnostic]:
    """What was added only because of the profile."""
    for item in wanted:
        if item.use.query is not None:
            place = item.load.producer.place
            yield Diagnostic(
                path=place.path,
                line=place.line,
                code="MA505",
                message=f"{item.load.name} is loaded with this query: {_touched(item.load)}",
                next_step="nothing to do; the profile shows it, the code does not",
                severity=Severity.NOTE.value,
            )


def _touched(load: LazyLoad) -> str:
    times = "once" if load.count == 1 else f"{load.count} times"
    return f"recorded {times} at {load.place.path}:{load.place.line}"


def _unmatched(load: LazyLoad) -> Diagnostic:
    origin = {
        "query": "its query cannot be told apart from others",
        "new": "the object was new, which no loader option can help",
    }.get(load.producer.kind, "nobody knows where the object came from")
    return Diagnostic(
        path=load.place.path,
        line=load.place.line,
        code="MA504",
        message=f"{load.name} was loaded lazily here ({_touched(load)}), which the code does not "
        f"show: {origin}",
        next_step=f"await obj.awaitable_attrs.{load.attribute} here, or annotate what it is",
    )


def _stale(load: LazyLoad) -> Diagnostic:
    return Diagnostic(
        path=load.place.path,
        line=load.place.line,
        code="MA506",
        message=f"the profile is older than the code: {load.name} was loaded in "
        f"{load.place.function or load.place.path} at line {load.place.line}, which is not there",
        next_step="record the profile anew",
        severity=Severity.NOTE.value,
    )
