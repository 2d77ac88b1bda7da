"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from migrate_async.cli.invocation import Invocation

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Note a global option, given before or after the command's name."""
    invocation = ctx.ensure_object(Invocation)
    if value and param.name:
        setattr(invocation, param.name, value)


def _global(*names: str, **attributes: Any) -> Decorator[Any]:
    return click.option(*names, expose_value=False, callback=_remember, default=None, **attributes)


_GLOBAL = (
    _global("-q", "--quiet", is_flag=True, help="Print only what was asked for: a patch, JSON."),
    _global("-v", "--verbose", is_flag=True, help="List everything, with all reasons."),
    _global("--no-color", is_flag=True, help="No colour, as with NO_COLOR set."),
    _global(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Read [tool.migrate-async] from FILE instead of pyproject.toml.",
    ),
)

_paths_argument = click.argument(
    "paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATHS]..."
)

format_option = click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people or JSON for programs.",
)

step_option = click.option(
    "--step",
    type=click.Choice(["queries", "async", "all", "models", "alembic", "tests"]),
    default="all",
    show_default=True,
    help="queries: 2.0-style statements, still sync; async: colour and sessions; all: both; "
    "models: Mapped[] and mapped_column; alembic: env.py on an async engine; "
    "tests: an async client instead of TestClient.",
)

_ALL_HELP = "Everything under PATHS, or in the project: the default, said explicitly."


def _how_many(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int]:
    """From `5` or `10%` to a number of routes and a percentage, of which one is 0 at least."""
    if value is None:
        return (0, 0)
    number, is_part = value.removesuffix("%"), value.endswith("%")
    if not (number.isascii() and number.isdigit()) or int(number) < 1:
        raise click.BadParameter(
            f"{value!r} is no number of routes such as 5, and no part such as 10%"
        )
    if is_part and int(number) > 100:
        raise click.BadParameter(f"{value} is more than all routes")
    return (0, int(number)) if is_part else (int(number), 0)


_SELECTING = (
    click.option(
        "--route",
        "routes",
        multiple=True,
        metavar="ROUTE",
        help='One route, "GET /users/{id}", or a path with all its methods. May be repeated.',
    ),
    click.option(
        "--router",
        "routers",
        multiple=True,
        metavar="NAME",
        help="All routes of a router: its dotted name, its module or a prefix. May be repeated.",
    ),
    click.option(
        "--module",
        "modules",
        multiple=True,
        metavar="NAME",
        help="All functions of a module and its submodules. May be repeated.",
    ),
    click.option(
        "--function",
        "functions",
        multiple=True,
        metavar="NAME",
        help="One function, by its qualified name or the end of it. May be repeated.",
    ),
    click.option(
        "--next",
        "next_routes",
        callback=_how_many,
        metavar="N[%]",
        help="The N routes that take the fewest changes, of those that are still sync; with "
        "10%, as many as are that part of all routes.",
    ),
    click.option("--all", "everything", is_flag=True, help=_ALL_HELP),
)

all_option = click.option("--all", is_flag=True, expose_value=False, help=_ALL_HELP)

_jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Processes to work with; by default one per processor where that pays.",
)
_cache_option = click.option(
    "--no-cache", is_flag=True, help="Neither read nor write the cache of facts."
)


_executor_option = click.option(
    "--executor",
    type=click.Choice(["processes", "dask"]),
    default="processes",
    show_default=True,
    help="Who parses and rewrites: processes of this machine, or a Dask cluster.",
)
_scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    default="",
    help="The Dask scheduler, such as tcp://host:8786; by default Dask's own configuration.",
)


shard_option = click.option(
    "--shard",
    metavar="I/N",
    default="",
    help="Report only part I of N of the files; all parts together are the whole.",
)
"""`--shard I/N`; goes inside `pass_workspace`, which takes it."""

profile_option = click.option(
    "--profile",
    metavar="FILE",
    default="",
    help="Heed the lazy loads in FILE, which `record` wrote.",
)
"""`--profile FILE`; goes inside `pass_workspace`, which takes it."""

