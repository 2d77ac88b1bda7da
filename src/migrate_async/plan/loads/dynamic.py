"""Reads whose outcome depends on what happens to be loaded, and which nobody can name."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.types import Instance
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.paths import is_test_path
from migrate_async.plan.polymorphic import can_be_loaded, late_subclasses

DEPENDS_ON_LOADS = "MA507"

_DICT = "__dict__"
_GETATTR = "getattr"


def dynamic_reads(project: Project, colouring: Colouring) -> Iterator[Diagnostic]:
    """`getattr(x, name)` and `x.__dict__` of ORM objects, in code that runs on the event loop.

    The first may load a deferred column, or one of a subclass whose mapping cannot be changed (see
    `plan.polymorphic`); the second has more in it than before where something is loaded eagerly
    now.
    """
    for function, node in _nodes(project, colouring):
        if isinstance(node, s.Attribute) and node.attr == _DICT:
            for model in _models(project, node.value):
                yield _told(function, node, f"what `__dict__` of a {model.cls.name} holds")
        elif isinstance(node, s.Call) and _is_dynamic_getattr(node):
            for model in _models(project, node.args[0]):
                if _loads_late(project, model):
                    what = f"whether this loads a column of a {model.cls.name}"
                    yield _told(function, node, what)


def read_by_name(project: Project, colouring: Colouring) -> list[Model]:
    """The models of the objects that `getattr(x, name)` reads in code on the event loop."""
    found: dict[str, Model] = {}
    for _, node in _nodes(project, colouring):
        if isinstance(node, s.Call) and _is_dynamic_getattr(node):
            found.update((model.qualname, model) for model in _models(project, node.args[0]))
    return list(found.values())


def _nodes(project: Project, colouring: Colouring) -> Iterator[tuple[Function, s.AnyNode]]:
    """What stands in functions that run on the event loop, if any do."""
    if not any(colouring.converts(function) for function in colouring.coloured):
        return
    reading = _reading(project)
    for function in project.functions:
        if function.module not in reading or function in colouring.kept:
            continue
        if isinstance(function.node, s.FunctionDef) and not is_test_path(function.module.path):
            yield from ((function, node) for node in s.walk(function.node))


def _reading(project: Project) -> frozenset[Module]:
    """The modules that read attributes in a way that names none of them."""
    found = {module for module in project.modules.values() if _DICT in module.attributes}
    for function in project.functions:
        if any(call.name == _GETATTR for call in function.calls):
            found.add(function.module)
    return frozenset(found)


def _told(function: Function, node: s.Expr, what: str) -> Diagnostic:
    return at(
        function.module.path,
        node.span,
        DEPENDS_ON_LOADS,
        f"{what} depends on what is loaded by then, and no load can be awaited here",
        "name the attributes, or load all of them in the query (`selectin_polymorphic`, `undefer`)",
    )


def _is_dynamic_getattr(call: s.Call) -> bool:
    is_getattr = isinstance(call.func, s.Name) and call.func.id == _GETATTR
    return is_getattr and len(call.args) > 1 and not isinstance(call.args[1], s.Constant)


def _models(project: Project, value: s.Expr) -> list[Model]:
    types = project.infer(value, project.scope_of(value))
    classes = {item.cls.qualname for item in types if isinstance(item, Instance)}
    return [model for name, model in project.models.items() if name in classes][:1]


def _loads_late(project: Project, model: Model) -> bool:
    """Whether objects of `model` may have columns that no query will select."""
    late = late_subclasses(project, model)
    is_left = bool(late) and not can_be_loaded(late)
    return is_left or any(column.deferred for column in model.columns.values())
