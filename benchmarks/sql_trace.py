"""A pytest plugin: which functions of a project run, and which are on the stack while SQL runs.

    SQL_TRACE=trace.json PYTHONPATH=benchmarks python -m pytest -p sql_trace

The tests run in the environment of the project, so this needs nothing but the standard library and
SQLAlchemy. `benchmarks.ground_truth` compares what it writes with the static colouring.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

ROOT = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118  once for each code object
ran: set[CodeType] = set()
on_stack: set[CodeType] = set()
_foreign: set[CodeType] = set()


def _profile(frame: FrameType, what: str, _argument: Any) -> None:
    code = frame.f_code
    if what != "call" or code in ran or code in _foreign:
        return
    (ran if _is_ours(code) else _foreign).add(code)


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(ROOT) and "site-packages" not in code.co_filename


def _before_cursor_execute(*_arguments: Any) -> None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code not in _foreign and code not in on_stack and _is_ours(code):
            on_stack.add(code)
        frame = frame.f_back


def pytest_configure() -> None:
    """Start to watch; functions called while modules are imported count, too."""
    event.listen(Engine, "before_cursor_execute", _before_cursor_execute)
    threading.setprofile(_profile)
    sys.setprofile(_profile)


def pytest_unconfigure() -> None:
    """Write both sets: path, line of the `def` or of its first decorator, name."""
    sys.setprofile(None)
    threading.setprofile(None)
    document = {"ran": _places(ran), "on_stack": _places(on_stack)}
    Path(os.environ["SQL_TRACE"]).write_text(json.dumps(document), "utf-8")


def _places(codes: set[CodeType]) -> list[tuple[str, int, str]]:
    return sorted(
        (code.co_filename.removeprefix(ROOT), code.co_firstlineno, code.co_name) for code in codes
    )
