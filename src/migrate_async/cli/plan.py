"""`migrate-async plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from migrate_async.cli import use_cases
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.invocation import Invocation
from migrate_async.cli.loading import LoadedProject
from migrate_async.cli.options import (
    example,
    global_options,
    keep_options,
    pass_workspace,
    profile_option,
    selection_options,
    step_option,
)
from migrate_async.cli.workspace import Workspace
from migrate_async.errors import UsageError
from migrate_async.model.plan import Plan, Step

if TYPE_CHECKING:
    from migrate_async.model.selection import Selection
    from migrate_async.report.page import Page


@click.command(
    epilog=example(
        "migrate-async plan",
        "migrate-async plan app/api --step queries",
        "migrate-async plan --next 5",
        "migrate-async plan --explain CRUDUser.get",
        "migrate-async plan --format json > plan.json",
        "migrate-async plan --route '/users' --format dot | dot -Tsvg > plan.svg",
    )
)
@pass_workspace
@selection_options
@step_option
@profile_option
@keep_options
@click.option("--explain", metavar="FUNCTION", help="Only why FUNCTION is treated as it is.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "dot", "html"]),
    default="text",
    show_default=True,
    help="Text, JSON, the call graph for Graphviz, or one HTML page.",
)
@global_options
@click.pass_context
def plan(
    ctx: click.Context,
    *,
    workspace: Workspace,
    selection: Selection,
    step: str,
    explain: str | None,
    output: str,
) -> None:
    """Say what would be done, function by function, with the reasons.

    Exits with 1 when there is something to change or to report.
    """
    invocation = ctx.ensure_object(Invocation)
    is_drawn = explain is None and output in ("dot", "html")
    with invocation.progress() as progress:
        if is_drawn:
            made, loaded = use_cases.make_plan(workspace, Step(step), progress, selection)
        else:
            made = use_cases.show_plan(workspace, Step(step), progress, selection)
    if explain is not None:
        _explain(made, explain, invocation.page)
        return
    if output == "json":
        from migrate_async.report.json import plan_document

        invocation.write(plan_document(made) + "\n")
    elif is_drawn:
        invocation.write(_drawn(made, loaded, output, workspace))
    elif not invocation.quiet:
        from migrate_async.report.text import render_plan

        render_plan(made, invocation.page, verbose=invocation.verbose)
    pending = made.diagnostics or any(file.edits for file in made.files)
    ctx.exit(ExitCode.FINDINGS if pending else ExitCode.CLEAN)


def _drawn(made: Plan, loaded: LoadedProject, output: str, workspace: Workspace) -> str:
    from migrate_async.plan.graph import call_graph

    graph = call_graph(loaded.project, made)
    if output == "dot":
        from migrate_async.report.dot import dot_graph

        if made.step not in (Step.ASYNC.value, Step.ALL.value):
            raise UsageError("only the steps `async` and `all` have a call graph")
        return dot_graph(graph)
    from migrate_async.report.plan_page import plan_page

    return plan_page(made, graph, workspace.root.name)


def _explain(made: Plan, name: str, page: Page) -> None:
    from migrate_async.report.explain import find, nearest, render_explanation

    decisions = find(made, name)
    if not decisions:
        close = nearest(made, name)
        advice = f"; did you mean {', '.join(close)}?" if close else ""
        raise UsageError(f"the plan has no function `{name}`{advice}")
    for number, decision in enumerate(decisions):
        if number:
            page.blank()
        render_explanation(made, decision, page)
