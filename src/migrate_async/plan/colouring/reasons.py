"""Reasons at the place that they are about."""

from __future__ import annotations

from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.callbacks import Callback


def at_definition(
    function: Function, code: str, text: str, because_of: Function | None = None
) -> Reason:
    """A reason that stands where `function` is defined."""
    return Reason(code, text, function.module.path, function.line, _name(because_of))


def at_call(site: CallSite, code: str, text: str, because_of: Function | None = None) -> Reason:
    """A reason that stands where `site` runs something."""
    return Reason(code, text, site.function.module.path, site.node.line, _name(because_of))


def calls(site: CallSite, function: Function) -> Reason:
    """Why a function that calls a coloured one is coloured, too."""
    return at_call(site, "calls", f"calls {function.qualname}", function)


def hands_on(callback: Callback) -> Reason:
    """Why a function stays sync that hands on one which does."""
    text = (
        f"it hands {callback.guest.qualname}, which stays sync, to {callback.callee}(), which"
        " would call it on the event loop"
    )
    path, line = callback.host.module.path, callback.node.line
    return Reason("hands-on", text, path, line, callback.guest.qualname)


def _name(function: Function | None) -> str:
    return function.qualname if function is not None else ""
