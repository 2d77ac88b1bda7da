"""Hold the static colouring of a project against what its own tests run.

    cd PROJECT && SQL_TRACE=trace.json PYTHONPATH=.../benchmarks python -m pytest -p sql_trace
    python -m benchmarks.ground_truth PROJECT trace.json

Recall: of the functions that were on the stack while SQL ran, how many are coloured. Precision: of
the coloured functions that the tests ran, how many were. Functions that are coloured because they
share a session with code that stays sync, and run no SQL, do not count; one whose decorator runs
something in its place ran SQL if that did. Colour stops at what can never be async (a property,
`__init__`, a task); `beyond boundaries` counts as if it did not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from migrate_async.cli import loading
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import open_workspace
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.alembic.environment import is_revision
from migrate_async.plan.colouring.spreading import running_sql
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.queries import plan_queries

Place = tuple[str, int, str]


def main() -> None:
    """Print both figures, and what was missed."""
    options = _arguments()
    workspace = open_workspace([options.project], cache=True)
    project = loading.load_project(workspace, Progress()).project
    trace = json.loads(options.trace.read_text("utf-8"))
    functions = _functions(project)
    ran, on_stack = (_known(functions, trace[name]) for name in ("ran", "on_stack"))
    queries = plan_queries(project, project.settings, awaited=lambda _function: False)
    reasons = running_sql(project, Touches(project, queries))
    coloured = set(reasons)
    on_stack |= _replaced(reasons, on_stack) & ran
    beyond = _beyond(project, coloured)
    print(f"functions that ran: {len(ran)}, on the stack while SQL ran: {len(on_stack)}")
    for name, found in (("coloured", coloured), ("beyond boundaries", beyond)):
        print(f"{name:18} recall {_share(on_stack & found, on_stack)}", end=", ")
        print(f"precision {_share(on_stack & found & ran, found & ran)}")
    _list("missed", on_stack - beyond)
    _list("coloured for nothing", (beyond & ran) - on_stack)


def _functions(project: Project) -> dict[Place, Function]:
    """The functions of the application, by where their code object says that they start.

    Neither its tests nor its database migrations count, which Alembic runs.
    """
    found = {}
    for function in project.functions:
        node = function.node
        outside = function.module.is_test or is_revision(function.module)
        if isinstance(node, s.FunctionDef) and not outside:
            lines = [node.line, *(decorator.line for decorator in node.decorators)]
            found[function.module.path, min(lines), node.name] = function
    return found


def _known(functions: dict[Place, Function], places: Iterable[list[str | int]]) -> set[Function]:
    """Comprehensions, lambdas and modules are no functions of their own here."""
    found = (functions.get((str(path), int(line), str(name))) for path, line, name in places)
    return {function for function in found if function is not None}


def _replaced(reasons: Mapping[Function, Reason], on_stack: set[Function]) -> set[Function]:
    """What is called by the name of these: their decorator, which ran SQL, is what runs."""
    names = {function.qualname for function in on_stack}
    return {
        function
        for function, reason in reasons.items()
        if reason.code == "wrapped" and reason.because_of in names
    }


def _beyond(project: Project, start: set[Function]) -> set[Function]:
    """Whatever calls something coloured, across every boundary."""
    found = set(start)
    pending = list(start)
    while pending:
        for site in project.callers(pending.pop()):
            if site.kind != "dependency" and site.function not in found:
                found.add(site.function)
                pending.append(site.function)
    return {function for function in found if isinstance(function.node, s.FunctionDef)}


def _share(part: set[Function], whole: set[Function]) -> str:
    return f"{len(part)} of {len(whole)} ({100 * len(part) / max(1, len(whole)):.1f}%)"


def _list(title: str, functions: set[Function]) -> None:
    place: Callable[[Function], tuple[str, str]] = lambda fn: (fn.module.path, fn.qualname)  # noqa: E731
    print(f"{title}: {len(functions)}")
    for function in sorted(functions, key=place):
        print(f"  {function.qualname}  {function.boundary or ''}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ground_truth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("project", type=lambda text: Path(text).resolve(strict=True))
    parser.add_argument("trace", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
