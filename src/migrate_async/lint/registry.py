"""Find the rules: every `Rule` in the packages that entry points name.

A distribution adds rules of its own with an entry point in the group `migrate_async.rules` whose
value is a package; each module in it may define one or more.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator

from migrate_async.errors import UsageError
from migrate_async.lint import plugins
from migrate_async.lint.rule import Rule

OWN = "migrate_async.lint.rules"


@functools.cache
def rules() -> tuple[type[Rule], ...]:
    """All rules by code.

    Raises `UsageError` when a package cannot be imported or two rules have one code or name.
    """
    packages = dict.fromkeys([OWN, *plugins.packages()])
    return _unique(rule for package in packages for rule in _in_package(package))


def find(key: str) -> type[Rule]:
    """The rule with that code or name. Raises `UsageError` when there is none."""
    for rule in rules():
        if key in (rule.CODE, rule.name()):
            return rule
    raise UsageError(f"no rule is called {key}; `migrate-async rules` lists them")


def _unique(found: Iterable[type[Rule]]) -> tuple[type[Rule], ...]:
    by_code: dict[str, type[Rule]] = {}
    names: set[str] = set()
    for rule in found:
        if rule.CODE in by_code or rule.name() in names:
            raise UsageError(f"two rules are called {rule.CODE} or {rule.name()}")
        by_code[rule.CODE] = rule
        names.add(rule.name())
    return tuple(by_code[code] for code in sorted(by_code))


def _in_package(name: str) -> Iterator[type[Rule]]:
    try:
        package = importlib.import_module(name)
        modules = [
            importlib.import_module(f"{name}.{info.name}")
            for info in pkgutil.iter_modules(getattr(package, "__path__", ()))
            if not info.name.startswith("_")
        ]
    except ImportError as error:
        raise UsageError(f"the rules of {name} cannot be imported: {error}") from error
    for module in (package, *modules):
        for _, value in inspect.getmembers(module, inspect.isclass):
            is_own = value.__module__ == module.__name__
            if is_own and issubclass(value, Rule) and not inspect.isabstract(value):
                yield value
