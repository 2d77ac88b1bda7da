"""What keeps sync originals beside their async twins at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at

BLOCKED = "MA450"

Uses: TypeAlias = Sequence[tuple[Function, s.AnyNode]]
"""Where something is used, each with the function around it."""


def sync_originals(project: Project) -> Iterator[Diagnostic]:
    """A message for each use of a sync original, or for itself if nothing uses it.

    What other originals use goes with them.
    """
    originals = dict.fromkeys([*project.originals.twins, *project.originals.torn])
    uses = {function: list(_uses(project, function)) for function in originals}
    needed = _needed(uses)
    for function, users in uses.items():
        for user, node in users:
            if user not in originals:
                yield _message(
                    user,
                    node,
                    f"still uses {function.name}, the sync original of an async twin",
                    "migrate this code (`migrate-async plan` tells what keeps it sync)",
                )
        if function not in needed and function.node is not None:
            yield _message(
                function,
                function.node,
                f"{function.name} is still there beside its async twin",
                "run `migrate-async migrate --all --write`: the twin takes its name",
            )


def _needed(uses: Mapping[Function, Uses]) -> set[Function]:
    """The originals that other code uses, also through other originals."""
    found: set[Function] = set()
    while True:
        before = len(found)
        for function, users in uses.items():
            if any(user not in uses or user in found for user, _ in users):
                found.add(function)
        if len(found) == before:
            return found


def _uses(project: Project, function: Function) -> Iterator[tuple[Function, s.AnyNode]]:
    for site in project.callers(function):
        yield site.function, site.node
    for use in project.value_uses(function):
        yield use.function, use.node


def _message(function: Function, node: s.AnyNode, text: str, advice: str) -> Diagnostic:
    assert isinstance(node, s.Node)  # noqa: S101  calls and definitions are
    return at(function.module.path, node.span, BLOCKED, text, advice)
