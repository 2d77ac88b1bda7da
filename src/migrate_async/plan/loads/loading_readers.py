"""Sync code that goes on loading what it reads, since the mapping would load it too early.

    class Printer:
        def lines(self):
            return [line.text for line in self.order.lines]

Nobody knows where such code has its objects from, so that only the mapping could load what it
reads. Where rows come after that, and nothing is sure to load them again, it stays sync instead: it
is run in a thread, where the sessions load what is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.model.plan import Reason
from migrate_async.plan.loads.decide import Always


class Early(Protocol):
    """A relationship that the mapping would load."""

    @property
    def model(self) -> Class: ...

    @property
    def name(self) -> str: ...


def loading_readers(
    project: Project, always: Iterable[Always], uncertain: Iterable[Early]
) -> Iterator[tuple[Function, Reason]]:
    """Who of `always` reads what is `uncertain`, if the mapping can stay as it is by that."""
    wanted = {(early.model, early.name) for early in uncertain}
    found: dict[tuple[Class, str], list[Always]] = {}
    for item in always:
        key = item.step.model, item.step.name
        if key in wanted:
            found.setdefault(key, []).append(item)
    for items in found.values():
        if all(_can_stay(project, item.sink.function) for item in items):
            for item in items:
                yield item.sink.function, _reason(item)


def _can_stay(project: Project, function: Function) -> bool:
    """Whether nothing but calls runs `function`, so that each can send it to a thread."""
    if function.is_async or function.boundary is not None or is_property(function):
        return False
    if not all(use.is_bridged for use in project.value_uses(function)):
        return False
    sites = (*project.callers(function), *project.bridges_to(function))
    return bool(sites) and all(site.kind in ("call", "bridge") for site in sites)


def _reason(item: Always) -> Reason:
    function = item.sink.function
    read = f"{item.step.model.name}.{item.step.name}"
    text = f"it reads {read}, which would be loaded before rows that come later"
    return Reason("early-load", text, function.module.path, item.sink.node.line)
