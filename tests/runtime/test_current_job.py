"""What RQ keeps by the greenlet is there in a coroutine that awaits implicitly."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import Any

import pytest
from greenlet import getcurrent

from migrate_async import implicit_io


class _Stack:
    """As `rq.local.LocalStack`: each greenlet has its own."""

    def __init__(self) -> None:
        self._jobs: dict[Any, list[str]] = {}

    @property
    def top(self) -> str | None:
        jobs = self._jobs.get(getcurrent())
        return jobs[-1] if jobs else None

    def push(self, job: str) -> None:
        self._jobs.setdefault(getcurrent(), []).append(job)

    def pop(self) -> str:
        return self._jobs[getcurrent()].pop()


@implicit_io
async def _job(stack: _Stack) -> list[str | None]:
    found = [stack.top]
    await asyncio.sleep(0)
    return [*found, stack.top]


async def test_a_job_knows_which_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stack, module = _Stack(), ModuleType("rq.job")
    module._job_stack = stack  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rq.job", module)
    assert await _job(stack) == [None, None]
    stack.push("scan")
    assert await _job(stack) == ["scan", "scan"]
    assert stack.top == "scan"
    assert not [
        jobs for greenlet, jobs in stack._jobs.items() if jobs and greenlet is not getcurrent()
    ]
