"""Work that several tests need and whose result all workers of a run share."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

VARIABLE = "MIGRATE_ASYNC_TEST_SHARED"


def begin() -> None:
    """Make the folder of results; called by the process that starts the workers."""
    os.environ[VARIABLE] = mkdtemp(prefix="migrate-async-")


def end() -> None:
    """Remove it."""
    shutil.rmtree(os.environ.pop(VARIABLE), ignore_errors=True)


def once(name: str, make: Callable[[], Any]) -> Any:
    """What `make` gives, a JSON value; it is called by the first worker that asks for `name`.

    The others wait. What fails is tried again by whoever asks next.
    """
    if VARIABLE not in os.environ or sys.platform == "win32":
        return make()
    import fcntl  # not there on Windows

    file = Path(os.environ[VARIABLE], sha256(name.encode()).hexdigest()[:20])
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            made = json.dumps(make())
            file.write_text(made, encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def shared_folder() -> Path:
    """A new folder that all workers can read until the run ends."""
    return Path(mkdtemp(dir=os.environ.get(VARIABLE)))
