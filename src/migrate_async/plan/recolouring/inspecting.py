"""The edits that ask an inspector on the sync side of an async connection."""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index.project import Project
from migrate_async.index.sites import CallSite
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME, ColourEdits
from migrate_async.plan.colouring.inspections import Inspection, inspection
from migrate_async.plan.names import free_name
from migrate_async.plan.text import text


def inspection_edits(
    found: ColourEdits, project: Project, site: CallSite, written: Callable[[s.Expr], str]
) -> None:
    """Add those of the inspector made at `site`; `written` says what an engine is called."""
    asked = inspection(project, site)
    if asked is None:
        return
    side = free_name(site.function, "sync_conn")
    if asked.statement is None:
        _ask(found, asked, side, s.dotted_name(asked.bind))
        return
    connection = free_name(site.function, "connection")
    header = f"async with {written(asked.bind)}.connect() as {connection}:"
    span = asked.statement.span
    if not asked.tested:
        _ask(found, asked, side, connection)
        found.edits.append(p.WrapStatements(span=span, codemod=NAME, until=span, header=header))
        return
    answer = free_name(site.function, asked.method.attr.removeprefix("get_"))
    question = text(_with_side(asked, side))
    code = f"{header}\n    {answer} = await {connection}.run_sync(lambda {side}: {question})"
    found.edits += [
        p.InsertStatements(span=span, codemod=NAME, code=code),
        p.ReplaceExpression(span=asked.question.span, codemod=NAME, code=answer),
    ]


def _ask(found: ColourEdits, asked: Inspection, side: str, connection: str) -> None:
    """`inspect(engine).f()` as `await connection.run_sync(lambda side: inspect(side).f())`."""
    span = asked.question.span
    code = f"{connection}.run_sync(lambda {side}: {{}})"
    found.edits += [
        p.ReplaceExpression(span=asked.bind.span, codemod=NAME, code=side),
        p.ReplaceExpression(span=span, codemod=NAME, code=code),
        p.AwaitCall(span=span, codemod=NAME),
    ]


def _with_side(asked: Inspection, side: str) -> s.Call:
    """The question, put to the inspector of `side`."""
    inspector = s.Call(
        *asked.inspector.span, asked.inspector.func, (s.Name(*asked.bind.span, side),), ()
    )
    method = s.Attribute(*asked.method.span, inspector, asked.method.attr)
    return s.Call(*asked.question.span, method, asked.question.args, asked.question.keywords)
