"""Functions that become routes by a call, and not by a decorator.

app.add_api_route("/users", view.users)
app.get("/users")(users)
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.sites import ValueUse
from migrate_async.knowledge.fastapi import ROUTE_METHODS
from migrate_async.model import syntax as s


def registers_route(project: Project, use: ValueUse) -> bool:
    """Whether `use` makes a route of the function, also of a `partial` of it."""
    call = project.parent(use.node)
    if not isinstance(call, s.Call):
        return False
    if use.kind.rpartition(".")[2].rpartition(":")[2] == "partial":
        call = project.parent(call)
        if not isinstance(call, s.Call):
            return False
    if isinstance(call.func, s.Attribute):
        return call.func.attr == "add_api_route"
    decorator = call.func.func if isinstance(call.func, s.Call) else None
    return isinstance(decorator, s.Attribute) and decorator.attr in ROUTE_METHODS
