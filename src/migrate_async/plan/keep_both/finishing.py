"""What keeps sync originals beside their async twins at the end."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at

BLOCKED = "MA450"


def sync_originals(project: Project) -> Iterator[Diagnostic]:
    """A message for each use of a sync original, or for itself if nothing uses it."""
    originals = project.originals
    for function in dict.fromkeys([*originals.twins, *originals.torn]):
        uses = [(user, node) for user, node in _uses(project, function) if user is not function]
        for user, node in uses:
            yield _message(
                user,
                node,
                f"still uses {function.name}, the sync original of an async twin",
                "migrate this code (`migrate-async plan` tells what keeps it sync)",
            )
        if not uses and function.node is not None:
            yield _message(
                function,
                function.node,
                f"{function.name} is still there beside its async twin",
                "run `migrate-async migrate --all --write`: the twin takes its name",
            )


def _uses(project: Project, function: Function) -> Iterator[tuple[Function, s.AnyNode]]:
    for site in project.callers(function):
        yield site.function, site.node
    for use in project.value_uses(function):
        yield use.function, use.node


def _message(function: Function, node: s.AnyNode, text: str, advice: str) -> Diagnostic:
    assert isinstance(node, s.Node)  # noqa: S101  calls and definitions are
    return at(function.module.path, node.span, BLOCKED, text, advice)
