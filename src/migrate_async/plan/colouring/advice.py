"""What a function that stays sync is told, and what to do about it."""

from __future__ import annotations

from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.plan.colouring.owners import advice_for


def stays_sync(function: Function, reason: p.Reason, severity: Severity) -> Diagnostic:
    """The message about a function that stays sync, for `reason`."""
    advice = advice_for(function.boundary) if reason.code == "boundary" else None
    return Diagnostic(
        path=function.module.path,
        line=function.line,
        code="MA201",
        message=f"{function.qualname} stays sync: {reason.text}",
        next_step=advice or _NEXT_STEPS.get(reason.code, _SEE_PLAN),
        severity=severity.value,
    )


_SEE_PLAN = "see `migrate-async plan` for the chain of reasons"

_NEXT_STEPS = {
    "alembic": "nothing to do while a sync driver is installed; "
    "`--step alembic` moves it to the async one",
    "boundary": "call its work from an async function, or leave it on the sync session",
    "decorator": "make the decorator await coroutines, or take it off",
    "query-left": "translate the query by hand, then run the migration again",
    "legacy-query": "run `migrate-async migrate --step queries --write` first",
    "no-counterpart": "wrap the call in `await db.run_sync(...)` by hand, or in that of a "
    "connection",
    "attribute-listener": "do what the listener does where the attribute is set, and await it",
    "shared-session": "take a session as a parameter, or open one where it is used",
    "unresolved": "annotate the callee, or convert the call by hand",
    "no-await": "turn the expression into a loop or a list comprehension",
    "holds-lock": "use `async with` on an `asyncio.Lock`, or release the lock before the query",
    "foreign-session": "take a session from Depends(get_db) there instead; the package has no "
    "async one",
    "unseen-source": "ask for a dependency of the project there, Depends(get_db); or name it as "
    "`get-db` in the settings if it gives async sessions by then",
    "no-factory": "open it with a factory, or on an engine, that stands at the top of a module",
    "mocked-engine": "use an engine on SQLite in memory in the test",
    "hides-session": "give the session a parameter with an annotation, or convert what keeps "
    "that one",
    "called-by-sync": "migrate the caller too, or say --keep-async, and it calls what has "
    "converted; until then it is called on the sync side",
    "called-at-import": "move the call into the application's start-up",
    "called-by-script": "move what is below `if __name__` into a function: it becomes a coroutine",
    "not-selected": "select it too, or migrate it in a later run",
    "shares-session": "convert what keeps that one (`plan --explain` tells); all share one side",
    "shares-query": "convert what keeps that one; until then the query stays as it is",
    "made-by-sync": "convert what makes it; until then the object stays on the sync side",
    "special-method": "make it the async one (`__aenter__`, `__aexit__`, `__aiter__`) by hand, and "
    "its uses `async with` or `async for`",
    "handed-by-sync": "migrate who hands it on, or let it open a session of its own",
    "hands-on": "call it in a loop or a list comprehension, and hand on the results",
    "runs-beside": "await them one after the other, or open a session in each of them",
    "runs-sync": "call a method instead, or convert that one by hand",
    "twins-differ": "make the same change in both and take the fingerprint out of "
    "`sync_twin(...)`, or delete one of them",
    "iterates-sync": "select what keeps it sync, or collect the items inside it",
}
