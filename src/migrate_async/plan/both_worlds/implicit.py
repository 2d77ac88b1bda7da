"""Coroutines that stay sync and share the session of what converts: `@implicit_io`.

On the event loop they could not wait for an async driver, and a thread is not where they belong:
they await other things. The decorator of the runtime runs them in a greenlet.
"""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import IMPLICIT_IO, PACKAGE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.engines import NAME
from migrate_async.plan.leftovers.scaffold import implicit_mark
from migrate_async.plan.lent import LentSessions
from migrate_async.plan.loads.accesses import Accesses
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.testing.pytest_support import is_helper_of_tests

AWAITS_IMPLICITLY = "MA206"


def mark(function: Function, because: str) -> ModuleEdits:
    """The decorator for a coroutine that `because` of something stays sync."""
    found = ModuleEdits()
    node = function.node
    if not isinstance(node, s.FunctionDef) or implicit_mark(function) is not None:
        return found
    module = function.module
    name = add_import(found, module, PACKAGE, IMPLICIT_IO, NAME)
    found.edits.append(p.AddDecorator(span=node.span, codemod=NAME, code=name, inner=True))
    found.diagnostics.append(
        at(
            module.path,
            node.span,
            AWAITS_IMPLICITLY,
            f"{function.qualname} is a coroutine that stays sync{because}: @{IMPLICIT_IO} lets it "
            "use the sync side of the session on the event loop",
            f"resolve what keeps it sync (`migrate-async plan --explain {function.qualname}`); add "
            "migrate-async to the application's dependencies",
        )
    )
    return found


def unmark(function: Function) -> ModuleEdits:
    """Without the decorator, for a coroutine that converts now."""
    found = ModuleEdits()
    decorator = implicit_mark(function)
    if decorator is not None:
        found.edits.append(p.RemoveDecorator(span=decorator.span, codemod=NAME))
        named = decorator.func if isinstance(decorator, s.Call) else decorator
        found.unneeded.append(s.dotted_name(named).partition(".")[0])
    return found


class ImplicitIO:
    """Which coroutines that stay sync use a session of others: they need the decorator.

    One that opens its own gets a sync one, on the sync engine, and goes on as it was.
    """

    def __init__(
        self,
        project: Project,
        colouring: Colouring,
        borrows: Callable[[Function], bool],
        lent: LentSessions,
    ) -> None:
        self._project = project
        self._kept = colouring.kept
        self._converts = colouring.converts
        self._borrows = borrows
        self._lent = lent
        self._accesses = project.shared(Accesses)

    def __contains__(self, function: Function) -> bool:
        if function not in self._kept or not self._is_asked(function):
            return False
        return (
            self._takes(function)
            or self._borrows(function)
            or any(self._lent.read_by(function))
            or self.loads(function)
            or any(map(self._runs_sync, self._project.calls(function)))
        )

    def loads(self, function: Function) -> bool:
        """Whether `function` may load what it reads of an object."""
        return any(self._accesses.of(function))

    def _is_asked(self, function: Function) -> bool:
        """Whether it is of the application, or helps tests that convert: others have their own."""
        if not function.module.is_test:
            return True
        callers = (site.function for site in self._project.callers(function))
        return is_helper_of_tests(function) and any(map(self._converts, callers))

    def _takes(self, function: Function) -> bool:
        return self._project.takes_session(function, "sync")

    def _runs_sync(self, site: CallSite) -> bool:
        """Whether `site` runs what stays sync, on a session that somebody else has opened."""
        if site.kind in ("dependency", "bridge"):
            return False
        is_implicit = site.kind != "call" or self._project.passes_session(site)
        return any(
            target in self._kept
            and (is_implicit or self._takes(target) or self._borrows(target))
            and not target.is_async
            for target in site.targets
        )
