"""What code that stays sync calls although it converts, and the objects that have such methods.

f(db, a)       call_async(f, db, a)
Service(db)    Service(async_side(db))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index.scopes import Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import ASYNC_SIDE, CALL_ASYNC, PACKAGE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME
from migrate_async.plan.module_edits import ModuleEdits, add_import


def driven_calls(sites: Iterable[CallSite]) -> Iterator[tuple[Module, ModuleEdits]]:
    """The edits of each of `sites`."""
    for site in sites:
        module, found = site.function.module, ModuleEdits()
        name = add_import(found, module, PACKAGE, CALL_ASYNC, NAME)
        found.edits.append(p.DelegateCall(span=site.node.span, codemod=NAME, to=name))
        yield module, found


def driven_objects(
    sessions: Iterable[tuple[Function, s.Expr]],
) -> Iterator[tuple[Module, ModuleEdits]]:
    """The edits of each session, which a function makes an object with."""
    for function, session in dict.fromkeys(sessions):
        found = ModuleEdits()
        name = add_import(found, function.module, PACKAGE, ASYNC_SIDE, NAME)
        code = f"{name}({{}})"
        found.edits.append(p.ReplaceExpression(span=session.span, codemod=NAME, code=code))
        yield function.module, found
