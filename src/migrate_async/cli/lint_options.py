"""The options of `migrate-async lint`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

FORMATS = ("text", "concise", "json", "json-lines", "sarif", "github", "gitlab", "junit")
"""Those of `report.findings`, named here so that `--help` need not import them."""


def _split(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """`MA6,MA801` and repeated options alike."""
    parts = (part.strip() for value in values for part in value.split(","))
    return tuple(part for part in parts if part)


def _rules(name: str, text: str) -> Callable[[Decorated], Decorated]:
    return click.option(name, multiple=True, callback=_split, metavar="RULES", help=text)


_OPTIONS = (
    _rules("--select", "Run these rules: codes, beginnings of codes, or names; by comma."),
    _rules("--extend-select", "Run these rules besides."),
    _rules("--ignore", "Do not run these rules."),
    click.option("--strict", is_flag=True, help="Show what is less sure or was not resolved."),
    click.option(
        "--all-files",
        is_flag=True,
        help='Read also the files that no database code reaches, as with `reach = "all"`.',
    ),
    click.option(
        "--since", metavar="REV", help="Report only what lines touch that changed since REV."
    ),
    click.option("--fix", is_flag=True, help="Mend what can be mended safely."),
    click.option(
        "--unsafe-fixes", is_flag=True, help="Mend also what may change the meaning: review it."
    ),
    click.option("--diff", is_flag=True, help="Print the fixes as a patch; write nothing."),
    click.option("--add-noqa", is_flag=True, help="Suppress what is found, by comments."),
    click.option("--reason", metavar="TEXT", help="What the comments say after the codes."),
    click.option(
        "--baseline",
        type=click.Path(dir_okay=False, path_type=Path, resolve_path=True),
        metavar="FILE",
        help="Report only what is not in FILE, and what of it is gone.",
    ),
    click.option(
        "--no-baseline",
        is_flag=True,
        help="Report what is in the baseline, too.",
    ),
    click.option(
        "--update-baseline",
        "ratchet",
        flag_value="update",
        help="Write what is found into the baseline.",
    ),
    click.option(
        "--prune-baseline", "ratchet", flag_value="prune", help="Take out what is gone, only."
    ),
    click.option(
        "--format",
        "output",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="What the report looks like.",
    ),
    click.option(
        "-o",
        "--output",
        "output_file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write the report to FILE.",
    ),
    click.option("--statistics", is_flag=True, help="Only the number of findings of each rule."),
    click.option(
        "--force-exclude", is_flag=True, help="Leave out excluded files even if they are named."
    ),
    click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found."),
    click.option(
        "--stdin-filename",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Look at FILE only, and take its text from stdin.",
    ),
    click.option("--explain", metavar="RULE", help="Only print what RULE is about."),
)


def lint_options(command: Decorated) -> Decorated:
    """All of them, as keyword arguments."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
