"""What runs SQL as soon as an application is imported: its tables have to be there by then.

    Base.metadata.create_all(engine)
    add_first_user()

A lifespan would make the tables later than that.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Module
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.touches import METADATA, Touches
from migrate_async.plan.memory import imported_names


def needs_tables(
    project: Project, touches: Touches, colouring: Colouring, application: Module
) -> bool:
    """Whether `application`, or a module that it imports, works on the database meanwhile."""
    return any(
        _runs_sql(project, touches, colouring, module)
        for module in _imported(project, application)
        if not module.is_test
    )


def _runs_sql(project: Project, touches: Touches, colouring: Colouring, module: Module) -> bool:
    body = module.body
    if any(
        touch.kind not in METADATA and _is_run(touch.site.context) for touch in touches.of(body)
    ):
        return True
    return any(
        site.kind == "call"
        and _is_run(site.context)
        and any(target in colouring.coloured for target in site.targets)
        for site in project.calls(body)
    )


def _is_run(context: tuple[str, ...]) -> bool:
    return "main" not in context


def _imported(project: Project, module: Module) -> Iterator[Module]:
    """`module`, and those of the project that are imported with it."""
    seen = {module.name}
    pending = [module]
    while pending:
        current = pending.pop()
        yield current
        for name in imported_names(current):
            found = project.modules.get(name)
            if found is not None and name not in seen:
                seen.add(name)
                pending.append(found)
