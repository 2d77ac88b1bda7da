"""Wait for the application to import its libraries, then listen to them."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType
from typing import Callable, Mapping, Sequence

from .guard import guarded
from .log import Log

FOLDER = "MIGRATE_ASYNC_RECORD_FOLDER"
"""Environment variable: the folder into which each process writes its log."""
ROOT = "MIGRATE_ASYNC_RECORD_ROOT"
"""Environment variable: the project root, an absolute path."""

Listen = Callable[[ModuleType], None]


def start(environment: Mapping[str, str]) -> None:
    """Record this process, if `environment` says where to."""
    if not environment.get(FOLDER):
        return
    from . import loads, statements, tests, web  # noqa: PLC0415 - only where it is needed
    from .places import Places  # noqa: PLC0415

    places = Places(environment.get(ROOT, ""))
    log = Log(environment[FOLDER])
    watch(
        {
            "sqlalchemy": lambda module: statements.listen(module, log, places),
            "sqlalchemy.orm": lambda module: loads.listen(module, log, places),
            "fastapi.routing": lambda module: web.listen(module, places),
            "unittest.case": lambda module: tests.listen(module, log),
        },
        log,
    )


def watch(listeners: Mapping[str, Listen], log: Log) -> None:
    """Call each listener with its module as soon as that has been imported."""
    for name, listen in listeners.items():
        if name in sys.modules:
            guarded(log.problem, listen)(sys.modules[name])
    missing = {name: listen for name, listen in listeners.items() if name not in sys.modules}
    sys.meta_path.insert(0, _Watcher(missing, log))


class _Watcher(importlib.abc.MetaPathFinder):
    """Finds nothing itself: lets the other finders find, and hooks what they found."""

    def __init__(self, listeners: Mapping[str, Listen], log: Log) -> None:
        self._listeners = dict(listeners)
        self._log = log

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        listen = self._listeners.pop(fullname, None)
        if listen is None:
            return None
        spec = _found_by_others(self, fullname, path, target)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            self._listeners[fullname] = listen
            return spec
        self._hook(spec.loader, fullname, listen)
        return spec

    def _hook(self, loader: importlib.abc.Loader, name: str, listen: Listen) -> None:
        """Have this one loader, which stays what it is, tell when it has executed the module."""
        execute = loader.exec_module
        heard = guarded(self._log.problem, listen)

        def exec_module(module: ModuleType) -> None:
            execute(module)
            if module.__name__ == name:
                heard(module)

        try:
            loader.exec_module = exec_module  # type: ignore[method-assign]
        except AttributeError as error:
            self._log.problem(error)


def _found_by_others(
    watcher: _Watcher, name: str, path: Sequence[str] | None, target: ModuleType | None
) -> importlib.machinery.ModuleSpec | None:
    others = [finder for finder in sys.meta_path if finder is not watcher]
    for finder in others:
        if hasattr(finder, "find_spec"):
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return spec
    return None
