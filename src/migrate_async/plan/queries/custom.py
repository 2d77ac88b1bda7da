"""Code that is tied to the class `Query` itself: subclasses, `query_cls=`, compile events."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.knowledge import query_refusals as why
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s
from migrate_async.plan.queries.ledger import Ledger, refused
from migrate_async.plan.queries.project import ProjectView


def check_custom_queries(view: ProjectView, ledger: Ledger) -> None:
    """Refuse all queries where queries are not plain ones; report subclasses of `Query`."""
    for cls in view.project.classes:
        if sqlalchemy.QUERY in view.project.bases(cls):
            function = cls.scope.function
            ledger.report(function, cls.node, why.CUSTOM_QUERY, what=f"`class {cls.name}`")
    roots = [root for root, piece in ledger.pieces.items() if piece.head is not None]
    for function, node, what in _hooks(view):
        ledger.refuse(roots, refused(why.CUSTOM_QUERY, function, node, what=what))
        if not roots:
            ledger.report(function, node, why.CUSTOM_QUERY, what=what)


def _hooks(view: ProjectView) -> Iterator[tuple[Function, s.Call, str]]:
    """Places that change what every query of the application does."""
    for function in view.project.functions:
        for call in function.calls:
            if any(keyword.arg == "query_cls" for keyword in call.node.keywords):
                yield function, call.node, "`query_cls=`"
            names = [arg.value for arg in call.node.args if isinstance(arg, s.Constant)]
            if any(str(name).startswith("before_compile") for name in names):
                yield function, call.node, "the event `before_compile`"
