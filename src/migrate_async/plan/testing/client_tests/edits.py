"""The edits of a suite that moves to the async client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.annotations import AnnotationEdits, generator_edits
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.testing.client_tests.clients import Clients
from migrate_async.plan.testing.client_tests.uses import Uses
from migrate_async.plan.testing.pytest_support import pytest_edits

NAME = "async-client"
CLIENT = "AsyncTestClient"
HOME = "migrate_async.runtime.testing.client"

_DROPPED = ("backend", "backend_options")
"""Arguments of `TestClient` that choose an event loop: there is one already."""


def suite_edits(
    project: Project,
    clients: Clients,
    uses: Mapping[Function, Uses],
    coroutines: Mapping[Function, Sequence[CallSite]],
) -> dict[Module, ModuleEdits]:
    """The edits by module; `coroutines` are the functions that become one, and what they await."""
    found: dict[Module, ModuleEdits] = {}
    for function, made in uses.items():
        _add(found, function.module, _uses(made))
    for function, sites in coroutines.items():
        edits = ModuleEdits()
        if isinstance(function.node, s.FunctionDef) and not function.node.is_async:
            edits.edits.append(p.MakeAsync(span=function.node.span, codemod=NAME))
            for part in (pytest_edits(function), _generator(project, clients, function)):
                merge(edits, part)
        edits.edits += [p.AwaitCall(span=site.node.span, codemod=NAME) for site in sites]
        _add(found, function.module, edits)
    for module in {function.module: None for function in clients.functions}:
        _add(found, module, _names(clients, module, found.get(module)))
    return {module: _owned(edits) for module, edits in found.items() if edits.edits}


def _uses(made: Uses) -> ModuleEdits:
    found = ModuleEdits()
    for call in (*made.requests, *made.closings):
        found.edits.append(p.AwaitCall(span=call.span, codemod=NAME))
    for call in made.closings:
        found.edits.append(p.RenameAttribute(span=call.func.span, codemod=NAME, name="aclose"))
    for statement in {id(item): item for item in made.entered}.values():
        found.edits.append(_entering(statement, made))
    for call in made.made:
        for name in _DROPPED:
            if any(keyword.arg == name for keyword in call.keywords):
                found.edits.append(p.RemoveArgument(span=call.span, codemod=NAME, name=name))
    return found


def _entering(statement: s.With, made: Uses) -> p.AnyEdit:
    if len(statement.items) == 1:
        return p.MakeAsync(span=statement.span, codemod=NAME)
    clients = {id(call) for call in made.made}
    kinds = tuple(id(item.context) in clients for item in statement.items)
    return p.NestWith(span=statement.span, codemod=NAME, kinds=kinds)


def _generator(project: Project, clients: Clients, function: Function) -> ModuleEdits:
    """`Generator[TestClient, None, None]` as `AsyncGenerator[AsyncTestClient, None]`."""
    node = function.node
    if not isinstance(node, s.FunctionDef) or node.returns is None or not function.is_generator:
        return ModuleEdits()
    found = AnnotationEdits(edits=list(_renamed(clients, node.returns)))
    generator_edits(project, function.scope, node.returns, found)
    return ModuleEdits(found.edits, found.imports, found.unneeded)


def _names(clients: Clients, module: Module, planned: ModuleEdits | None) -> ModuleEdits:
    """The name of the class, wherever the module uses it."""
    found = ModuleEdits()
    replaced = (
        [edit.span for edit in planned.edits if isinstance(edit, p.ReplaceExpression)]
        if planned
        else []
    )
    for statement in module.syntax.body:
        if isinstance(statement, s.Import | s.ImportFrom):
            continue
        for edit in _renamed(clients, statement):
            if not any(_is_inside(edit.span, span) for span in replaced):
                found.edits.append(edit)
            found.imports.append(p.ImportChange(NAME, HOME, CLIENT))
            found.unneeded.append("TestClient")
    return found


def _renamed(clients: Clients, around: s.AnyNode) -> Iterator[p.ReplaceExpression]:
    for node in s.walk(around):
        if isinstance(node, s.Name | s.Attribute) and clients.is_class(node):
            yield p.ReplaceExpression(span=node.span, codemod=NAME, code=CLIENT)


def _is_inside(span: s.Span, around: s.Span) -> bool:
    return around[:2] <= span[:2] and span[2:] <= around[2:]


def _add(found: dict[Module, ModuleEdits], module: Module, edits: ModuleEdits) -> None:
    merge(found.setdefault(module, ModuleEdits()), edits)


def merge(into: ModuleEdits, edits: ModuleEdits) -> None:
    """Add `edits` to those of the same module."""
    into.edits += edits.edits
    into.imports += edits.imports
    into.unneeded += edits.unneeded
    into.diagnostics += edits.diagnostics


def _owned(edits: ModuleEdits) -> ModuleEdits:
    """All of it in the name of this codemod."""
    return ModuleEdits(
        [msgspec.structs.replace(edit, codemod=NAME) for edit in edits.edits],
        [msgspec.structs.replace(change, codemod=NAME) for change in edits.imports],
        edits.unneeded,
    )
