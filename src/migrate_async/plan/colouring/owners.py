"""Who calls a function that owns a session and cannot wait for a coroutine, in words."""

from __future__ import annotations

_OWN_SESSION = "nothing: it keeps a session of its own, on the sync side"

_OWNERS: dict[str, tuple[str, str]] = {
    "task": (
        "a task queue or scheduler calls it and does not await",
        f"{_OWN_SESSION}; `run_async(work())`, or `call_async(work, db)`, runs converted code",
    ),
    "cli": (
        "it is a command, which the command line calls and does not await",
        f"{_OWN_SESSION}; `asyncio.run(work())` in it runs converted code",
    ),
    "value:add_job": (
        "a scheduler calls it (add_job) and may not await",
        f"{_OWN_SESSION}; an AsyncIOScheduler also takes an `async def`",
    ),
    "value:submit": (
        "an executor calls it in a thread of its own (submit)",
        f"{_OWN_SESSION}; to convert it, await it instead of submitting it",
    ),
    "value:Thread": (
        "a thread runs it",
        f"{_OWN_SESSION}; to convert it, start it as a task of the event loop",
    ),
    "value:Process": ("another process runs it", _OWN_SESSION),
    "sqlalchemy-event": (
        "SQLAlchemy calls it: an event listener",
        "nothing: events also happen on the sync side of an AsyncSession",
    ),
}


_KINDS: dict[str, str] = {
    "dunder": "Python calls it and does not await",
    "injection": "the `Depends(...)` at {name} is handed on, and nobody knows who gets its session",
    "init": "Python calls it when an object is made, and does not await",
    "lambda": "a lambda cannot be one",
    "module-level": "it is the top level of a module",
    "override": "{name} calls it and does not await",
    "property": "reading a property awaits nothing",
    "validator": "a validator is called by its model, which does not await",
    "value:value": "it is kept as a value, and who calls it may not await",
    "value": "it is handed on to `{name}`, which calls it and may not await",
}


def caller_of(boundary: str) -> str:
    """Who calls a function with this boundary (`index.boundaries`)."""
    if boundary in _OWNERS:
        return _OWNERS[boundary][0]
    kind, _, name = boundary.partition(":")
    text = _KINDS.get(boundary) or _KINDS.get(kind, "{boundary}")
    return text.format(boundary=boundary, name=name)


def advice_for(boundary: str | None) -> str | None:
    """What to do about it, where there is more to say than of boundaries in general."""
    return _OWNERS[boundary][1] if boundary in _OWNERS else None
