"""Queries that are no plain ones, and chains that start from something else than a session."""

from __future__ import annotations

from migrate_async.index.scopes import Function, last_name
from migrate_async.knowledge import query_refusals as why
from migrate_async.knowledge import sqlalchemy
from migrate_async.knowledge.query_api import MEMBERS
from migrate_async.model import syntax as s
from migrate_async.plan.queries.ledger import Ledger, refused
from migrate_async.plan.queries.project import ProjectView
from migrate_async.plan.text import text


def check_custom_queries(view: ProjectView, ledger: Ledger) -> None:
    """Report what is tied to the class `Query`; refuse all queries if that changes all of them."""
    for cls in view.project.classes:
        if sqlalchemy.QUERY in view.project.bases(cls):
            function = cls.scope.function
            ledger.report(function, cls.node, why.CUSTOM_QUERY, what=f"`class {cls.name}`")
    roots = [root for root, piece in ledger.pieces.items() if piece.head is not None]
    for function in view.project.functions:
        for call in function.calls:
            _look_at(view, ledger, function, call.node)
            what = query_hook(call.node)
            if what:
                ledger.refuse(roots, refused(why.CUSTOM_QUERY, function, call.node, what=what))


def query_hook(call: s.Call) -> str:
    """How `call` changes what every query of the application does; empty if it does not."""
    if any(keyword.arg == "query_cls" for keyword in call.keywords):
        return "`query_cls=`"
    names = [arg.value for arg in call.args if isinstance(arg, s.Constant)]
    if any(str(name).startswith("before_compile") for name in names):
        return "the event `before_compile`"
    return ""


def _look_at(view: ProjectView, ledger: Ledger, function: Function, call: s.Call) -> None:
    """Report a chain that starts at `call`: `Query(...)`, `Model.query`."""
    if last_name(call.func) == "Query" and view.external(call.func) == sqlalchemy.QUERY:
        ledger.report(function, call, why.CUSTOM_QUERY, what="`Query(...)`")
    func = call.func
    if not isinstance(func, s.Attribute) or func.attr not in MEMBERS:
        return
    base = func.value
    if not isinstance(base, s.Attribute):
        return
    if base.attr == "query" and view.model(view.class_of(base.value)) is not None:
        ledger.report(function, base, why.MODEL_QUERY, text=text(base))
