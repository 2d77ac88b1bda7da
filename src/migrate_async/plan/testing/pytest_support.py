"""Converted tests and fixtures: what pytest-asyncio needs to run them."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.suites import is_unittest
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.module_edits import ModuleEdits

NAME = "async-tests"

_SCOPE = 'loop_scope="session"'
_MARK = f"@pytest.mark.asyncio({_SCOPE})"

_XUNIT = frozenset(
    f"{verb}_{what}"
    for verb in ("setup", "teardown")
    for what in ("class", "function", "method", "module")
)


def caller_without_await(project: Project, function: Function) -> str:
    """Who calls `function`, which is in a test module, and awaits nothing; empty: nobody."""
    cls = function.cls
    if cls is not None and is_unittest(project.bases(cls)):
        return "unittest calls it"
    if function.name in _XUNIT or function.name.startswith("pytest_"):
        return "pytest calls it by its name"
    return ""


def is_fixture(function: Function) -> bool:
    return "fixture" in function.decorator_names


def takes_fixtures(function: Function) -> bool:
    """Whether it is a test or fixture, in a test module."""
    return function.module.is_test and (function.is_test or is_fixture(function))


def is_helper_of_tests(function: Function) -> bool:
    """Whether it is none of these, but called by them."""
    return function.module.is_test and not takes_fixtures(function)


def fixtures_of(project: Project, function: Function) -> Iterator[tuple[s.Parameter, Function]]:
    """The parameters of a test or fixture, each with the fixture that it gets."""
    for param in function.params:
        fixture = project.fixture(param.name, function)
        if fixture is not None:
            yield param, fixture


def pytest_edits(function: Function) -> ModuleEdits:
    """Mark a coroutine test, or make a coroutine fixture pytest-asyncio's.

    Tests and fixtures share one event loop per session, as they shared one thread. One that says
    which loop it wants is left.
    """
    found = ModuleEdits()
    node = function.node
    if not isinstance(node, s.FunctionDef):
        return found
    if is_fixture(function):
        _fixture(found, function, node)
    elif function.is_test:
        _test(found, node)
    return found


def own_loop(function: Function) -> s.Expr | None:
    """The decorator by which a test or fixture wants a loop of less than the session."""
    for decorator in _decorators(function):
        if isinstance(decorator, s.Call) and _asyncio(s.dotted_name(decorator.func)):
            for keyword in decorator.keywords:
                value = keyword.value
                if keyword.arg == "loop_scope" and not _is_session(value):
                    return decorator
    return None


def _is_session(value: s.Expr) -> bool:
    return isinstance(value, s.Constant) and value.value == "session"


def _decorators(function: Function) -> tuple[s.Expr, ...]:
    return function.node.decorators if isinstance(function.node, s.FunctionDef) else ()


def _asyncio(dotted: str) -> bool:
    """Whether a decorator of that name is pytest-asyncio's."""
    return dotted.endswith("mark.asyncio") or dotted.startswith("pytest_asyncio.")


def _test(found: ModuleEdits, node: s.FunctionDef) -> None:
    for decorator in node.decorators:
        func = decorator.func if isinstance(decorator, s.Call) else decorator
        if s.dotted_name(func).endswith("mark.asyncio"):
            _choose_loop(found, decorator, s.dotted_name(func))
            return
    found.imports.append(p.ImportChange(NAME, "pytest"))
    found.edits.append(p.AddDecorator(span=node.span, codemod=NAME, code=_MARK[1:]))


def _choose_loop(found: ModuleEdits, decorator: s.Expr, name: str) -> None:
    """Let `decorator`, which is called `name`, say that the loop is the session's."""
    if not isinstance(decorator, s.Call):
        code = f"{name}({_SCOPE})"
        found.edits.append(p.ReplaceExpression(span=decorator.span, codemod=NAME, code=code))
    elif not any(keyword.arg in {"loop_scope", None} for keyword in decorator.keywords):
        found.edits.append(p.AddArgument(span=decorator.span, codemod=NAME, code=_SCOPE))


def _fixture(found: ModuleEdits, function: Function, node: s.FunctionDef) -> None:
    for decorator, canonical in zip(node.decorators, function.decorators, strict=True):
        func = decorator.func if isinstance(decorator, s.Call) else decorator
        dotted = s.dotted_name(func)
        if dotted.rpartition(".")[2] != "fixture":
            continue
        if dotted.startswith("pytest_asyncio") or canonical.startswith("pytest_asyncio"):
            _choose_loop(found, decorator, dotted)
            continue
        found.imports.append(p.ImportChange(NAME, "pytest_asyncio"))
        found.unneeded.append(dotted.partition(".")[0])
        code = "pytest_asyncio.fixture"
        if isinstance(decorator, s.Call):
            found.edits += [
                p.ReplaceExpression(span=func.span, codemod=NAME, code=code),
                p.AddArgument(span=decorator.span, codemod=NAME, code=_SCOPE),
            ]
        else:
            found.edits.append(
                p.ReplaceExpression(span=func.span, codemod=NAME, code=f"{code}({_SCOPE})")
            )
