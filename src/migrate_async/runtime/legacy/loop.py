"""One event loop thread per process, for callers that have no event loop of their own.

`asyncio.run` per Celery task makes a new loop each time, and a pooled connection belongs to the
loop that opened it. With one loop for the process, its pool stays usable.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextvars import copy_context
from typing import Any, TypeVar

from migrate_async.runtime.errors import MigrateAsyncRuntimeError
from migrate_async.runtime.running import running_loop

T = TypeVar("T")

_STOP_SECONDS = 5.0


class CalledOnEventLoop(MigrateAsyncRuntimeError):
    """A blocking call was made in a thread whose event loop it would have stopped."""


class LoopThread:
    """A daemon thread with a running event loop, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop."""
        with self._lock:
            if self._loop is None or self._loop.is_closed():
                self._loop = self._start()
            return self._loop

    def run(self, coroutine: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
        """Run a coroutine on the loop, with the caller's context variables, and wait for it.

        :param timeout: seconds to wait before the coroutine is cancelled.
        :raises CalledOnEventLoop: the calling thread runs an event loop; await it there.
        :raises TimeoutError: the time is up.
        """
        if running_loop() is not None:
            coroutine.close()
            raise CalledOnEventLoop("run_async() was called on an event loop: use `await` there")
        result: Future[T] = Future()
        loop = self.loop
        tasks: list[asyncio.Task[T]] = []

        def start() -> None:
            task = loop.create_task(coroutine)
            tasks.append(task)
            task.add_done_callback(lambda done: _settle(result, done))

        loop.call_soon_threadsafe(start, context=copy_context())
        try:
            return result.result(timeout)
        except CancelledError:
            raise asyncio.CancelledError from None
        except BaseException as error:
            if result.done():
                raise
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
            if isinstance(error, FutureTimeoutError):
                raise TimeoutError(f"run_async() took longer than {timeout} s") from None
            raise

    def owns(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether `loop` is the one that runs in this thread."""
        return loop is self._loop

    def stop(self) -> None:
        """Cancel what still runs, close the loop and end the thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None or loop.is_closed():
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_STOP_SECONDS)

    def forget(self) -> None:
        """Drop the loop without touching it: after a fork its thread is in the parent."""
        self._lock = threading.Lock()
        self._loop = self._thread = None

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(
            target=_serve, args=(loop,), name="migrate-async-loop", daemon=True
        )
        thread.start()
        self._thread = thread
        return loop


_closers: list[Callable[[], Awaitable[None]]] = []
_process = LoopThread()
_home: list[asyncio.AbstractEventLoop] = []
atexit.register(_process.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.forget)


def run_on_process_loop(coroutine: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
    """Run a coroutine on the loop of the loop thread; see `scripts.run_async`."""
    return _process.run(coroutine, timeout=timeout)


def stop_loop() -> None:
    """End the loop thread of this process; the next `run_async` starts a new one."""
    _process.stop()


def before_stop(closer: Callable[[], Awaitable[None]]) -> None:
    """Have `closer()` awaited on the loop thread's loop before it closes."""
    _closers.append(closer)


def adopt_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Make the loop that serves the application the one that threads without a request use."""
    _home.append(loop)


def abandon_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Undo `adopt_loop`."""
    if loop in _home:
        _home.remove(loop)


def home_loop() -> asyncio.AbstractEventLoop:
    """The loop for a thread that serves no request.

    A thread that the application started uses the application's loop while that runs. The main
    thread of a script or of a test suite may outlive the application: it uses the loop thread.
    """
    if threading.current_thread() is not threading.main_thread():
        for loop in reversed(_home):
            if loop.is_running():
                return loop
    return _process.loop


def process_loop() -> asyncio.AbstractEventLoop:
    """The loop of the loop thread, which nothing blocks."""
    return _process.loop


def is_process_loop(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this is the loop thread's loop, rather than one that serves an application."""
    return _process.owns(loop)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        closing = [closer() for closer in _closers]
        loop.run_until_complete(asyncio.gather(*pending, *closing, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _settle(result: Future[T], task: asyncio.Task[T]) -> None:
    if result.done():
        return
    if task.cancelled():
        result.cancel()
    elif (error := task.exception()) is not None:
        result.set_exception(error)
    else:
        result.set_result(task.result())
