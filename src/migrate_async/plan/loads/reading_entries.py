"""Plain routes and dependencies that read relationships of objects which others have loaded.

    @app.get("/orders/{number}", response_model=OrderOut)
    def show(order: Order = Depends(get_order)):
        return order

They run no SQL that can be seen, and could stay as they are, if the mapping loaded what they read
with each object, for everyone. They become coroutines instead, and await it where they read it, or
let the response load it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model.plan import Reason
from migrate_async.plan.loads.analysis import Analysis
from migrate_async.plan.loads.decide import Decisions, mapping
from migrate_async.plan.loads.opaque_reads import OpaqueReads
from migrate_async.plan.loads.paths import Step, names
from migrate_async.plan.loads.sinks import Sink


def giving_entries(
    project: Project, analysis: Analysis, opaque: OpaqueReads
) -> Iterator[tuple[Function, Reason]]:
    """Those that give such objects to code of which nobody knows what it reads of them."""
    for function in project.functions:
        if function.boundary is not None or not analysis.is_entry(function):
            continue
        found = next(opaque.of(function), None)
        if found is not None:
            text = "what it reads of an object, which loads it, nobody knows"
            yield function, Reason("lazy-load", text, function.module.path, found.node.line)


def reading_entries(analysis: Analysis) -> Iterator[tuple[Function, Reason]]:
    """Those for which no query loads what they read, with what that is.

    Not where the mapping loads it for somebody else: so it does once that is written.
    """
    decisions = analysis.decisions
    mapped = {mapping(item.step) for item in decisions.always if not _can(analysis, item.sink)}
    for sink, step in _reads(decisions):
        function = sink.function
        is_mapped = step.relationship is not None and mapping(step) in mapped
        if _can(analysis, sink) and not is_mapped:
            text = f"it reads {step.model.name}.{step.name}, which loads it"
            yield function, Reason("lazy-load", text, function.module.path, sink.node.line)


def _can(analysis: Analysis, sink: Sink) -> bool:
    """Whether the function of `sink` can become a coroutine for it."""
    function = sink.function
    return function.boundary is None and sink.value is not None and analysis.is_entry(function)


def _reads(decisions: Decisions) -> Iterator[tuple[Sink, Step]]:
    yield from ((item.sink, item.step) for item in decisions.always)
    for sinks in decisions.lazy.values():
        for sink in sinks:
            yield from ((sink, path[0]) for path in sorted(sink.paths, key=names)[:1])
