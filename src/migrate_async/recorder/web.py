"""Note which route of FastAPI a response is made for: no line of its code is at work then."""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import Any

from .places import ROUTE, Places


def listen(routing: ModuleType, places: Places) -> None:  # noqa: ARG001 - all listeners get them
    """Have `fastapi.routing` remember the route's function for what follows in its task."""
    run = routing.run_endpoint_function

    @functools.wraps(run)
    def run_endpoint_function(*args: Any, **options: Any) -> Any:
        dependant = options.get("dependant", args[0] if args else None)
        call = getattr(dependant, "call", None)
        ROUTE.set(inspect.unwrap(call) if callable(call) else None)
        return run(*args, **options)

    routing.run_endpoint_function = run_endpoint_function  # type: ignore[attr-defined]
