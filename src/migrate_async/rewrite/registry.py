"""Find the codemods: every `PlannedCodemod` in the packages that entry points name.

A distribution adds codemods of its own with an entry point in the group `migrate_async.codemods`
whose value is a package; each module in it may define one or more.
"""

from __future__ import annotations

import difflib
import functools
import graphlib
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from migrate_async.errors import UsageError
from migrate_async.rewrite.codemod import PlannedCodemod

GROUP = "migrate_async.codemods"

Codemod = type[PlannedCodemod]


@functools.cache
def codemods() -> tuple[Codemod, ...]:
    """All codemods, those that others declare to come `AFTER` first, else by name.

    Raises `UsageError` when a package cannot be imported, two codemods have one name, or their
    order is circular.
    """
    return ordered(found for entry in entry_points(group=GROUP) for found in _in_package(entry))


def find(name: str) -> Codemod:
    """The codemod called `name`. Raises `UsageError` with the nearest name when there is none."""
    known = {codemod.NAME: codemod for codemod in codemods()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise UsageError(f"no codemod is called {name}: {advice}")


def ordered(found: Iterable[Codemod]) -> tuple[Codemod, ...]:
    """`found` in an order that respects `AFTER`."""
    by_name: dict[str, Codemod] = {}
    for codemod in sorted(found, key=lambda codemod: codemod.NAME):
        if codemod.NAME in by_name:
            raise UsageError(f"two codemods are called {codemod.NAME}")
        by_name[codemod.NAME] = codemod
    before = {name: set(codemod.AFTER) & set(by_name) for name, codemod in by_name.items()}
    sorter = graphlib.TopologicalSorter(before)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        raise UsageError(f"the order of codemods is circular: {error.args[1]}") from None
    return tuple(by_name[name] for name in _by_level(sorter))


def _by_level(sorter: graphlib.TopologicalSorter[str]) -> Iterator[str]:
    while sorter.is_active():
        level = sorted(sorter.get_ready())
        yield from level
        sorter.done(*level)


def _in_package(entry: EntryPoint) -> Iterator[Codemod]:
    try:
        package = importlib.import_module(entry.value)
        modules = [package, *_submodules(package)]
    except ImportError as error:
        raise UsageError(f"the codemods of {entry.value} cannot be imported: {error}") from error
    for module in modules:
        for _, value in inspect.getmembers(module, inspect.isclass):
            if issubclass(value, PlannedCodemod) and value.__module__ == module.__name__:
                yield value


def _submodules(package: ModuleType) -> Iterator[ModuleType]:
    for info in pkgutil.iter_modules(getattr(package, "__path__", ())):
        if not info.name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{info.name}")
