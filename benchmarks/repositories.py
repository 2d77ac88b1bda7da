"""What the plan for all routes of a repository costs, and how much of it is known.

    python -m benchmarks.repositories path/to/dispatch path/to/fides path/to/mealie

Each repository is planned in a process of its own, without a cache.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from migrate_async.cli import use_cases
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import open_workspace
from migrate_async.index.project import Project
from migrate_async.model.plan import Plan, Step
from migrate_async.plan.colouring.open_ends import OPEN_END

_ROWS = (
    *("files", "lines", "seconds", "MB", "routes", "calls", "resolved %", "coloured"),
    *("converted", "bridged", "kept", "bridges", "threads", "messages"),
    *("passing, unresolved", "per 100,000 lines", "reported", "written"),
)


def main() -> None:
    """Print a table with a column for each repository."""
    options = _arguments()
    if options.one:
        print(json.dumps(_figures(options.repository[0])))
        return
    columns = []
    for repository in options.repository:
        command = [sys.executable, "-m", "benchmarks.repositories", "--one", str(repository)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        columns.append((repository.name, json.loads(done.stdout)))
    print(f"{'':22}" + "".join(f"{name:>14}" for name, _ in columns))
    for row in _ROWS:
        print(f"{row:22}" + "".join(f"{figures[row]!s:>14}" for _, figures in columns))


def _figures(repository: Path) -> dict[str, float | str]:
    workspace = open_workspace([repository], jobs=1, cache=False)
    started = time.perf_counter()
    plan, loaded = use_cases.make_plan(workspace, Step.ALL, Progress())
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = sum(source.text.count("\n") for source in loaded.sources.values())
    return {
        "files": len(loaded.sources),
        "lines": lines,
        "seconds": round(seconds, 1),
        "MB": peak // (1024 * 1024 if sys.platform == "darwin" else 1024),
        **_planned(plan),
        **_resolved(loaded.project, plan, lines),
    }


def _planned(plan: Plan) -> dict[str, float | str]:
    verdicts = Counter(decision.verdict for decision in plan.functions)
    refused = sum(found.code == "MA202" for found in plan.diagnostics)
    return {
        "coloured": len(plan.functions),
        "converted": verdicts["convert"],
        "bridged": verdicts["bridge"],
        "kept": verdicts["keep"],
        "bridges": plan.counts.get("bridges", 0),
        "threads": plan.counts.get("threads", 0),
        "messages": len(plan.diagnostics),
        "written": f"no: {refused} MA202" if refused else "yes",
    }


def _resolved(project: Project, plan: Plan, lines: int) -> dict[str, float | str]:
    """Calls of the application (not of its tests) whose callee is known."""
    functions = [f for f in project.functions if not f.module.is_test]
    sites = [site for f in functions for site in project.calls(f) if site.kind == "call"]
    open_ends = [site for site in sites if not site.resolved and project.passes_session(site)]
    told = {(found.path, found.line) for found in plan.diagnostics if found.code == OPEN_END}
    places = [(site.function.module.path, site.node.line) for site in open_ends]
    reported = sum(place in told for place in places)
    return {
        "routes": len(project.routes),
        "calls": len(sites),
        "resolved %": round(100 * sum(site.resolved for site in sites) / max(1, len(sites)), 1),
        "passing, unresolved": len(open_ends),
        "per 100,000 lines": round(100_000 * len(open_ends) / max(1, lines), 1),
        "reported": f"{reported} of {len(open_ends)}",
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.repositories",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "repository", nargs="+", type=lambda text: Path(text).resolve(strict=True), metavar="PATH"
    )
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
