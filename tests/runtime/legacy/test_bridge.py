"""Greenlets which let synchronous code await, on one loop, across threads and across loops."""

import asyncio
import threading
from contextvars import ContextVar

import anyio
import pytest
from sqlalchemy.util import await_only

from migrate_async.runtime.legacy import bridge
from migrate_async.runtime.legacy.bridge import (
    BlockingCallOnLoop,
    LoopClosed,
    LoopStalled,
    call_on_loop,
    drive,
    run_awaiting,
)
from migrate_async.runtime.legacy.scripts import run_async
from migrate_async.runtime.running import in_greenlet

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

request_id: ContextVar[str] = ContextVar("request_id", default="none")


async def answer(value: object, delay: float = 0) -> object:
    await asyncio.sleep(delay)
    return value


def wait_for(value: object) -> object:
    """Sync code which awaits, as a database driver does."""
    return await_only(answer(value))


def fail() -> None:
    await_only(answer(None))
    raise ValueError("in sync code")


async def test_a_thread_calls_a_function_on_the_loop() -> None:
    loop = asyncio.get_running_loop()
    assert await asyncio.to_thread(call_on_loop, loop, wait_for, 42) == 42


async def test_the_call_runs_on_the_loop_s_thread_with_the_caller_s_context() -> None:
    loop = asyncio.get_running_loop()

    def where() -> tuple[object, str, bool]:
        await_only(answer(None))
        return threading.current_thread(), request_id.get(), in_greenlet()

    def work() -> tuple[object, str, bool]:
        request_id.set("r1")
        return call_on_loop(loop, where)

    assert await asyncio.to_thread(work) == (threading.current_thread(), "r1", True)


@pytest.mark.parametrize("function", [fail, lambda: (_ for _ in ()).throw(ValueError("in sync"))])
async def test_exceptions_reach_the_thread(function: object) -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(ValueError, match="in sync"):
        await asyncio.to_thread(call_on_loop, loop, function)


async def test_waiting_on_the_loop_itself_is_refused() -> None:
    with pytest.raises(BlockingCallOnLoop, match="run_legacy"):
        call_on_loop(asyncio.get_running_loop(), wait_for, 1)


async def test_inside_a_greenlet_it_is_a_plain_call() -> None:
    loop = asyncio.get_running_loop()
    assert await run_awaiting(lambda: call_on_loop(loop, wait_for, 1)) == 1


async def test_a_greenlet_awaits_a_call_to_another_loop() -> None:
    async def there() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    other = await asyncio.to_thread(run_async, there())
    running = run_awaiting(lambda: call_on_loop(other, lambda: await_only(there())))
    assert await running is other
    with pytest.raises(ValueError, match="in sync code"):
        await run_awaiting(lambda: call_on_loop(other, fail))


def test_a_closed_loop_is_an_error() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(LoopClosed):
        call_on_loop(loop, wait_for, 1)


def test_a_loop_which_closes_during_the_call_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "_CHECK_LOOP_SECONDS", 0.01)
    loop = asyncio.new_event_loop()
    sent = threading.Event()
    errors: list[BaseException] = []
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *_, **__: sent.set())

    def call() -> None:
        try:
            call_on_loop(loop, wait_for, 1)
        except LoopClosed as error:
            errors.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert sent.wait(10)
    loop.close()
    caller.join(10)
    assert len(errors) == 1


async def test_a_blocked_loop_is_an_error_not_a_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop waits for a thread which waits for the loop."""
    monkeypatch.setattr(bridge, "_CHECK_LOOP_SECONDS", 0.01)
    monkeypatch.setattr(bridge, "STALL_SECONDS", 0.05)
    loop = asyncio.get_running_loop()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            call_on_loop(loop, errors.append, RuntimeError("must not run later"))
        except LoopStalled as error:
            errors.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join(10)
    await asyncio.sleep(0)
    assert [type(error) for error in errors] == [LoopStalled]


async def test_driven_code_awaits_implicitly_and_explicitly() -> None:
    async def mixed() -> list[object]:
        return [wait_for(1), await answer(2, 0.001), in_greenlet(), asyncio.current_task()]

    assert await drive(mixed()) == [1, 2, True, asyncio.current_task()]
    assert not in_greenlet()


async def test_driven_coroutines_run_side_by_side() -> None:
    order: list[str] = []

    async def step(name: str) -> str:
        wait_for(None)
        order.append(name)
        await asyncio.sleep(0.001)
        return name

    async def driven(name: str) -> str:
        return await drive(step(name))

    assert await asyncio.gather(*map(driven, "abc")) == ["a", "b", "c"]
    assert len(order) == 3


def wait_for_ever() -> None:
    await_only(asyncio.Event().wait())


@pytest.mark.parametrize("waiting", [wait_for_ever, lambda: asyncio.Event().wait()])
async def test_cancellation_reaches_driven_code(waiting: object) -> None:
    ended: list[str] = []

    async def body() -> None:
        try:
            result = waiting()  # type: ignore[operator]
            if result is not None:
                await result
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def driven() -> None:
        await drive(body())

    task = asyncio.create_task(driven())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled"]


async def test_exceptions_leave_driven_code() -> None:
    async def body() -> None:
        fail()

    with pytest.raises(ValueError, match="in sync code"):
        await drive(body())


async def test_task_groups_and_timeouts_work_in_driven_code() -> None:
    async def body() -> str:
        async with anyio.create_task_group() as group:
            group.start_soon(asyncio.sleep, 0)
        with anyio.move_on_after(0.01) as scope:
            await asyncio.sleep(3600)
        return f"timed out: {scope.cancelled_caught}"

    assert await drive(body()) == "timed out: True"


async def test_context_variables_set_in_driven_code_stay_set() -> None:
    async def body() -> None:
        request_id.set("r2")

    await drive(body())
    assert request_id.get() == "r2"
