"""How code names an async twin in the place of its sync original, and the other way round."""

from __future__ import annotations

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import TWIN_SUFFIX
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME
from migrate_async.plan.module_edits import ModuleEdits, add_change
from migrate_async.plan.names import local_name


def callee(site: CallSite) -> s.Expr | None:
    """What names the function that `site` runs: in a call, a bridge, or the lambda of one."""
    call = site.node
    if not isinstance(call, s.Call):
        return None
    is_runner = site.kind == "bridge" and site.awaited and not site.function.is_lambda
    if is_runner and call.args and not _names(call.func, site):
        return call.args[0]
    return call.func


def can_name(project: Project, site: CallSite, function: Function) -> bool:
    """Whether the place can name the twin of `function` where it names `function` now."""
    node, module = callee(site), site.function.module
    if isinstance(node, s.Attribute):
        return node.attr == function.name and _leads_home(project, node.value, site, function)
    if not isinstance(node, s.Name) or node.id != function.name:
        return False
    twin = f"{function.name}{TWIN_SUFFIX}"
    home = function.module.name
    if module is function.module:
        return True
    is_free = twin not in module.scope.names or local_name(module, home, twin) == twin
    return is_free and local_name(module, home, function.name) == node.id


def rename(module: Module, node: s.Expr, old: Function, new: str, *, passing: bool) -> ModuleEdits:
    """Have `node`, which names the function `old`, name its sibling `new`."""
    found = ModuleEdits()
    if isinstance(node, s.Attribute):
        found.edits.append(p.RenameAttribute(span=node.span, codemod=NAME, name=new))
        return found
    home = old.module.name
    wanted = p.ImportChange(NAME, home, new, beside=old.name, passing=passing)
    code = add_change(found, module, wanted)
    found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))
    if module is not old.module and isinstance(node, s.Name):
        found.unneeded.append(node.id)
    return found


def _leads_home(project: Project, value: s.Expr, site: CallSite, function: Function) -> bool:
    """Whether `value` is the module or an object of the class in which `function` is defined."""
    types = project.infer(value, site.scope)
    if function.cls is not None:
        return bool(types) and not any(isinstance(item, t.ModuleObject) for item in types)
    return bool(types) and all(
        isinstance(item, t.ModuleObject) and item.name == function.module.name for item in types
    )


def _names(func: s.Expr, site: CallSite) -> bool:
    """Whether the function called is itself what the site runs."""
    name = func.attr if isinstance(func, s.Attribute) else getattr(func, "id", "")
    return any(name in (target.name, f"{target.name}{TWIN_SUFFIX}") for target in site.targets)
