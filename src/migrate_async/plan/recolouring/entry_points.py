"""`if __name__ == "__main__":` calls of converted functions: `asyncio.run(...)`."""

from __future__ import annotations

from collections.abc import Container

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.model import plan as p
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.module_edits import ModuleEdits

NAME = "async-colour"


def entry_point_edits(
    project: Project, colouring: Colouring, driven: Container[CallSite]
) -> dict[Module, ModuleEdits]:
    """Run the coroutine that a script's entry point now makes, other than at calls `driven`."""
    found: dict[Module, ModuleEdits] = {}
    for module in project.modules.values():
        for site in project.calls(module.body):
            if "main" not in site.context or site.kind == "dependency" or site in driven:
                continue
            if any(_became_coroutine(colouring, fn) for fn in site.targets):
                edits = found.setdefault(module, ModuleEdits())
                edits.imports.append(p.ImportChange(NAME, "asyncio"))
                edits.edits.append(
                    p.ReplaceExpression(span=site.node.span, codemod=NAME, code="asyncio.run({})")
                )
    return found


def _became_coroutine(colouring: Colouring, fn: Function) -> bool:
    """Whether `fn` is a coroutine since it converted; no event loop runs an async generator."""
    return colouring.converts(fn) and not fn.is_async and not fn.is_generator
