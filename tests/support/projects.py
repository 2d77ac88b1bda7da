"""Small projects in memory, indexed."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from migrate_async.config import Settings
from migrate_async.index.extract import extract
from migrate_async.index.project import Function, ModuleInput, Project, build
from migrate_async.index.types import Types
from migrate_async.model import syntax as s
from migrate_async.source.templates import Templates, no_templates


def project(
    files: Mapping[str, str],
    settings: Settings | None = None,
    templates: Templates = no_templates,
) -> Project:
    """The project of `{"app/crud.py": "..."}`; texts are dedented.

    Dotted names follow the paths; a missing `__init__.py` makes no difference to imports.
    """
    modules = [module_input(path, text) for path, text in files.items()]
    return build(modules, settings, templates)


def module_input(path: str, text: str) -> ModuleInput:
    """One module; `path` is relative, with forward slashes."""
    parts = path.removesuffix(".py").split("/")
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    return ModuleInput(path, name, is_package, extract(textwrap.dedent(text), path))


def find_call(project: Project, qualname: str, text: str) -> s.Call:
    """The first call in the function `qualname` whose callee ends in the name `text`."""
    function = project.function(qualname)
    assert function is not None, f"no function {qualname}"
    for site in project.calls(function):
        if isinstance(site.node, s.Call):
            func = site.node.func
            name = func.attr if isinstance(func, s.Attribute) else getattr(func, "id", "")
            if name == text:
                return site.node
    raise AssertionError(f"{qualname} calls no {text}")


def callees(project: Project, qualname: str) -> set[str]:
    """Qualified names of the project functions that the function `qualname` runs."""
    function = project.function(qualname)
    assert function is not None, f"no function {qualname}"
    return {target.qualname for site in project.calls(function) for target in site.targets}


def operations(project: Project, qualname: str) -> list[str]:
    """`owner.name` of the database operations of the function `qualname`."""
    function = project.function(qualname)
    assert function is not None, f"no function {qualname}"
    sites = [site.operation for site in project.calls(function) if site.operation]
    return [f"{operation.owner}.{operation.name}" for operation in sites]


def infer_name(project: Project, qualname: str, name: str) -> Types:
    """Types of the name `name` in the function `qualname`."""
    function = project.function(qualname)
    assert function is not None, f"no function {qualname}"
    nodes = (node for stmt in function_body(function) for node in s.walk(stmt))
    for node in nodes:
        if isinstance(node, s.Name) and node.id == name:
            return project.infer(node, function.scope)
    parameter = s.Name(0, 0, 0, 0, name)
    return project.infer(parameter, function.scope)


def infer_return(project: Project, qualname: str) -> Types:
    """Types of the first `return` of the function `qualname`."""
    function = project.function(qualname)
    assert function is not None, f"no function {qualname}"
    return project.infer(function.returns[0], function.scope)


def function_body(function: Function) -> tuple[s.Stmt, ...]:
    """The statements of a function."""
    return function.node.body if isinstance(function.node, s.FunctionDef) else ()
