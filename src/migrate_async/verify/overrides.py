"""Methods that override one of the other colour."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.members import is_property
from migrate_async.index.project import Function, Project
from migrate_async.index.scopes import FunctionBinding
from migrate_async.index.stubs import is_abstract
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.verify import findings as f
from migrate_async.verify.coroutines import Coroutines


def check_overrides(project: Project, coroutines: Coroutines, fn: Function) -> Iterator[Diagnostic]:
    """The clash of the method `fn` with the nearest one that it overrides.

    Two colours are only wrong where a caller cannot tell which one it gets: where one call reaches
    both, or where the overridden method does nothing but say what overrides have to be like.
    """
    base = _overridden(project, fn)
    if base is None or (fn in coroutines) == (base in coroutines) or not _alike(fn, base):
        return
    if not (_reached_together(project, fn, base) or is_abstract(base)):
        return
    kinds = ("a coroutine", "not") if fn in coroutines else ("not a coroutine", "is one")
    message = f"{fn.qualname} is {kinds[0]}, {base.qualname}, which it overrides, {kinds[1]}"
    node = fn.node
    if node is not None:
        yield f.COLOUR_CLASH.at(fn.module.path, node.span, message)


def _overridden(project: Project, fn: Function) -> Function | None:
    if fn.cls is None or not isinstance(fn.node, s.FunctionDef) or fn.name.startswith("__"):
        return None
    for cls in project.mro(fn.cls)[1:]:
        for binding in reversed(cls.scope.names.get(fn.name, [])):
            return binding.function if isinstance(binding, FunctionBinding) else None
    return None


def _alike(fn: Function, base: Function) -> bool:
    """Whether both are called and give one value."""
    return not any(found.is_generator or is_property(found) for found in (fn, base))


def _reached_together(project: Project, fn: Function, base: Function) -> bool:
    return any(base in site.targets for site in project.callers(fn) if site.kind == "call")
