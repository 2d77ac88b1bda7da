"""What works with psycopg2 alone: several statements in one text, and the classes of its errors.

    db.execute(text("delete from items; delete from orders"))
    if isinstance(error.orig, psycopg2.errors.UniqueViolation):

No edit makes that work with an async driver: it is reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, last_name
from migrate_async.index.types import External
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.alembic.revisions import has_several_statements
from migrate_async.plan.driver_types import may_be_postgresql
from migrate_async.plan.module_edits import ModuleEdits

_DRIVER = "psycopg2"


def driver_habit_edits(project: Project, function: Function) -> ModuleEdits:
    """What there is to say about the code of `function`."""
    found = ModuleEdits()
    if function.node is not None and project.shared(may_be_postgresql):
        found.diagnostics += _several_statements(function)
        found.diagnostics += _error_classes(project, function)
    return found


def _several_statements(function: Function) -> Iterator[Diagnostic]:
    for call in function.calls:
        given = call.node.args[0] if call.name == "text" and call.node.args else None
        is_text = isinstance(given, s.Constant) and given.kind == "str"
        if isinstance(given, s.Constant) and is_text and has_several_statements(str(given.value)):
            yield at(
                function.module.path,
                call.node.span,
                "MA419",
                "several statements in one text: psycopg2 runs them, async drivers refuse them, "
                "other than with the engines of async_engine_from_url()",
                "give each statement an execute() of its own",
            )


def _error_classes(project: Project, function: Function) -> Iterator[Diagnostic]:
    for reference in function.references:
        node = reference.node
        types = project.infer(node, reference.scope)
        if not any(isinstance(item, External) and _is_error(item.dotted) for item in types):
            continue
        yield at(
            function.module.path,
            node.span,
            "MA421",
            f"{last_name(node)} is an error of {_DRIVER}, which no async driver raises",
            "compare error.orig.pgcode, which async drivers have, too, or catch SQLAlchemy's class",
        )


def _is_error(dotted: str) -> bool:
    """Whether `dotted` is one of the classes of the driver: their names are in title case."""
    module, _, name = dotted.rpartition(".")
    return module.partition(".")[0] == _DRIVER and name[:1].isupper()
