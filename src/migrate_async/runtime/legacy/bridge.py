"""How synchronous database code reaches an async driver: greenlets, and calls to the loop.

SQLAlchemy's async drivers end in `await_only(awaitable)`, which hands the awaitable to the
parent of the current greenlet. Two drivers for such greenlets live here, beside SQLAlchemy's
own `greenlet_spawn`:

* `call_on_loop` runs one function in a greenlet on an event loop, on behalf of a thread that
  waits for it;
* `drive` runs a whole coroutine in a greenlet, so that synchronous database calls made inside
  `async def` code await instead of blocking the loop.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet
from sqlalchemy.util import await_only

from migrate_async.runtime.errors import MigrateAsyncRuntimeError
from migrate_async.runtime.running import in_greenlet, running_loop

T = TypeVar("T")

_CHECK_LOOP_SECONDS = 1.0
STALL_SECONDS = 30.0
"""How long a thread waits for a loop that does not even begin with its call."""


class BlockingCallOnLoop(MigrateAsyncRuntimeError):
    """A sync session was used on the event loop where nothing can await for it."""

    def __init__(self) -> None:
        super().__init__(
            "a sync session of the shim was used in async code that the shim does not drive: a "
            "task started with create_task, or ASGI code around the application, which can be "
            "wrapped in SessionScopeMiddleware. Use an AsyncSession there, or run the sync code "
            "with `await run_legacy(function, ...)`"
        )


class LoopClosed(MigrateAsyncRuntimeError):
    """The event loop ended while a thread waited for its answer."""


class LoopStalled(MigrateAsyncRuntimeError):
    """The event loop did not begin with a thread's call: it is blocked, perhaps by waiting."""

    def __init__(
        self,
        advice: str = "a route in the mode 'loop' which lends its session to threads and joins "
        "them, or holds a lock over a query, blocks itself: give it the mode 'hop' with "
        '@use_mode("hop"), or let each thread open a session of its own',
    ) -> None:
        super().__init__(
            f"the event loop has been blocked for {STALL_SECONDS:g} s while a thread waits for "
            f"it; {advice}"
        )


class BridgeGreenlet(greenlet):
    """A greenlet in which SQLAlchemy's async drivers may await."""

    __sqlalchemy_greenlet_provider__ = True  # the mark that `await_only` looks for

    def __init__(self, function: Callable[..., Any], parent: greenlet) -> None:
        super().__init__(function, parent)
        self.gr_context = parent.gr_context