_keep_both_option = click.option(
    "--keep-both",
    "keep",
    flag_value="both",
    default=None,
    help="Give helpers that sync code calls, too, an async twin instead of a bridge.",
)
_keep_async_option = click.option(
    "--keep-async",
    "keep",
    flag_value="async",
    help="Convert helpers that sync code calls, too; there call_async() runs them.",
)


def keep_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--keep-both` and `--keep-async`; goes inside `pass_workspace`, which takes them."""
    return _keep_both_option(_keep_async_option(command))


def mode_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--diff`, `--check` or `--write`, which arrive as one argument `mode`; what these allow."""

    @functools.wraps(command)
    def with_mode(*args: Any, diff: bool, check: bool, write: bool, **options: Any) -> Any:
        given = [
            name
            for name, is_given in (("diff", diff), ("check", check), ("write", write))
            if is_given
        ]
        if len(given) > 1:
            named = " and ".join(f"--{name}" for name in given)
            raise click.UsageError(f"{named} exclude each other: nothing was done")
        return command(*args, mode=given[0] if given else None, **options)

    choosing: Callable[..., Any] = with_mode
    for option in (
        click.option(
            "--allow-unsound", is_flag=True, help="Write what `verify` would find errors in, too."
        ),
        click.option(
            "--allow-dirty", is_flag=True, help="Write files that have uncommitted changes, too."
        ),
        click.option("--write", is_flag=True, help="Write the changes, all or none."),
        click.option("--check", is_flag=True, help="Only say what would change; the default."),
        click.option("--diff", is_flag=True, help="Print one patch, as `git apply` takes it."),
    ):
        choosing = option(choosing)
    return choosing


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--route`, `--router`, ... `--all`, which arrive as one argument `selection`."""

    @functools.wraps(command)
    def with_selection(
        *args: Any,
        routes: tuple[str, ...],
        routers: tuple[str, ...],
        modules: tuple[str, ...],
        functions: tuple[str, ...],
        next_routes: tuple[int, int],
        everything: bool,
        **options: Any,
    ) -> Any:
        from migrate_async.model.selection import Selection

        selection = Selection((), routes, routers, modules, functions, *next_routes)
        if everything and selection.is_by_name:
            raise click.UsageError("--all leaves nothing to select")
        return command(*args, selection=selection, **options)

    selecting: Callable[..., Any] = with_selection
    for option in reversed(_SELECTING):
        selecting = option(selecting)
    return selecting


def global_options(command: Decorated) -> Decorated:
    """`--quiet`, `--verbose`, `--no-color` and `--config`, for the group and for each command."""
    for option in reversed(_GLOBAL):
        command = option(command)
    return command


def pass_workspace(command: Callable[..., Any]) -> Callable[..., Any]:
    """`PATHS`, `--jobs`, `--executor`, `--no-cache`, which arrive as one argument `workspace`."""

    @functools.wraps(command)
    def with_workspace(
        *args: Any,
        paths: tuple[Path, ...],
        jobs: int | None,
        no_cache: bool,
        executor: str,
        scheduler: str,
        shard: str = "",
        profile: str = "",
        keep: Literal["both", "async"] | None = None,
        **options: Any,
    ) -> Any:
        from migrate_async.cli.workspace import open_workspace
        from migrate_async.source.executors import opened
        from migrate_async.source.shards import WHOLE, parse_shard

        ctx = click.get_current_context()
        workspace = open_workspace(
            paths,
            config_file=ctx.ensure_object(Invocation).config,
            jobs=ctx.with_resource(opened(executor, jobs or 0, scheduler)),
            cache=not no_cache,
            shard=parse_shard(shard) if shard else WHOLE,
        )
        if profile:
            workspace = workspace.with_profile(Path(profile))
        if keep:
            workspace = workspace.keeping(keep)
        return command(*args, workspace=workspace, **options)

    shared = (_paths_argument, _jobs_option, _executor_option, _scheduler_option, _cache_option)
    for option in reversed(shared):
        with_workspace = option(with_workspace)
    return with_workspace


def example(*lines: str) -> str:
    """The epilog of a command: example calls, one a line (click would join the lines)."""
    return "\n".join(["Examples:", "", "\b", *(f"  {line}" for line in lines)])
