"""The last step: remove what `migrate` left for code that stays sync, when nothing uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.engines import NAME
from migrate_async.plan.factory_statements import HOPS
from migrate_async.plan.keep_both.finishing import sync_originals
from migrate_async.plan.leftovers.scaffold import Use, find_uses, hops, implicit_uses, sync_sides
from migrate_async.plan.leftovers.twins import Twins
from migrate_async.plan.session_factories import SYNC_CLASS

STEP = "finish"
BLOCKED = "MA450"


def plan_finish(project: Project, digests: Mapping[str, str]) -> p.Plan:
    """The removal of all of it; without edits, and with messages, while something uses one.

    `digests` maps each path to the SHA-256 of its bytes.
    """
    twins = Twins(project)
    uses = {_blocked(use) for use in _uses(project, twins)}
    blocked = sorted(uses | set(sync_originals(project)))
    if blocked:
        return p.Plan(step=STEP, diagnostics=tuple(blocked), counts={"in-the-way": len(blocked)})
    edits: dict[str, list[p.AnyEdit]] = {}
    unneeded: dict[str, set[str]] = {}
    for twin in twins:
        path = twin.module.path
        for definition in twin.definitions:
            edits.setdefault(path, []).append(_removal(definition))
            unneeded.setdefault(path, set()).update(_names(definition))
    for module, hop in hops(project):
        edits.setdefault(module.path, []).append(_without(hop))
        unneeded.setdefault(module.path, set()).update(HOPS)
    for path, names in _importers(project, twins):
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
    return p.Plan(step=STEP, files=tuple(files), counts={"pieces": sum(1 for _ in twins)})


def _uses(project: Project, twins: Twins) -> Iterator[Use]:
    yield from find_uses(project, twins)
    yield from implicit_uses(project)
    if any(hops(project)):
        yield from sync_sides(project, twins)


def _blocked(use: Use) -> Diagnostic:
    """A use that has to go first."""
    return at(
        use.module.path,
        use.node.span,
        BLOCKED,
        f"still uses {use.name}, which is for code that stays sync",
        "migrate this code (`migrate-async plan` tells what keeps it sync), or remove the use",
    )


def _removal(statement: s.Stmt) -> p.ReplaceStatement:
    return p.ReplaceStatement(span=statement.span, codemod=NAME)


def _without(hop: s.Call | s.Stmt) -> p.AnyEdit:
    if isinstance(hop, s.Call):
        return p.RemoveArgument(span=hop.span, codemod=NAME, name=SYNC_CLASS)
    return _removal(hop)


def _names(statement: s.Stmt) -> set[str]:
    """Names whose import the statement may have been the last to need."""
    return {node.id for node in s.walk(statement) if isinstance(node, s.Name)}


def _importers(project: Project, twins: Twins) -> Iterator[tuple[str, frozenset[str]]]:
    """Modules that import a twin, and what they call it."""
    names = {twin.sync_name for twin in twins}
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
