"""Note which test runs when `unittest` runs it without pytest."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from .log import Log


def listen(case: ModuleType, log: Log) -> None:
    """Have `unittest.TestCase.run` tell the log."""
    run = case.TestCase.run

    @functools.wraps(run)
    def recorded(self: Any, *args: Any, **options: Any) -> Any:
        log.unittest = self.id()
        try:
            return run(self, *args, **options)
        finally:
            log.unittest = ""

    case.TestCase.run = recorded
