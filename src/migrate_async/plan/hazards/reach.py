"""Through which calls a function reaches code that holds the thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, RelatedPlace
from migrate_async.plan.hazards.confidence import rank, weakest
from migrate_async.plan.hazards.hits import Finder, Hit, short

_CONSUMERS = frozenset({"list", "next", "tuple", "set", "dict", "sorted", "sum", "any", "all"})


@dataclass(frozen=True)
class Way:
    """The calls of `sites`, each in the function that the one before it runs, lead to `hit`."""

    sites: tuple[CallSite, ...]
    hit: Hit

    @property
    def confidence(self) -> Confidence:
        """High only if every call can run but one function, as it is written."""
        certain = all(_is_certain(site) for site in self.sites)
        return weakest(self.hit.confidence, Confidence.HIGH if certain else Confidence.MEDIUM)

    @property
    def chain(self) -> str:
        """`load() -> find() -> db.execute(...)`."""
        names = [f"{_callee(site)}()" for site in self.sites]
        return " -> ".join([*names, self.hit.text])

    def related(self) -> tuple[RelatedPlace, ...]:
        """The places after the first call, in order."""
        places = [_related(site, f"then calls {short(site.node)}") for site in self.sites[1:]]
        return (*places, _related(self.hit.site, f"{self.hit.text} runs here"))


def _is_certain(site: CallSite) -> bool:
    """Decorators may run a function elsewhere (in a thread), or not each time (a cache)."""
    if len(site.targets) != 1 or site.heuristic:
        return False
    if site.kind == "property":
        return True
    return not any(note.startswith(("decorator:", "cache:")) for note in site.targets[0].soft)


class Reach:
    """The shortest way from every sync function to the hits that `finder` finds."""

    def __init__(self, project: Project, finder: Finder) -> None:
        self._project = project
        self._finder = finder
        self._hits: dict[Function, tuple[Hit, ...]] = {}
        self._ways: dict[Function, Way] | None = None

    def hits(self, function: Function) -> tuple[Hit, ...]:
        """What `function` does itself."""
        if function not in self._hits:
            self._hits[function] = tuple(self._finder(self._project, function))
        return self._hits[function]

    def way(self, site: CallSite) -> Way | None:
        """How the call `site` gets to a hit; None if no sync function that it runs does."""
        found = [
            (way, target)
            for target in site.targets
            if runs(self._project, site, target) and (way := self.of(target)) is not None
        ]
        if not found:
            return None
        way = min((way for way, _ in found), key=lambda way: len(way.sites))
        return Way((site, *way.sites), way.hit)

    def of(self, function: Function) -> Way | None:
        """How `function`, a sync one, gets to a hit, its own included; None if it does not."""
        if self._ways is None:
            self._ways = self._search()
        return self._ways.get(function)

    def _search(self) -> dict[Function, Way]:
        """Breadth first from the hits to their callers, so that ways are the shortest."""
        found: dict[Function, Way] = {}
        pending: deque[Function] = deque()
        for function in self._project.functions:
            hits = () if function.is_async or function.is_module else self.hits(function)
            if hits:
                found[function] = Way((), _surest(hits))
                pending.append(function)
        while pending:
            function = pending.popleft()
            for site in self._project.callers(function):
                caller = site.function
                if caller in found or caller.is_async or caller.is_module:
                    continue
                if runs(self._project, site, function):
                    way = found[function]
                    found[caller] = Way((site, *way.sites), way.hit)
                    pending.append(caller)
        return found


def _surest(hits: Iterable[Hit]) -> Hit:
    return max(hits, key=lambda hit: (rank(hit.confidence), not hit.is_clean_up))


def runs(project: Project, site: CallSite, target: Function) -> bool:
    """Whether `site` runs the body of the sync function `target` right away.

    FastAPI runs sync dependencies in threads; a generator runs when somebody iterates over it.
    """
    if site.kind == "dependency" or target.is_async or site.awaited:
        return False
    if not target.is_generator or "contextmanager" in target.decorator_names:
        return True
    parent = project.parent(site.node)
    if isinstance(parent, s.Call):
        return s.dotted_name(parent.func) in _CONSUMERS
    return isinstance(parent, s.For | s.Generator) and parent.iter is site.node


def _callee(site: CallSite) -> str:
    node = site.node.func if isinstance(site.node, s.Call) else site.node
    name = s.dotted_name(node)
    return name or (node.attr if isinstance(node, s.Attribute) else "...")


def _related(site: CallSite, message: str) -> RelatedPlace:
    return RelatedPlace(site.function.module.path, site.node.span, message)
