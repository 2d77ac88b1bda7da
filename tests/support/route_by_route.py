"""Migrate an application route by route, in any order.

As a program it does so for a fixture application and runs the application's own tests and its
recorded requests after each step:

    python tests/support/route_by_route.py legacy_shop --seed 1 --every 1
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from migrate_async.cli import use_cases
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace, open_workspace
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.model.summary import Mode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.fixture_apps import FixtureApp, fixture_app
from support.http_sequence import legacy_answers, load_requests, replay
from support.migration import copy_of, own_tests, tree

Keep: TypeAlias = Literal["both", "async"]


def routes_of(folder: Path) -> list[str]:
    """`GET /users` and the like, sorted."""
    found = use_cases.scan_project(_workspace(folder), Progress()).routes
    return sorted({f"{method} {route.url}" for route in found for method in route.methods})


def migrate(
    folder: Path, selection: Selection, step: Step = Step.ALL, *, keep: Keep | None = None
) -> None:
    """`migrate --write` in this process; fails on a bug of ours."""
    workspace = _workspace(folder)
    done = use_cases.migrate(
        workspace.keeping(keep) if keep else workspace,
        step,
        Mode.WRITE,
        Progress(),
        selection,
        allow_dirty=True,
    )
    assert not done.summary.internal_errors, done.summary.diagnostics


def in_random_order(
    folder: Path, seed: int, step: Step = Step.ALL, *, keep: Keep | None = None
) -> Iterator[str]:
    """Migrate one route after the other, then the rest; yields after each step."""
    routes = routes_of(folder)
    random.Random(seed).shuffle(routes)  # noqa: S311  an order, no secret
    for route in routes:
        migrate(folder, Selection(routes=(route,)), step, keep=keep)
        yield route
    migrate(folder, EVERYTHING, step, keep=keep)
    yield "--all"


def complaints(app: FixtureApp, folder: Path) -> str:
    """What the application's tests and recorded requests say of the state in `folder`."""
    result = own_tests(folder)
    found = "" if result.returncode == 0 else result.stdout[-4000:]
    if app.requests is not None and app.app is not None:
        requests = load_requests(app.requests)
        before = legacy_answers(app.before, app.app, app.requests)
        after = replay(folder, requests, app=app.app)
        for request, old, new in zip(requests, before, after, strict=True):
            if new != old:
                found += f"\n{request['method']} {request['path']}: {old} became {new}"
    return found


def at_once(
    app: FixtureApp, folder: Path, step: Step = Step.ALL, *, keep: Keep | None = None
) -> dict[str, bytes]:
    """The files after one run for everything."""
    copy = copy_of(app.before, folder)
    if step is Step.ASYNC:
        migrate(copy, EVERYTHING, Step.QUERIES)
    migrate(copy, EVERYTHING, step, keep=keep)
    return tree(copy)


def _workspace(folder: Path) -> Workspace:
    return open_workspace([folder], jobs=1, cache=False)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("app")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="test after each N-th step; 0: never")
    parser.add_argument("--keep", choices=["both", "async"])
    parser.add_argument("--step", choices=["all", "async"], default="all")
    arguments = parser.parse_args()
    app, step = fixture_app(arguments.app), Step(arguments.step)
    folder = Path(tempfile.mkdtemp())
    wanted = at_once(app, folder / "at-once", step, keep=arguments.keep)
    copy = copy_of(app.before, folder / "in-steps")
    if step is Step.ASYNC:
        migrate(copy, EVERYTHING, Step.QUERIES)
    failures = number = 0
    steps = in_random_order(copy, arguments.seed, step, keep=arguments.keep)
    for number, name in enumerate(steps, start=1):
        found = ""
        if arguments.every and number % arguments.every == 0:
            found = complaints(app, copy)
        failures += bool(found)
        sys.stdout.write(f"{'FAIL' if found else 'ok'} {name} {found}\n")
    same = tree(copy) == wanted
    sys.stdout.write(
        f"{app.name} seed {arguments.seed}: {number} steps, {failures} failures, same: {same}\n"
    )
    shutil.rmtree(folder)
    return int(bool(failures) or not same)


if __name__ == "__main__":
    raise SystemExit(_main())