async def run_awaiting(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Call a sync function, which may use sync sessions of the shim, from async code.

    It runs in a greenlet on this loop: database calls await, other blocking calls block.
    """
    if in_greenlet():
        return function(*args, **kwargs)
    spawned = BridgeGreenlet(partial(function, *args, **kwargs), getcurrent())
    return await _await_for(spawned, spawned.switch())  # type: ignore[no-any-return]


def call_on_loop(
    loop: asyncio.AbstractEventLoop, function: Callable[..., T], /, *args: Any, **kwargs: Any
) -> T:
    """Run a function in a greenlet on `loop`, from wherever this is called, and wait for it.

    In a greenlet on that very loop it is an ordinary call; a thread waits; a greenlet on another
    loop awaits. The function sees the context variables of the caller.

    :raises BlockingCallOnLoop: this thread runs an event loop, waiting would stop it.
    :raises LoopClosed: the loop ended before the function did.
    """
    running = running_loop()
    if running is None:
        call = _Call(partial(function, *args, **kwargs), loop)
        call.send()
        return call.wait()  # type: ignore[no-any-return]
    if not in_greenlet():
        raise BlockingCallOnLoop
    if running is loop:
        return function(*args, **kwargs)
    elsewhere = _FutureCall(partial(function, *args, **kwargs), loop)
    elsewhere.send()
    return await_only(asyncio.wrap_future(elsewhere.future))  # type: ignore[no-any-return]


def send_to_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    """Have `loop` call a function in a greenlet, soon and in the order of such calls; do not wait.

    :raises LoopClosed: the loop is closed.
    """
    _Call(function, loop).send()


class _Call:
    """A function call that travels from a thread to an event loop and back.

    A lock, locked until the result is there, is the cheapest way to wait: half the time that
    `asyncio.run_coroutine_threadsafe` takes.
    """

    __slots__ = ("_claimed", "_done", "_error", "_function", "_loop", "_task", "_value")

    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self._function = function
        self._loop = loop
        self._done = threading.Lock()
        self._done.acquire()
        self._claimed = threading.Lock()  # by the loop which begins, or the thread which gives up
        self._value: Any = None
        self._error: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    def send(self) -> None:
        """From any thread: have the loop start it."""
        try:
            self._loop.call_soon_threadsafe(self.start, context=copy_context())
        except RuntimeError:
            raise LoopClosed("the event loop of the database is closed") from None

    def start(self) -> None:
        """On the loop: run up to the first await; only then is a task worth its price."""
        if not self._claimed.acquire(blocking=False):
            return
        spawned = BridgeGreenlet(self._function, getcurrent())
        try:
            result = spawned.switch()
        except BaseException as error:  # noqa: BLE001  it belongs to the waiting thread
            self._error = error
            self._finish()
            return
        if spawned.dead:
            self._value = result
            self._finish()
        else:
            self._task = self._loop.create_task(self._continue(spawned, result))

    async def _continue(self, spawned: BridgeGreenlet, awaitable: Awaitable[Any]) -> None:
        try:
            self._value = await _await_for(spawned, awaitable)
        except BaseException as error:  # noqa: BLE001  it belongs to the waiting thread
            self._error = error
        finally:
            self._finish()

    def _finish(self) -> None:
        self._done.release()

    def wait(self) -> Any:
        """In the thread: the function's result, or its exception."""
        deadline = monotonic() + STALL_SECONDS
        while not self._done.acquire(timeout=_CHECK_LOOP_SECONDS):
            if self._loop.is_closed():
                raise LoopClosed("the event loop of the database closed during the call")
            if monotonic() > deadline and self._claimed.acquire(blocking=False):
                raise LoopStalled
        try:
            if self._error is not None:
                raise self._error
            return self._value
        finally:
            self._error = self._task = None  # the traceback refers to this frame


class _FutureCall(_Call):
    """The same with a future, for a caller that awaits."""

    __slots__ = ("future",)

    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(function, loop)
        self.future: Future[Any] = Future()

    def _finish(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._value)


async def _await_for(spawned: BridgeGreenlet, result: Any) -> Any:
    """Await what the greenlet asks for until it returns."""
    while not spawned.dead:
        try:
            value = await result
        except BaseException:  # noqa: BLE001, PERF203  thrown where the greenlet waits
            result = spawned.throw(*sys.exc_info())
        else:
            result = spawned.switch(value)
    return result


class _Yielded:
    """What the driven coroutine itself yields to the event loop, to be passed on as it is."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


@types.coroutine
def drive(coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Await a coroutine in which synchronous database calls await implicitly.

    It stays in the same task and context; cancellation and exceptions pass through.
    """
    driven = BridgeGreenlet(partial(_step_through, coroutine), getcurrent())
    result = driven.switch()
    while not driven.dead:
        try:
            if type(result) is _Yielded:
                value = yield result.value
            else:
                value = yield from result.__await__()
        except BaseException:  # noqa: BLE001, PERF203  thrown where the greenlet waits
            result = driven.throw(*sys.exc_info())
        else:
            result = driven.switch(value)
    return result  # type: ignore[no-any-return]


def _step_through(coroutine: Coroutine[Any, Any, T]) -> T:
    """Inside the greenlet: an event loop in small, whose futures go to the real one."""
    switch = getcurrent().parent.switch  # type: ignore[union-attr]
    yielded = _Yielded(None)  # one for all: the parent reads it before it switches back
    value = error = None
    while True:
        try:
            yielded.value = coroutine.send(value) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        value = error = None
        try:
            value = switch(yielded)
        except BaseException as caught:  # noqa: BLE001  thrown into the coroutine
            error = caught
