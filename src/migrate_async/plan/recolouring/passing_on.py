"""Dependencies that pass on what another one gives: `yield from get_session()`.

No async generator can say that. A `for` loop would not hand an exception of the route on to
`get_session`, which is to roll back then, nor would it close that in time; a context manager does.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.sites import CallSite
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME, ColourEdits
from migrate_async.plan.colouring.generators import passed_on
from migrate_async.plan.names import free_name
from migrate_async.plan.text import text

_ENTERS = "asynccontextmanager"


def passing_on_edits(found: ColourEdits, project: Project, site: CallSite, node: s.Yield) -> None:
    """Enter what the call at `site` gives, and yield that."""
    call = passed_on(project, site.function, node)
    if call is None:
        return
    made = s.Call(*call.func.span, s.Name(*call.func.span, _ENTERS), (call.func,), ())
    entered = s.Call(*call.span, made, call.args, call.keywords)
    name = free_name(site.function, "db")
    code = f"async with {text(entered)} as {name}:\n    yield {name}"
    found.imports.append(p.ImportChange(NAME, "contextlib", _ENTERS))
    statement = project.statement_of(node)
    found.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME, code=code))
