"""Run an action on copies of a project, each with a fault at another file-system operation.

    python -m support.faulty_disk ACTION MODE TEMPLATE FOLDER

makes `FOLDER/0`, `FOLDER/1`, ...: copies of TEMPLATE on which ACTION (`write` or `undo`) was run by
a process that met its fault at operation 0, 1, ... It stops when an action needs no more operations
and prints how each ended, as a JSON list: `killed`, `done`, or the name of the error.

MODE `kill` ends the process as SIGKILL does, `once` lets the operation fail, `full` lets it and
all later ones fail that need space, `gone` all later ones that change anything.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from migrate_async.errors import MigrateAsyncError
from migrate_async.model.change import FileChange
from migrate_async.source.read import read
from migrate_async.source.write import undo, write

_CREATING = {"open", "os.mkdir", "os.utime", "fsync"}
_CHANGING = _CREATING | {"os.rename", "os.remove", "os.rmdir", "os.chmod", "os.chown", "os.link"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
NEW = "# new\n"


def rewrite(root: Path) -> None:
    """Write every Python file of `root` anew."""
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    sources = {path: read(root, path) for path in paths}
    write([FileChange(p, sources[p].text, NEW + sources[p].text) for p in paths], sources, root)


_ACTIONS: dict[str, Callable[[Path], object]] = {"write": rewrite, "undo": undo}


class Fault:
    """Counts the operations below `root` and strikes at number `at`."""

    def __init__(self, root: Path, at: int, mode: str) -> None:
        self._root = str(root)
        self._left = at
        self._mode = mode

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGING and self._is_ours(arguments):
            self.operation(event, is_write=event != "open" or bool(arguments[2] & _WRITING))

    def operation(self, event: str, *, is_write: bool = True) -> None:
        self._left -= 1
        if self._left >= 0:
            return
        if self._left == -1 and self._mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._left == -1 or self._goes_on(event, is_write=is_write):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), event)

    def _goes_on(self, event: str, *, is_write: bool) -> bool:
        affected = {"full": _CREATING, "gone": _CHANGING}.get(self._mode, set())
        return event in affected and is_write

    def _is_ours(self, arguments: tuple[Any, ...]) -> bool:
        """Whatever is named from the top of the file system and is not below the copy is not."""
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes) else ""
        return not path.startswith("/") or path.startswith(self._root)


def _strike(action: str, mode: str, root: Path, at: int) -> str:
    """Run the action in a process of its own, with the fault at operation `at`."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return "killed" if os.WIFSIGNALED(status) else _ENDINGS[os.WEXITSTATUS(status)]
    fault = Fault(root, at, mode)
    os.fsync = lambda _descriptor: fault.operation("fsync")
    sys.addaudithook(fault.audit)
    try:
        _ACTIONS[action](root)
    except OSError:
        os._exit(1)
    except MigrateAsyncError:
        os._exit(2)
    except BaseException:  # noqa: BLE001 - whatever it is: it has to be told
        traceback.print_exc()
        os._exit(3)
    os._exit(0 if fault._left < 0 else 4)


_ENDINGS = {0: "done", 1: "OSError", 2: "MigrateAsyncError", 3: "crashed", 4: "past the end"}


def main() -> None:
    action, mode, template, folder = sys.argv[1:]
    endings: list[str] = []
    while not endings or endings[-1] != "past the end":
        root = Path(folder) / str(len(endings))
        shutil.copytree(template, root, symlinks=True)
        endings.append(_strike(action, mode, root, len(endings)))
    sys.stdout.write(json.dumps(endings))


if __name__ == "__main__":
    main()
