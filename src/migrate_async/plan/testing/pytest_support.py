"""Converted tests and fixtures: what pytest-asyncio needs to run them."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.database import ModuleEdits

NAME = "async-tests"

_MARK = '@pytest.mark.asyncio(loop_scope="session")'


_XUNIT = frozenset(
    f"{verb}_{what}"
    for verb in ("setup", "teardown")
    for what in ("class", "function", "method", "module")
)


def caller_without_await(project: Project, function: Function) -> str:
    """Who calls `function`, which is in a test module, and awaits nothing; empty: nobody."""
    cls = function.cls
    if cls is not None and any("TestCase" in base for base in project.bases(cls)):
        return "unittest calls it"
    if function.name in _XUNIT or function.name.startswith("pytest_"):
        return "pytest calls it by its name"
    return ""


def is_fixture(function: Function) -> bool:
    return "fixture" in function.decorator_names


def is_test(function: Function) -> bool:
    return function.name.startswith("test")


def pytest_edits(function: Function) -> ModuleEdits:
    """Mark a converted test, or make a converted fixture pytest-asyncio's.

    Tests and fixtures share one event loop per session, as they shared one thread.
    """
    found = ModuleEdits()
    node = function.node
    if not isinstance(node, s.FunctionDef):
        return found
    if is_fixture(function):
        _fixture(found, node)
    elif is_test(function):
        found.imports.append(p.ImportChange(NAME, "pytest"))
        found.edits.append(p.AddDecorator(span=node.span, codemod=NAME, code=_MARK[1:]))
    return found


def _fixture(found: ModuleEdits, node: s.FunctionDef) -> None:
    for decorator in node.decorators:
        func = decorator.func if isinstance(decorator, s.Call) else decorator
        dotted = s.dotted_name(func)
        if dotted.rpartition(".")[2] != "fixture" or dotted.startswith("pytest_asyncio"):
            continue
        found.imports.append(p.ImportChange(NAME, "pytest_asyncio"))
        found.unneeded.append(dotted.partition(".")[0])
        code = "pytest_asyncio.fixture"
        scope = 'loop_scope="session"'
        if isinstance(decorator, s.Call):
            found.edits += [
                p.ReplaceExpression(span=func.span, codemod=NAME, code=code),
                p.AddArgument(span=decorator.span, codemod=NAME, code=scope),
            ]
        else:
            found.edits.append(
                p.ReplaceExpression(span=func.span, codemod=NAME, code=f"{code}({scope})")
            )
