"""What tests put into `app.dependency_overrides`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, Scope
from migrate_async.index.types import FunctionObject
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.annotations import annotation_edits
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.testing.client_tests.clients import own_nodes
from migrate_async.plan.testing.pytest_support import NAME

_TABLE = "dependency_overrides"


@dataclass(frozen=True)
class Override:
    """`app.dependency_overrides[dependency] = value` in `function`."""

    dependency: s.Expr
    value: s.Expr
    function: Function


def overrides(project: Project) -> Iterator[Override]:
    """Those of all test modules."""
    for function in project.functions:
        if not function.module.is_test:
            continue
        pairs = dict(_pairs_in(project, function))  # one of a table may be in a dict as well
        yield from (Override(key, value, function) for key, value in pairs.items())


def _pairs_in(project: Project, function: Function) -> Iterator[tuple[s.Expr, s.Expr]]:
    has_table = _TABLE in function.module.attributes
    for node in own_nodes(function):
        if has_table:
            yield from _entries(node)
        if isinstance(node, s.Mapping) and project.overrides_dependencies(node, function.scope):
            yield from _pairs(node)


def sync_overridden(project: Project) -> Iterator[tuple[Function, Override]]:
    """Session dependencies of the application that are overridden and still sync."""
    sources = frozenset(project.session_dependencies)
    for found in overrides(project):
        for function in functions_named(project, found.dependency, found.function.scope):
            if function in sources and not function.is_async:
                yield function, found


def override_edits(
    project: Project, converts: Callable[[Function], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """Overrides that only hand on a session: `async def`, as what they take the place of.

    FastAPI runs others in a thread, which a session on the event loop has no business in.
    """
    all_overrides = tuple(overrides(project))
    given = frozenset(found.value for found in all_overrides)
    done: dict[Function, None] = {}
    for found in all_overrides:
        for function in functions_named(project, found.value, found.function.scope):
            if function not in done and not converts(function):
                done[function] = None
                if _hands_on(project, function, given):
                    yield function.module, _made_async(project, function)


def _hands_on(project: Project, function: Function, given: frozenset[s.Expr]) -> bool:
    """Whether `function` gives a session, as an override and in no other way."""
    if function.is_async or function.is_lambda or not function.module.is_test:
        return False
    if project.callers(function) or any(u.node not in given for u in project.value_uses(function)):
        return False
    return "sync" in project.sessions_given(function)


def _made_async(project: Project, function: Function) -> ModuleEdits:
    assert isinstance(function.node, s.FunctionDef)  # noqa: S101  it is no lambda
    found = ModuleEdits([p.MakeAsync(span=function.node.span, codemod=NAME)])
    types = annotation_edits(project, function, converts=True)
    found.edits += types.edits
    found.imports += types.imports
    found.unneeded += types.unneeded
    return found


def functions_named(project: Project, node: s.Expr, scope: Scope) -> Iterator[Function]:
    """The functions of the project that `node` can be."""
    for item in project.infer(node, scope):
        if isinstance(item, FunctionObject):
            yield item.fn


def _entries(node: s.AnyNode) -> Iterator[tuple[s.Expr, s.Expr]]:
    """The pairs that `node`, a statement or call, puts into the table."""
    if isinstance(node, s.Assign):
        for target in node.targets:
            if isinstance(target, s.Subscript) and is_table(target.value):
                yield target.index, node.value
            elif is_table(target):
                yield from _pairs(node.value)
    elif isinstance(node, s.Call) and isinstance(node.func, s.Attribute):
        yield from _called(node, node.func)


def _called(call: s.Call, func: s.Attribute) -> Iterator[tuple[s.Expr, s.Expr]]:
    """`overrides.update({...})`, `monkeypatch.setitem(overrides, key, value)`."""
    args = call.args
    if func.attr == "setitem" and len(args) == 3 and is_table(args[0]):
        yield args[1], args[2]
    elif func.attr == "update" and is_table(func.value) and args:
        yield from _pairs(args[0])
    elif func.attr == "dict" and len(args) == 2 and is_table(args[0]):
        yield from _pairs(args[1])


def _pairs(table: s.Expr) -> Iterator[tuple[s.Expr, s.Expr]]:
    if isinstance(table, s.Mapping):
        for key, value in zip(table.keys, table.values, strict=True):
            if key is not None:
                yield key, value


def is_table(node: s.AnyNode) -> bool:
    """Whether `node` is the table of overrides of an application."""
    return isinstance(node, s.Attribute) and node.attr == _TABLE
