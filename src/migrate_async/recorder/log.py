"""The log of one process: a file with a JSON value on each line.

Lines are written when a test ends and when the process does, each with one call of the system, so
that a process that is killed loses what its last test did and nothing more:

    {"environment": "..."}
    {"statement": [number, sql]}
    {"test": name, "executions": [...], "loads": [...]}
    {"problem": "..."}

An execution is `[statement number, rows of parameters, count, cause, path:line, phase]`, a load
`[model, attribute, kind, place, via, producer, count, most]`, a place `[path, line]` or null, and a
producer `[kind, place, statement number or 0, through]`.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
import time
import traceback
from typing import Any, Dict, List, Optional, Tuple

from .guard import guarded
from .values import Values

TEST = "PYTEST_CURRENT_TEST"
"""Environment variable of pytest: `path::name (phase)`."""
PROBLEMS = 20
"""As many different problems are noted."""

LoadKey = Tuple[Any, ...]


class Log:
    """Collects what happens during a test and writes it when the next one begins."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._statements: Dict[str, int] = {}
        self._problems: List[str] = []
        self._environments: List[str] = []
        self._file: Optional[int] = None
        self._is_child = False
        self.unittest = ""
        """The running test of `unittest`, where pytest does not run it."""
        self._begin("")
        atexit.register(guarded(self.problem, self.flush))
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _begin(self, test: str) -> None:
        self._test = test
        self._executions: List[List[Any]] = []
        self._loads: Dict[LoadKey, List[int]] = {}
        self._new: Dict[LoadKey, int] = {}
        self._values = Values()

    def _forked(self) -> None:
        """A child writes a log of its own, and at once: it may end without notice."""
        self._lock = threading.RLock()
        self._file = None
        self._is_child = True
        self._problems = []
        self._begin(self._test)

    # --- what happens --------------------------------------------------------------------------

    def execution(self, statement: int, rows: List[List[Any]], cause: str, at: str) -> None:
        """A statement is executed with `rows` of parameters."""
        with self._lock:
            phase = self._enter()
            text = [[self._values.text(value) for value in row] for row in rows]
            last = self._executions[-1] if self._executions else None
            fresh = [statement, text, 1, cause, at, phase]
            if last is not None and last[:2] == fresh[:2] and last[3:] == fresh[3:]:
                last[2] += 1
            else:
                self._executions.append(fresh)
            if self._is_child:
                self.flush()

    def load(self, key: LoadKey, most: int) -> None:
        """A lazy load; `most` of the same were caused by what produced the object so far."""
        with self._lock:
            self._enter()
            if not most:  # nobody else counts for new objects
                most = self._new[key] = self._new.get(key, 0) + 1
            numbers = self._loads.setdefault(key, [0, 0])
            numbers[0] += 1
            numbers[1] = max(numbers[1], most)
            if self._is_child:
                self.flush()

    def statement(self, text: str) -> int:
        """The number of a normalised statement, from 1."""
        with self._lock:
            number = self._statements.get(text)
            if number is None:
                number = self._statements[text] = len(self._statements) + 1
                self._write({"statement": [number, text]})
            return number

    def environment(self, text: str) -> None:
        with self._lock:
            if text not in self._environments:
                self._environments.append(text)
                self._write({"environment": text})

    def problem(self, error: BaseException) -> None:
        """Note a failure of the recorder."""
        try:
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{os.path.basename(frames[-1][0])}:{frames[-1][1]}" if frames else "?"
            text = f"{type(error).__name__} at {place}: {error}"
            with self._lock:
                if text not in self._problems and len(self._problems) < PROBLEMS:
                    self._problems.append(text)
                    self._write({"problem": text})
        except Exception:  # noqa: BLE001, S110 - there is nobody left to tell
            pass

    # --- tests and the file --------------------------------------------------------------------

    def _enter(self) -> str:
        """Turn to the test that is running now; its phase, empty for the test's own code."""
        current = os.environ.get(TEST, "")
        name, _, phase = current.rpartition(" (")
        if not name:
            name, phase = self.unittest, "call)"
        if name != self._test:
            self.flush()
            self._begin(name)
        return "" if phase == "call)" else phase.rstrip(")")

    def flush(self) -> None:
        """Write what was collected since the last time."""
        with self._lock:
            executions, loads = self._executions, self._loads
            self._executions, self._loads = [], {}
            if not executions and not loads:
                return
            listed = [[*key, *numbers] for key, numbers in loads.items()]
            self._write({"test": self._test, "executions": executions, "loads": listed})

    def _write(self, value: Any) -> None:
        if self._file is None:
            name = f"{time.time_ns():020}-{os.getpid()}.jsonl"
            path = os.path.join(self._folder, name)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for text, number in self._statements.items():
                self._put({"statement": [number, text]})
            for text in self._environments:
                self._put({"environment": text})
        self._put(value)

    def _put(self, value: Any) -> None:
        data = json.dumps(value).encode("ascii", "replace") + b"\n"
        assert self._file is not None  # noqa: S101
        while data:
            data = data[os.write(self._file, data) :]
