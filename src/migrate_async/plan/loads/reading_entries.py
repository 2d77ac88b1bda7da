"""Plain routes and dependencies that read relationships of objects which others have loaded.

    @app.get("/orders/{number}", response_model=OrderOut)
    def show(order: Order = Depends(get_order)):
        return order

They run no SQL that can be seen, and could stay as they are, if the mapping loaded what they read
with each object, for everyone. They become coroutines instead, and await it where they read it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.model.plan import Reason
from migrate_async.plan.loads.analysis import Analysis


def reading_entries(analysis: Analysis) -> Iterator[tuple[Function, Reason]]:
    """Those of which only the mapping could load what they read, with what that is."""
    for item in analysis.decisions.always:
        function = item.sink.function
        if (
            function.boundary is None
            and item.sink.value is not None
            and analysis.is_entry(function)
        ):
            text = f"it reads {item.step.model.name}.{item.step.name}, which loads it"
            line = item.sink.node.line
            yield function, Reason("lazy-load", text, function.module.path, line)
