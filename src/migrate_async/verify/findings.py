"""The codes of `verify`, and what to do about each."""

from __future__ import annotations

import msgspec

from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, Severity, at


class Check(msgspec.Struct, frozen=True):
    """One kind of mistake."""

    code: str
    title: str
    next_step: str
    severity: str = Severity.ERROR.value

    def at(self, path: str, span: s.Span, message: str) -> Diagnostic:
        """The mistake at a place."""
        found = at(path, span, self.code, message, self.next_step)
        return msgspec.structs.replace(found, severity=self.severity)


UNRESOLVED_IMPORT = Check(
    "MA271",
    "A name that is imported or read from a module of the project is not there",
    "import it from where it is, or remove the import",
)
UNDEFINED_NAME = Check("MA272", "A name is read that nothing binds", "define or import it")
NOT_AWAITED = Check(
    "MA273", "A coroutine is not awaited", "put `await` before the call, or hand it to a task"
)
OPERATION_NOT_AWAITED = Check(
    "MA274", "An operation of an async session is not awaited", "put `await` before the call"
)
COROUTINE_IN_SYNC = Check(
    "MA275",
    "Sync code calls a coroutine and does not run it",
    "make the caller `async def`, or run it with `migrate_async.run_async(...)`",
)
SYNC_SESSION = Check(
    "MA276",
    "A sync session is used in a coroutine",
    "use the AsyncSession from `get_db`, or run the code in `await db.run_sync(...)`",
    Severity.WARNING.value,
)
COLOUR_CLASH = Check(
    "MA277",
    "An override and what it overrides are called alike, but only one is a coroutine",
    "give both the same colour",
)
AWAIT_OF_SYNC = Check("MA278", "Something is awaited that is no coroutine", "remove the `await`")
WRONG_PROTOCOL = Check(
    "MA279",
    "`for` or `with` is used where `async for` or `async with` belongs, or the reverse",
    "add or remove `async`",
)
DOES_NOT_COMPILE = Check(
    "MA280", "The module does not compile", "correct the line; `await` needs an `async def`"
)
ASYNC_GENERATOR = Check(
    "MA281",
    "A generator expression that awaits is given to something that does not",
    "use a list comprehension",
)
LEGACY_API = Check(
    "MA282",
    "A method is used that AsyncSession does not have",
    "use `await db.execute(select(...))`, or `await db.run_sync(...)`",
)
TORN_TWIN = Check(
    "MA283",
    "A sync original and its async twin were edited since they were made, or the twin is gone",
    "make the same change in both and take the fingerprint out of `sync_twin(...)`, or delete one",
    Severity.WARNING.value,
)
UNFIT_ENGINE = Check(
    "MA284",
    "A sync session is bound to an async engine, or an async one to a sync one",
    "bind it to an engine of its own kind",
)
UNFIT_DEPENDENCY = Check(
    "MA285",
    "A parameter is declared an AsyncSession, and its dependency gives a sync session",
    "make the dependency an async one, or declare a `Session`",
)

CHECKS = (
    UNRESOLVED_IMPORT,
    UNDEFINED_NAME,
    NOT_AWAITED,
    OPERATION_NOT_AWAITED,
    COROUTINE_IN_SYNC,
    SYNC_SESSION,
    COLOUR_CLASH,
    AWAIT_OF_SYNC,
    WRONG_PROTOCOL,
    DOES_NOT_COMPILE,
    ASYNC_GENERATOR,
    LEGACY_API,
    TORN_TWIN,
    UNFIT_ENGINE,
    UNFIT_DEPENDENCY,
)
"""All of them, by code; docs/verify.md has a row for each."""
