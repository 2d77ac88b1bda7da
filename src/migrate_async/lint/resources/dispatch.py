"""Where a function hands values to code that runs elsewhere or later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import RawCall, last_name
from migrate_async.index.types import ordered
from migrate_async.knowledge import dispatch
from migrate_async.model import syntax as s


@dataclass(frozen=True)
class Dispatch:
    """A call that runs `target` elsewhere. `where` names it in messages; `values` go with it.

    `is_sent`: the values are serialised for another process. `is_later`: it runs after the
    request was answered.
    """

    call: RawCall
    where: str
    target: s.Expr | None
    values: tuple[s.Expr, ...]
    is_sent: bool = False
    is_later: bool = False


def dispatch_of(call: RawCall, project: Project) -> Dispatch | None:
    """What `call` runs elsewhere, if anything."""
    node = call.node
    name = last_name(node.func)
    if name in ("Thread", "Timer", "Process") or name in ("start_new_thread", "spawn"):
        return _thread(call, project)
    if name in dispatch.BACKGROUND or name in dispatch.BACKGROUND_CLASSES:
        return _with_target(call, "a background task", is_later=True)
    if not isinstance(node.func, s.Attribute):
        in_schedule = name in dispatch.SCHEDULES
        return _with_target(call, "a task") if in_schedule else None
    if name in dispatch.QUEUES and _is_queue(node, project):
        return Dispatch(call, "a task queue", node.func.value, tuple(_flat(node)), is_sent=True)
    if name in dispatch.SUBMITS:
        return _with_target(call, "an executor")
    is_schedule = name in dispatch.SCHEDULES and s.dotted_name(node.func.value) in _LOOPS
    return _with_target(call, "a task") if is_schedule else None


_LOOPS = frozenset({"asyncio", "loop", "self.loop", "self._loop", "scheduler"})
"""What `create_task` is called on; a task group waits for its tasks itself."""


def _thread(call: RawCall, project: Project) -> Dispatch | None:
    names = {getattr(item, "dotted", "") for item in project.infer(call.node.func, call.scope)}
    keywords = {keyword.arg: keyword.value for keyword in call.node.keywords}
    target = keywords.get("target") or keywords.get("function")
    if names & dispatch.PROCESSES:
        return Dispatch(call, "a process", target, tuple(_flat(call.node)), is_sent=True)
    if not names & dispatch.THREADS:
        return None
    return Dispatch(call, "a thread", target or _first(call.node), tuple(_flat(call.node)))


def _with_target(call: RawCall, where: str, *, is_later: bool = False) -> Dispatch:
    values = tuple(_flat(call.node))
    target = next((v for v in values if isinstance(v, s.Name | s.Attribute | s.Lambda)), None)
    return Dispatch(call, where, target, values, is_later=is_later)


def _first(node: s.Call) -> s.Expr | None:
    return next((arg for arg in node.args if not isinstance(arg, s.Constant)), None)


def _is_queue(node: s.Call, project: Project) -> bool:
    """Whether the receiver is a task: a function of the project, or something of Celery or rq."""
    assert isinstance(node.func, s.Attribute)  # noqa: S101 - see the caller
    types = project.infer(node.func.value, project.scope_of(node))
    if node.func.attr == "delay":
        return True
    return any(
        hasattr(item, "fn") or getattr(item, "dotted", "").startswith(_QUEUE_PACKAGES)
        for item in ordered(types)
    )


_QUEUE_PACKAGES = ("celery.", "rq.", "dramatiq.", "huey.", "arq.")


def _flat(node: s.Call) -> Iterator[s.Expr]:
    """The arguments, with those inside of `args=(...)`, `f(...)` and `partial(...)`."""
    for value in node.values:
        yield from _parts(value)


def _parts(value: s.Expr) -> Iterator[s.Expr]:
    if isinstance(value, s.Starred):
        value = value.value
    if isinstance(value, s.Sequence):
        for item in value.items:
            yield from _parts(item)
    elif isinstance(value, s.Mapping):
        for item in value.values:
            yield from _parts(item)
    elif isinstance(value, s.Call):
        yield value.func
        for item in value.values:
            yield from _parts(item)
    else:
        yield value
