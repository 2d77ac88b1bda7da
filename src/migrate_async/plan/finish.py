"""The last step: remove what `migrate` left for code that stays sync, when nothing uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.model.syntax import Span
from migrate_async.plan.database import NAME
from migrate_async.plan.scaffold import (
    HOP_ARGUMENT,
    Piece,
    Use,
    find_pieces,
    find_uses,
    hop_factories,
    sync_sides,
)

STEP = "finish"
BLOCKED = "MA450"


def plan_finish(project: Project, digests: Mapping[str, str]) -> p.Plan:
    """The removal of all pieces; without edits, and with messages, while something uses one.

    `digests` maps each path to the SHA-256 of its bytes.
    """
    pieces = find_pieces(project)
    blocked = sorted({_blocked(use) for use in _uses(project, pieces)})
    if blocked:
        return p.Plan(step=STEP, diagnostics=tuple(blocked), counts={"in-the-way": len(blocked)})
    edits: dict[str, list[p.AnyEdit]] = {}
    unneeded: dict[str, set[str]] = {}
    for piece in pieces:
        path = piece.module.path
        edits.setdefault(path, []).append(_removal(piece.statement.span))
        unneeded.setdefault(path, set()).update(_names(piece.statement))
    for module, call in hop_factories(project):
        edit = p.RemoveArgument(span=call.span, codemod=NAME, name=HOP_ARGUMENT)
        edits.setdefault(module.path, []).append(edit)
        unneeded.setdefault(module.path, set()).add("HopSession")
    for path, names in _importers(project, pieces):
        edits.setdefault(path, [])
        unneeded.setdefault(path, set()).update(names)
    files = (
        p.FilePlan(
            path=path,
            digest=digests.get(path, ""),
            edits=tuple(sorted(edits[path], key=lambda edit: edit.span)),
            unneeded=tuple(sorted(unneeded[path])),
        )
        for path in sorted(edits)
    )
    return p.Plan(step=STEP, files=tuple(files), counts={"pieces": len(pieces)})


def _uses(project: Project, pieces: tuple[Piece, ...]) -> Iterator[Use]:
    yield from find_uses(project, pieces)
    if any(hop_factories(project)):
        yield from sync_sides(project, pieces)


def _blocked(use: Use) -> Diagnostic:
    """A use that has to go first."""
    return at(
        use.module.path,
        use.node.span,
        BLOCKED,
        f"still uses {use.name}, which is for code that stays sync",
        "migrate this code (`migrate-async plan` tells what keeps it sync), or remove the use",
    )


def _removal(span: Span) -> p.ReplaceStatement:
    return p.ReplaceStatement(span=span, codemod=NAME)


def _names(statement: s.Stmt) -> set[str]:
    """Names whose import the statement may have been the last to need."""
    return {node.id for node in s.walk(statement) if isinstance(node, s.Name)}


def _importers(project: Project, pieces: tuple[Piece, ...]) -> Iterator[tuple[str, frozenset[str]]]:
    """Modules that import a piece, and what they call it."""
    names = {piece.name for piece in pieces}
    for module in project.modules.values():
        found = frozenset(
            alias.asname or alias.name
            for statement in module.syntax.body
            if isinstance(statement, s.ImportFrom)
            for alias in statement.names
            if alias.name in names
        )
        if found:
            yield module.path, found
