"""Pages that fastapi-pagination makes of queries: `paginate()` becomes `await apaginate()`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from migrate_async.index import types as t
from migrate_async.index.library import paged
from migrate_async.index.project import Project
from migrate_async.index.scopes import FromBinding, Function, ImportBinding, Scope
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.pagination import CALLBACKS, COROUTINES, FIGURES, MODULE, PAGINATES
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME, ColourEdits
from migrate_async.plan.names import is_bound_inside

FUNCTION = "paginate"
COROUTINE = "apaginate"


@dataclass(frozen=True)
class Page:
    """The `call` of `function` (its dotted name) that makes a page of `query`."""

    call: s.Call
    function: str
    query: s.Expr | None

    @property
    def is_alone(self) -> bool:
        """Whether the query is the first argument: it brings its session."""
        return bool(self.call.args) and self.call.args[0] is self.query


def page_of(project: Project, call: s.AnyNode, scope: Scope) -> Page | None:
    """The page that `call` makes, by a coroutine or not; None if it makes none."""
    if not isinstance(call, s.Call):
        return None
    names = {getattr(item, "dotted", "") for item in project.infer(call.func, scope)}
    function = names.pop() if len(names) == 1 else ""
    if function not in PAGINATES and function not in COROUTINES:
        return None
    return Page(call, function, paged(call, lambda expr: project.infer(expr, scope)))


def page_at(project: Project, site: CallSite) -> Page | None:
    """The page that `site` makes on a sync session or connection."""
    page = page_of(project, site.node, site.scope) if site.kind == "call" else None
    if page is None or page.function not in PAGINATES or site.awaited:
        return None
    if not _is_sync(project, page, site.scope):
        return None
    return page


def _is_sync(project: Project, page: Page, scope: Scope) -> bool:
    for value in page.call.values:
        if project.session_kind(value, scope) == "sync":
            return True
        if project.engine_or_connection(value, scope) == "connection":
            return True
        if any(isinstance(item, t.QueryOf) for item in project.infer(value, scope)):
            return True
    return False


def obstacle(page: Page) -> str:
    """Why the page cannot be made by a coroutine; empty if it can."""
    call = page.call
    if any(keyword.arg is None for keyword in call.keywords):
        return "it makes a page with arguments that are known at run time only"
    if any(isinstance(value, s.Starred) for value in call.args):
        return "it makes a page with arguments that are known at run time only"
    for keyword in call.keywords:
        if keyword.arg in CALLBACKS and not _is_inert(keyword.value):
            return f"paginate() would call its `{keyword.arg}` where no lazy load can be awaited"
    return ""


def _is_inert(value: s.Expr) -> bool:
    return isinstance(value, s.Constant | s.Mapping)


class Pages:
    """Pages that functions hold, made by themselves or by others."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def used(self, function: Function) -> s.Expr | None:
        """The first page in `function` of which more is used than its figures.

        Its items are objects of the database or of a schema, whichever the library finds the route
        to answer with: what reads them cannot be told what to await.
        """
        if function.node is None or not self._exist:
            return None
        for site in self._project.calls(function):
            if isinstance(site.node, s.Call) and not self._is_handed_on(site, function):
                return site.node
        return None

    @cached_property
    def _exist(self) -> bool:
        """Whether the project imports the library anywhere."""
        modules = [module.scope for module in self._project.modules.values()]
        scopes = [*modules, *(function.scope for function in self._project.functions)]
        found = (binding for scope in scopes for part in scope.names.values() for binding in part)
        return any(
            (type(binding) is FromBinding and binding.module.startswith(MODULE))
            or (type(binding) is ImportBinding and binding.dotted.startswith(MODULE))
            for binding in found
        )

    def _is_handed_on(self, site: CallSite, function: Function) -> bool:
        """Whether `site` gives no page, or one that is returned with nothing else done to it."""
        types = self._project.infer(site.node, site.scope)
        if not any(isinstance(item, t.PageOf) for item in types):
            return True
        around = self._project.parent(site.node)
        around = self._project.parent(around) if isinstance(around, s.Await) else around
        if isinstance(around, s.Return | s.ExpressionStatement):
            return True
        targets = around.targets if isinstance(around, s.Assign) else ()
        target = targets[0] if len(targets) == 1 else None
        if not isinstance(target, s.Name) or function.node is None:
            return False
        uses = (node for node in function.nodes(s.Name) if node.id == target.id)
        return all(use is target or _is_harmless(self._project, use) for use in uses)


def _is_harmless(project: Project, use: s.Name) -> bool:
    around = project.parent(use)
    if isinstance(around, s.Attribute):
        return around.attr in FIGURES
    is_target = isinstance(around, s.Assign) and any(use is target for target in around.targets)
    return is_target or isinstance(around, s.Return)


def page_edits(found: ColourEdits, project: Project, site: CallSite) -> None:
    """Add to `found` what makes the page of `site` with a coroutine."""
    page = page_at(project, site)
    if page is None:
        return
    func = page.call.func
    if isinstance(func, s.Attribute):
        found.edits.append(p.RenameAttribute(span=func.span, codemod=NAME, name=COROUTINE))
    elif isinstance(func, s.Name):
        _rename(found, func, page, site)
    found.edits.append(p.AwaitCall(span=page.call.span, codemod=NAME))


def _rename(found: ColourEdits, func: s.Name, page: Page, site: CallSite) -> None:
    """`paginate` becomes `apaginate`, and `paginate as page_of`, `apaginate as apage_of`."""
    home = PAGINATES[page.function].rpartition(".")[0]
    module = site.function.module
    name = module.imported_as.get((home, COROUTINE))
    if name is None:
        name = _free(f"a{func.id}", site)
        alias = "" if name == COROUTINE else name
        beside = FUNCTION if func.id == FUNCTION and not alias else ""
        found.imports.append(p.ImportChange(NAME, home, COROUTINE, alias, beside=beside))
    found.edits.append(p.ReplaceExpression(span=func.span, codemod=NAME, code=name))
    found.unneeded.append(func.id)


def _free(wanted: str, site: CallSite) -> str:
    """`wanted`, or with a number, where the module and the function have no such name."""
    names = (wanted, *(f"{wanted}_{number}" for number in range(2, 10)))
    taken = site.function.module.scope.names
    free = (n for n in names if n not in taken and not is_bound_inside(n, site.scope))
    return next(free, wanted)
