"""What migrated code needs of SQLAlchemy, held against what the project allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.knowledge.shim import PACKAGE
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.model.plan import Plan
from migrate_async.source.pins import Pin

OLD_PIN = "MA416"

_ASYNC = "sqlalchemy.ext.asyncio"
_RUNTIME = "2.0.36"
"""What the runtime of this package requires; see its `pyproject.toml`."""


def old_pins(plan: Plan, pins: Iterable[Pin]) -> Iterator[Diagnostic]:
    """Those of `pins` that allow no version which has what `plan` imports."""
    minimum, reason = _needed(plan)
    for pin in pins if minimum else ():
        if not pin.allows(minimum):
            yield at(
                pin.path,
                (pin.line, pin.column, pin.line, pin.column + len(pin.text)),
                OLD_PIN,
                f"{pin.text} allows no SQLAlchemy that {reason}",
                f"allow sqlalchemy>={minimum} and run the tests, before the changes or with them",
            )


def _needed(plan: Plan) -> tuple[str, str]:
    """The oldest version that will do, and what for; empty if the plan imports nothing."""
    wanted = {(change.module, change.name) for file in plan.files for change in file.imports}
    if any(module.partition(".")[0] == PACKAGE for module, _ in wanted):
        return _RUNTIME, f"migrate-async works with: it needs {_RUNTIME} or newer"
    if (_ASYNC, "AsyncAttrs") in wanted:
        return "2.0.13", "has AsyncAttrs: it came with 2.0.13"
    if any(module == _ASYNC for module, _ in wanted):
        return "2.0.0", "has async_sessionmaker: it came with 2.0"
    return "", ""
