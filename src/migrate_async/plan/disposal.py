"""Engines that a fixture makes for itself are disposed of, on the loop that they were used on.

A sync connection that nobody closes goes with its engine. An async one cannot: the garbage
collector has no event loop, so it warns and breaks the connection off.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.index.statements import is_method_call
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.testing.pytest_support import NAME, is_fixture


def disposals(project: Project, engine: Variable) -> Iterator[p.InsertStatements]:
    """`await engine.dispose()` at the end of the fixture that makes `engine`."""
    fixture = engine.scope.function
    node = fixture.node
    if not isinstance(node, s.FunctionDef) or not _ends(fixture):
        return
    statement = project.statement_of(engine.value)
    is_own = statement in node.body and len(engine.scope.names.get(engine.name, ())) == 1
    if is_own and not _is_disposed(node, engine.name):
        code = f"await {engine.name}.dispose()"
        yield p.InsertStatements(span=node.body[-1].span, codemod=NAME, code=code, after=True)


def _ends(fixture: Function) -> bool:
    """Whether what stands at the end of `fixture` runs after the test."""
    node = fixture.node
    assert isinstance(node, s.FunctionDef)  # noqa: S101  the caller has looked
    is_end = isinstance(node.body[-1], s.With | s.Try | s.ExpressionStatement)
    is_test = fixture.module.is_test and is_fixture(fixture)
    return is_test and is_end and len(fixture.yields) == 1


def _is_disposed(node: s.FunctionDef, name: str) -> bool:
    return any(
        is_method_call(statement, name, "dispose") for statement in blocks.statements(node.body)
    )
