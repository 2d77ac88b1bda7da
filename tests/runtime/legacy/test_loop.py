"""`run_async`: one event loop thread per process."""

import asyncio
import os
import threading
from contextvars import ContextVar

import pytest

from migrate_async.runtime.legacy.loop import (
    CalledOnEventLoop,
    LoopThread,
    abandon_loop,
    adopt_loop,
    home_loop,
    is_process_loop,
    stop_loop,
)
from migrate_async.runtime.legacy.scripts import run_async

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

request_id: ContextVar[str] = ContextVar("request_id")


async def loop_and_thread() -> tuple[int, str]:
    return id(asyncio.get_running_loop()), threading.current_thread().name


def test_all_calls_share_one_loop_even_from_several_threads() -> None:
    seen = [run_async(loop_and_thread()) for _ in range(3)]
    workers = [
        threading.Thread(target=lambda: seen.append(run_async(loop_and_thread()))) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(seen) == 6
    assert len(set(seen)) == 1


def test_exceptions_and_context_variables_travel() -> None:
    async def fail() -> None:
        raise ValueError(request_id.get())

    request_id.set("r1")
    with pytest.raises(ValueError, match="r1"):
        run_async(fail())


def test_a_call_that_takes_too_long_is_cancelled() -> None:
    cancelled = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        run_async(wait(), timeout=0.05)
    assert cancelled.wait(5)


def test_a_timeout_of_the_coroutine_itself_stays_what_it_is() -> None:
    async def fail() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        run_async(fail(), timeout=5)


async def test_it_is_refused_on_an_event_loop() -> None:
    with pytest.raises(CalledOnEventLoop):
        run_async(loop_and_thread())


def test_a_stopped_loop_is_replaced() -> None:
    run_async(asyncio.sleep(0))
    before = home_loop()
    stop_loop()
    assert before.is_closed()
    assert run_async(asyncio.sleep(0, "again")) == "again"


def test_stopping_cancels_what_still_runs() -> None:
    thread = LoopThread()
    tasks: list[asyncio.Task[None]] = []

    async def start() -> None:
        tasks.append(asyncio.create_task(asyncio.sleep(3600)))

    thread.run(start())
    thread.stop()
    assert tasks[0].cancelled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_gets_a_loop_of_its_own() -> None:
    run_async(asyncio.sleep(0))
    child = os.fork()
    if child == 0:
        os._exit(run_async(asyncio.sleep(0, 42)))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 42


async def test_threads_use_the_application_s_loop_while_it_runs() -> None:
    loop = asyncio.get_running_loop()
    adopt_loop(loop)
    try:
        assert await asyncio.to_thread(home_loop) is loop
        assert is_process_loop(home_loop()), "this is the main thread"
    finally:
        abandon_loop(loop)
    assert is_process_loop(await asyncio.to_thread(home_loop))
