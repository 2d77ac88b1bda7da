"""`with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:`.

The options of an async connection are set by a coroutine, and what that gives has been started:
nothing can enter it any more. Those of the engine are no I/O, and count for its connections.
"""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index.project import Project
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME
from migrate_async.plan.text import source_if_simple


def entered_options(project: Project, connect: s.Expr) -> s.Call | None:
    """The call that sets options of what `connect`, `engine.connect()`, gives to a `with`."""
    attribute = project.parent(connect)
    if not isinstance(attribute, s.Attribute) or attribute.attr != "execution_options":
        return None
    call = project.parent(attribute)
    if (
        not isinstance(call, s.Call)
        or call.func is not attribute
        or not isinstance(connect, s.Call)
    ):
        return None
    around = project.parent(call)
    is_entered = isinstance(around, s.WithItem) and around.context is call
    func = connect.func
    if not is_entered or not isinstance(func, s.Attribute) or func.attr != "connect":
        return None
    return call


def options_edit(
    connect: s.Expr, call: s.Call, own_name: Callable[[s.Expr], str]
) -> p.AnyEdit | None:
    """`engine.execution_options(...).connect()` in the place of `call`; None: not in words."""
    assert isinstance(connect, s.Call)  # noqa: S101  `entered_options` has looked
    assert isinstance(connect.func, s.Attribute)  # noqa: S101  the same
    engine = own_name(connect.func.value)
    keywords = [f"{k.arg}={source_if_simple(k.value)}" for k in call.keywords if k.arg]
    if not engine or connect.values or call.args or len(keywords) < len(call.keywords):
        return None
    if any(keyword.endswith("=") for keyword in keywords):
        return None
    code = f"{engine}.execution_options({', '.join(keywords)}).connect()"
    return p.ReplaceExpression(span=call.span, codemod=NAME, code=code)
