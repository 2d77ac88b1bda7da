"""`TestClient(app)` without `with`: no lifespan runs, so tables that it creates are missing.

Where `create_all` moved from import to the lifespan, such clients are started for their tests.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Module
from migrate_async.index.types import External
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.database import ModuleEdits
from migrate_async.plan.paths import is_test_path
from migrate_async.plan.text import source

NAME = "async-tests"

_CLIENTS = frozenset({"fastapi.testclient.TestClient", "starlette.testclient.TestClient"})


def client_edits(project: Project) -> dict[Module, ModuleEdits]:
    """Run the lifespan around the clients of all test modules."""
    found: dict[Module, ModuleEdits] = {}
    for module in project.modules.values():
        if not is_test_path(module.path):
            continue
        for statement in module.syntax.body:
            if isinstance(statement, s.Assign) and _is_client(project, statement.value):
                _start_global(found.setdefault(module, ModuleEdits()), module, statement)
        for statement, call in _returned(project, module):
            edits = found.setdefault(module, ModuleEdits())
            edits.edits += _started(statement, call)
    return found


def _start_global(edits: ModuleEdits, module: Module, statement: s.Assign) -> None:
    target = statement.targets[0]
    if not isinstance(target, s.Name) or "run_lifespan" in module.scope.names:
        return
    edits.imports.append(p.ImportChange(NAME, "pytest"))
    code = (
        '@pytest.fixture(scope="module", autouse=True)\n'
        "def run_lifespan():\n"
        f"    with {target.id}:\n"
        "        yield"
    )
    edits.edits.append(p.InsertStatements(span=statement.span, codemod=NAME, code=code, after=True))


def _returned(project: Project, module: Module) -> Iterator[tuple[s.Stmt, s.Call]]:
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
                yield statement, value


def _started(statement: s.Stmt, call: s.Call) -> list[p.AnyEdit]:
    code = f"with {source(call)} as client:\n    yield client"
    return [p.ReplaceStatement(span=statement.span, codemod=NAME, code=code)]


def _is_client(project: Project, value: s.Expr) -> bool:
    return isinstance(value, s.Call) and any(
        isinstance(found, External) and found.dotted in _CLIENTS
        for found in project.infer(value.func, project.scope_of(value))
    )
