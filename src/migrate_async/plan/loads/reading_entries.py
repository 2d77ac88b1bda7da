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

from migrate_async.index.scopes import Function
from migrate_async.model.plan import Reason
from migrate_async.plan.loads.analysis import Analysis
from migrate_async.plan.loads.decide import Decisions
from migrate_async.plan.loads.paths import Step, names
from migrate_async.plan.loads.sinks import Sink


def reading_entries(analysis: Analysis) -> Iterator[tuple[Function, Reason]]:
    """Those for which no query loads what they read, with what that is."""
    for sink, step in _reads(analysis.decisions):
        function = sink.function
        if function.boundary is None and sink.value is not None and analysis.is_entry(function):
            text = f"it reads {step.model.name}.{step.name}, which loads it"
            yield function, Reason("lazy-load", text, function.module.path, sink.node.line)


def _reads(decisions: Decisions) -> Iterator[tuple[Sink, Step]]:
    yield from ((item.sink, item.step) for item in decisions.always)
    for sinks in decisions.lazy.values():
        for sink in sinks:
            yield from ((sink, path[0]) for path in sorted(sink.paths, key=names)[:1])
