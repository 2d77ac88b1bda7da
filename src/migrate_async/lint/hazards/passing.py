"""Objects that a coroutine passes to functions of the project, and what these read of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    Function,
    IterationBinding,
    ParameterBinding,
    Scope,
    bindings_of,
)
from migrate_async.model import syntax as s


class Passed(NamedTuple):
    """`call`, code of the coroutine, runs `helper` with `value` as its parameter `name`."""

    call: s.Call
    helper: Function
    name: str
    value: s.Expr
    scope: Scope


def passed(project: Project, function: Function) -> Iterator[Passed]:
    """What `function` passes to the only function that a call can run, at once and on its loop."""
    for site in project.calls(function):
        if site.kind != "call" or len(site.targets) != 1 or not isinstance(site.node, s.Call):
            continue
        helper = site.targets[0]
        if helper.is_generator or helper.is_async is not site.awaited:
            continue
        for fn, param, value in project.passes(site.node, site.scope):
            if fn is helper and isinstance(helper.node, s.FunctionDef):
                yield Passed(site.node, helper, param.name, value, site.scope)


def holds(expr: s.Expr, name: str, scope: Scope) -> bool:
    """Whether `expr` is the parameter `name`, never given another value, or an item of it."""
    if not isinstance(expr, s.Name):
        return False
    bindings = bindings_of(expr.id, scope)
    if len(bindings) != 1:
        return False
    binding = bindings[0]
    if isinstance(binding, IterationBinding):
        return holds(binding.value, name, binding.scope)
    return isinstance(binding, ParameterBinding) and binding.parameter.name == name
