"""Methods that load relationships of objects that `self` keeps, beside a session.

    def arch(self):
        return self.arch_given or self.device.builds[0].arch

They become coroutines with the methods that call them, and await where they read. What is loaded
before the call, for a read that may not happen, would be old by the time that another one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.loads.accesses import Access, Accesses
from migrate_async.plan.loads.roots import Roots


def reading_methods(
    project: Project, accesses: Accesses, holds: Callable[[Class], bool]
) -> Iterator[tuple[Function, Reason]]:
    """Those of classes whose objects keep a session, as `holds` says; with what they read."""
    roots = Roots(project)
    for function in project.functions:
        cls = function.cls
        if cls is None or function.is_async or function.module.is_test or not holds(cls):
            continue
        if function.boundary is not None or is_property(function) or function.decorator_names:
            continue
        reads = (r for r in _reads(project, accesses, function) if _is_of_kept(roots, *r))
        _, _, access = next(reads, (None, None, None))
        if access is not None and _is_called_by_self(project, function):
            text = f"it reads {access.model.name}.{access.name}, which loads it"
            yield function, Reason("lazy-load", text, function.module.path, access.node.line)


def _reads(
    project: Project, accesses: Accesses, function: Function
) -> Iterator[tuple[s.Expr, Scope, Access]]:
    """The objects of which `function` reads a relationship, also by a property of theirs."""
    for access in accesses.of(function):
        yield access.node.value, access.scope, access
    for site in project.calls(function):
        if site.kind == "property" and isinstance(site.node, s.Attribute):
            for target in site.targets:
                for access in accesses.of(target):
                    yield site.node.value, site.scope, access


def _is_of_kept(roots: Roots, value: s.Expr, scope: Scope, _access: Access) -> bool:
    """Whether what is read is of an object that `self` keeps."""
    found = roots.of(value, scope) or ()
    return bool(found) and all(isinstance(root.node, s.Attribute) for root in found)


def _is_called_by_self(project: Project, function: Function) -> bool:
    """Whether all who call `function` do so as `self.method()`."""
    sites = [site for site in project.callers(function) if not site.function.module.is_test]
    return (
        bool(sites)
        and not project.value_uses(function)
        and all(
            isinstance(site.node, s.Call)
            and bool(site.function.self_name)
            and s.dotted_name(site.node.func) == f"{site.function.self_name}.{function.name}"
            and site.function.boundary is None
            and not is_property(site.function)
            for site in sites
        )
    )
