"""Properties that become coroutines: what decorates them."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.knowledge.runtime import AWAITABLE_CACHED_PROPERTY
from migrate_async.knowledge.shim import PACKAGE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME, ColourEdits
from migrate_async.plan.names import local_name


def cached_edits(found: ColourEdits, project: Project, decorator: s.Expr) -> None:
    """`@cached_property`, which would keep a coroutine, becomes one that keeps its value."""
    module = project.scope_of(decorator).module
    code = local_name(module, PACKAGE, AWAITABLE_CACHED_PROPERTY)
    if code is None:
        code = AWAITABLE_CACHED_PROPERTY
        found.imports.append(p.ImportChange(NAME, PACKAGE, code))
    found.edits.append(p.ReplaceExpression(span=decorator.span, codemod=NAME, code=code))
    found.unneeded.append(s.dotted_name(decorator).partition(".")[0])
