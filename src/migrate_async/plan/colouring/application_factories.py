"""Functions that make the application: a server calls them by their name, and does not await.

    uvicorn.run("main:create_app", factory=True)

So does `gunicorn "main:create_app()"`, of which no code of the project may tell.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import ExternalInstance, Instance, Type
from migrate_async.knowledge.fastapi import APPLICATIONS
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.reasons import at_definition


def makes_application(project: Project, function: Function) -> Reason | None:
    """Why `function` stays sync, if it gives an application to whoever calls it."""
    if function.is_async or function.is_generator or function.module.is_test:
        return None
    given = (item for value in function.returns for item in project.infer(value, function.scope))
    if any(_is_application(project, item) for item in given):
        text = "it cannot be `async def`: a server calls it for the application"
        return at_definition(function, "boundary", text)
    return None


def _is_application(project: Project, item: Type) -> bool:
    if isinstance(item, Instance):
        return any(base in APPLICATIONS for base in project.bases(item.cls))
    return isinstance(item, ExternalInstance) and item.dotted in APPLICATIONS
