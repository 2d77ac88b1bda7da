"""`TestClient(app)` without `with`: no lifespan runs, so tables that it creates are missing.

The same goes for `AsyncTestClient(app)` without `async with`.

Where `create_all` moved from import to the lifespan, such clients are started for their tests.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.types import External
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.testing.pytest_support import pytest_edits
from migrate_async.plan.text import source

NAME = "async-tests"

_CLIENTS = frozenset({"fastapi.testclient.TestClient", "starlette.testclient.TestClient"})
_ASYNC_CLIENTS = frozenset({"migrate_async.runtime.testing.client.AsyncTestClient"})


def client_edits(project: Project) -> dict[Module, ModuleEdits]:
    """Run the lifespan around the clients of all test modules."""
    found: dict[Module, ModuleEdits] = {}
    for module in project.modules.values():
        if not module.is_test:
            continue
        for statement in module.syntax.body:
            if isinstance(statement, s.Assign) and _is_client(project, statement.value):
                is_async = _is_client(project, statement.value, _ASYNC_CLIENTS)
                edits = found.setdefault(module, ModuleEdits())
                _start_global(edits, module, statement, is_async=is_async)
        for fixture, statement, call in _returned(project, module):
            edits = found.setdefault(module, ModuleEdits())
            is_async = _is_client(project, call, _ASYNC_CLIENTS)
            _start_in_fixture(edits, fixture, statement, call, is_async=is_async)
    return found


def _start_global(
    edits: ModuleEdits, module: Module, statement: s.Assign, *, is_async: bool
) -> None:
    target = statement.targets[0]
    if not isinstance(target, s.Name) or "run_lifespan" in module.scope.names:
        return
    package, scope, start = "pytest", "", ""
    if is_async:
        package, scope, start = "pytest_asyncio", ', loop_scope="session"', "async "
    edits.imports.append(p.ImportChange(NAME, package))
    code = (
        f'@{package}.fixture(scope="module", autouse=True{scope})\n'
        f"{start}def run_lifespan():\n"
        f"    {start}with {target.id}:\n"
        "        yield"
    )
    edits.edits.append(p.InsertStatements(span=statement.span, codemod=NAME, code=code, after=True))


def _returned(project: Project, module: Module) -> Iterator[tuple[Function, s.Stmt, s.Call]]:
    """`return TestClient(app)` and `yield TestClient(app)` of fixtures."""
    for function in project.functions:
        if function.module is not module or "fixture" not in function.decorator_names:
            continue
        if not isinstance(function.node, s.FunctionDef):
            continue
        for statement in blocks.statements(function.node.body):
            value = statement.value if isinstance(statement, s.Return) else None
            if isinstance(statement, s.ExpressionStatement) and isinstance(
                statement.value, s.Yield
            ):
                value = statement.value.value
            if isinstance(value, s.Call) and _is_client(project, value):
                yield function, statement, value


def _start_in_fixture(
    edits: ModuleEdits, fixture: Function, statement: s.Stmt, call: s.Call, *, is_async: bool
) -> None:
    start = "async " if is_async else ""
    code = f"{start}with {source(call)} as client:\n    yield client"
    edits.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME, code=code))
    if is_async and isinstance(fixture.node, s.FunctionDef) and not fixture.is_async:
        made = pytest_edits(fixture)
        edits.edits += [p.MakeAsync(span=fixture.node.span, codemod=NAME), *made.edits]
        edits.imports += made.imports
        edits.unneeded += made.unneeded


def _is_client(
    project: Project, value: s.Expr, classes: frozenset[str] = _CLIENTS | _ASYNC_CLIENTS
) -> bool:
    return isinstance(value, s.Call) and any(
        isinstance(found, External) and found.dotted in classes
        for found in project.infer(value.func, project.scope_of(value))
    )
