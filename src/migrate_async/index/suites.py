"""Which modules are part of a test suite, and which functions are its tests.

pytest goes by names, and applications have modules of such names, too: `routers/lab_test.py`, with
the routes of a laboratory. What the application imports is part of the application. Fixtures, on
the other hand, are of a suite wherever they are: `myapp/testing/fixtures.py`, a plugin of pytest.

Applications have functions of such names as well: `connector.test_connection(db)`. pytest collects
those of test modules, and of their classes (https://docs.pytest.org/en/stable/explanation/
goodpractices.html#conventions-for-python-test-discovery).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from migrate_async.index import scopes as sc
from migrate_async.index.classes import Hierarchy
from migrate_async.index.resolve import Names
from migrate_async.model import syntax as s

_FIXTURE = "fixture"
_PYTEST = frozenset({"pytest", "pytest_asyncio"})
_DEFAULT_CLASSES = ("Test",)
_MAKERS = ("__init__", "__new__")
"""pytest leaves out classes that have one of these."""


def is_test_path(path: str) -> bool:
    """Whether pytest's conventions make `path` part of a test suite."""
    pure = PurePosixPath(path)
    return _is_suite(pure) or pure.name.startswith("test_") or pure.name.endswith("_test.py")


def mark_suites(
    names: Names, modules: Iterable[sc.Module], functions: Iterable[sc.Function]
) -> None:
    """Say of each module whether it is a test."""
    named: set[sc.Module] = set()
    application: list[sc.Module] = []
    functions = list(functions)
    plugins = {fn.module for fn in functions if _FIXTURE in fn.decorator_names}
    for module in modules:
        is_plugin = module in plugins and _imports_pytest(module)
        module.is_test = is_plugin or is_test_path(module.path)
        if not module.is_test:
            application.append(module)
        elif not _is_suite(PurePosixPath(module.path)):
            named.add(module)
    if not named:
        return
    scopes: dict[sc.Module, list[sc.Scope]] = {}
    for function in functions:
        scopes.setdefault(function.module, []).append(function.scope)
    while application:
        importer = application.pop()
        for name in _imported(names, importer, scopes.get(importer, ())):
            found = names.modules.get(name)
            if found is not None and found in named:
                named.discard(found)
                found.is_test = False
                application.append(found)


def mark_tests(
    hierarchy: Hierarchy, functions: Iterable[sc.Function], classes: Sequence[str] = ()
) -> None:
    """Say of each function whether pytest runs it as a test. The classes have to be linked.

    `classes` are the patterns of `python_classes`; empty: those that pytest begins with.
    """
    collected = _Collected(hierarchy, classes or _DEFAULT_CLASSES)
    for function in functions:
        if isinstance(function.node, s.FunctionDef) and function.name.startswith("test"):
            function.is_test = collected.has(function)
    hierarchy.forget()


class _Collected:
    """What pytest collects in classes and test modules."""

    def __init__(self, hierarchy: Hierarchy, patterns: Sequence[str]) -> None:
        self._hierarchy = hierarchy
        self._patterns = patterns

    def has(self, function: sc.Function) -> bool:
        cls = function.cls
        if cls is None:
            is_inner = function.parent is not None and not function.parent.is_module
            return function.module.is_test and not is_inner
        return any(
            self._hierarchy.home(item, function.name) is cls and self._has_class(item)
            for item in (cls, *self._hierarchy.subclasses(cls))
        )

    def _has_class(self, cls: sc.Class) -> bool:
        if not cls.module.is_test:
            return False
        if is_unittest(self._hierarchy.externals(cls)):
            return True
        if cls.outer.cls is not None and not self._has_class(cls.outer.cls):
            return False
        is_named = any(_fits(cls.name, pattern) for pattern in self._patterns)
        is_made = any(self._hierarchy.home(cls, name) for name in _MAKERS)
        return is_named and cls.outer.function.is_module and not is_made


def _fits(name: str, pattern: str) -> bool:
    """A pattern is how a name begins, or one of `fnmatch`."""
    return name.startswith(pattern) or fnmatchcase(name, pattern)


def is_unittest(bases: Iterable[str]) -> bool:
    """Whether a class that inherits from the external classes `bases` is a `TestCase`."""
    return any("TestCase" in base for base in bases)


def _imports_pytest(module: sc.Module) -> bool:
    return any(
        isinstance(binding, sc.ImportBinding | sc.FromBinding) and _home(binding) in _PYTEST
        for bindings in module.scope.names.values()
        for binding in bindings
    )


def _home(binding: sc.ImportBinding | sc.FromBinding) -> str:
    if isinstance(binding, sc.FromBinding):
        return binding.module
    return binding.dotted


def _is_suite(path: PurePosixPath) -> bool:
    """Whether nothing but a suite is at a place like `path`."""
    return path.name == "conftest.py" or bool({"test", "tests"} & set(path.parts[:-1]))


def _imported(names: Names, module: sc.Module, scopes: Iterable[sc.Scope]) -> Iterator[str]:
    """The project modules that `module` and its functions import from, or whole."""
    for source in module.stars:
        yield names.home(source, module)
    for scope in (module.scope, *scopes):
        for bindings in scope.names.values():
            for binding in bindings:
                if isinstance(binding, sc.FromBinding):
                    home = names.home(binding.module, module)
                    yield from (home, f"{home}.{binding.name}")
                elif isinstance(binding, sc.ImportBinding):
                    yield names.home(binding.dotted, module)
