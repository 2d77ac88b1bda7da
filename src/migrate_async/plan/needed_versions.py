"""What migrated code needs of the packages it stands on, held against what the project allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from migrate_async.knowledge import pagination
from migrate_async.knowledge.shim import PACKAGE
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.model.plan import AddArgument, Plan
from migrate_async.source.pins import Pin

OLD_PIN = "MA416"

_ASYNC = "sqlalchemy.ext.asyncio"
_RUNTIME = "2.0.36"
"""What the runtime of this package requires; see its `pyproject.toml`."""


@dataclass(frozen=True)
class _Need:
    """The oldest version of `package`, called `title`, that will do, and what for."""

    package: str
    title: str
    minimum: str
    reason: str


def old_pins(plan: Plan, pins: Callable[[str], Iterable[Pin]]) -> Iterator[Diagnostic]:
    """The pins that allow no version which has what `plan` writes; `pins` finds a package's."""
    for need in _needed(plan):
        for pin in pins(need.package):
            if not pin.allows(need.minimum):
                yield at(
                    pin.path,
                    (pin.line, pin.column, pin.line, pin.column + len(pin.text)),
                    OLD_PIN,
                    f"{pin.text} allows no {need.title} that {need.reason}",
                    f"allow {need.package}>={need.minimum} and run the tests, before the changes"
                    " or with them",
                )


def _needed(plan: Plan) -> Iterator[_Need]:
    wanted = {(change.module, change.name) for file in plan.files for change in file.imports}
    minimum, reason = _of_sqlalchemy(wanted)
    if minimum:
        yield _Need("sqlalchemy", "SQLAlchemy", minimum, reason)
    minimum, reason = _of_pagination(plan, wanted)
    if minimum:
        yield _Need(pagination.PACKAGE, pagination.PACKAGE, minimum, reason)


def _of_sqlalchemy(wanted: set[tuple[str, str]]) -> tuple[str, str]:
    """The oldest version that will do, and what for; empty if the plan imports nothing."""
    if any(module.partition(".")[0] == PACKAGE for module, _ in wanted):
        return _RUNTIME, f"migrate-async works with: it needs {_RUNTIME} or newer"
    if (_ASYNC, "AsyncAttrs") in wanted:
        return "2.0.13", "has AsyncAttrs: it came with 2.0.13"
    if any(module == _ASYNC for module, _ in wanted):
        return "2.0.0", "has async_sessionmaker: it came with 2.0"
    return "", ""


def _of_pagination(plan: Plan, wanted: set[tuple[str, str]]) -> tuple[str, str]:
    coroutines = {tuple(name.rpartition(".")[::2]) for name in pagination.PAGINATES.values()}
    edits = [edit for file in plan.files for edit in file.edits]
    renamed = {getattr(edit, "name", "") for edit in edits}
    if wanted & coroutines or "apaginate" in renamed:
        minimum = pagination.COROUTINE
        return minimum, f"has apaginate: it came with {minimum}"
    if any(isinstance(edit, AddArgument) and edit.first for edit in edits):
        minimum = pagination.STATEMENTS
        return minimum, f"makes pages of a session and a statement: it needs {minimum} or newer"
    return "", ""
