"""One event loop for what works on the same connections: tests and fixtures that are async already.

A session is of the loop that its fixture runs on. Converted fixtures run on the loop of the session
of pytest; so do the async tests and fixtures from then on that use what those make, or are used
with it. pytest-asyncio would give each test a loop of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.testing.pytest_support import (
    is_fixture,
    own_loop,
    pytest_edits,
    takes_fixtures,
)

OTHER_LOOP = "MA575"


def loop_edits(
    project: Project, converts: Callable[[Function], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """What async tests and fixtures need that are used with those that `converts` names."""
    for function in sorted(_on_the_loop(project, converts), key=_place):
        if not function.is_async or converts(function) or is_run_by_anyio(project, function):
            continue
        decorator = own_loop(function)
        if decorator is None:
            yield function.module, pytest_edits(function)
            continue
        text = f"{function.name} wants an event loop of its own, and uses sessions of another"
        step = 'say loop_scope="session" there, or give it sessions of its own'
        found = at(function.module.path, decorator.span, OTHER_LOOP, text, step)
        yield function.module, ModuleEdits(diagnostics=[found])


def run_by_anyio(project: Project, converts: Callable[[Function], bool]) -> Iterator[Function]:
    """Async tests of anyio's plugin that are used with tests and fixtures that convert."""
    for function in sorted(_on_the_loop(project, converts), key=_place):
        if is_run_by_anyio(project, function):
            yield function


def is_run_by_anyio(project: Project, function: Function) -> bool:
    """Whether the plugin of anyio runs an async test, on a loop that it makes."""
    if not function.is_async or not function.is_test:
        return False
    marks = {
        node.attr
        for mark in _marks(function)
        for node in s.walk(mark)
        if isinstance(node, s.Attribute)
    }
    if marks & {"anyio", "asyncio"}:
        return "anyio" in marks
    return project.fixture("anyio_backend", function) is not None


def _on_the_loop(project: Project, converts: Callable[[Function], bool]) -> set[Function]:
    """Tests and fixtures that share objects, in steps, with one that converts."""
    shared = _shared(project)
    pending = [function for function in shared if converts(function)]
    found: set[Function] = set()
    while pending:
        function = pending.pop()
        if function not in found:
            found.add(function)
            pending += shared[function]
    return found


def _shared(project: Project) -> dict[Function, list[Function]]:
    """Each test and fixture with the fixtures that it gets, and those that get it.

    A sync test passes nothing from one fixture to another that needs a loop.
    """
    found: dict[Function, list[Function]] = {}
    for function in project.functions:
        if takes_fixtures(function):
            found.setdefault(function, [])
    automatic = [f for f in found if is_fixture(f) and _is_automatic(f)]
    for function in list(found):
        names = [*(param.name for param in function.params), *_used_by_name(function)]
        fixtures = [project.fixture(name, function) for name in names]
        fixtures += [f for f in automatic if f is not function and _reaches(project, f, function)]
        for fixture in fixtures:
            if fixture is not None and fixture in found:
                found[fixture].append(function)
                if is_fixture(function) or function.is_async:
                    found[function].append(fixture)
    return found


def _used_by_name(function: Function) -> Iterator[str]:
    """The fixtures of `pytest.mark.usefixtures(...)`."""
    for mark in _marks(function):
        for node in s.walk(mark):
            if isinstance(node, s.Call) and s.dotted_name(node.func).endswith("mark.usefixtures"):
                yield from (str(arg.value) for arg in node.args if isinstance(arg, s.Constant))


def _marks(function: Function) -> Iterator[s.Expr]:
    """The decorators of a test and of its class, and what `pytestmark` holds."""
    if isinstance(function.node, s.FunctionDef):
        yield from function.node.decorators
    bodies = [function.module.syntax.body]
    if function.cls is not None:
        yield from function.cls.node.decorators
        bodies.append(function.cls.node.body)
    for body in bodies:
        for statement in body:
            if isinstance(statement, s.Assign) and any(
                isinstance(target, s.Name) and target.id == "pytestmark"
                for target in statement.targets
            ):
                yield statement.value


def _is_automatic(fixture: Function) -> bool:
    node = fixture.node
    decorators = node.decorators if isinstance(node, s.FunctionDef) else ()
    return any(
        keyword.arg == "autouse" and isinstance(keyword.value, s.Constant) and keyword.value.value
        for decorator in decorators
        if isinstance(decorator, s.Call)
        for keyword in decorator.keywords
    )


def _reaches(project: Project, fixture: Function, user: Function) -> bool:
    """Whether pytest gives `user` an automatic fixture: of its module, or of a conftest above."""
    home = fixture.module
    if home is user.module:
        return fixture.cls is None or fixture.cls is user.cls
    folder, _, name = home.path.rpartition("/")
    if name == "conftest.py":
        return not folder or user.module.path.startswith(f"{folder}/")
    targets = project.names.lookup(fixture.name, user.module.scope)
    return any(target in home.scope.names.get(fixture.name, ()) for target in targets)


def _place(function: Function) -> tuple[str, int]:
    return (function.module.path, function.line)
