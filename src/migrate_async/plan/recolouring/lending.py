"""The sync side of a session for what stays sync, where no bridge goes: `anote(db.sync_session)`.

A coroutine that stays sync is awaited as before; a function that is handed on with its session,
`tasks.add_task(note, db)`, is called by something else. Where no factory makes the sessions, each
is told that it has to work in threads: `anote(sync_side(db))`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import SYNC_SIDE
from migrate_async.knowledge.sqlalchemy import SYNC_SESSION
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME, ColourEdits
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.handed_sessions import HandedSessions
from migrate_async.plan.names import is_sync_side


class Lending:
    """Plans what converted functions lend."""

    def __init__(
        self,
        project: Project,
        colouring: Colouring,
        handed: HandedSessions,
        becomes_def: Callable[[Function], bool],
        *,
        hops: bool,
    ) -> None:
        self._project = project
        self._colouring = colouring
        self._handed = handed
        self._becomes_def = becomes_def
        self._hops = hops

    def loses_async(self, target: Function) -> bool:
        """Whether `target` is a coroutine that stays sync and becomes a `def`."""
        return target in self._colouring.kept and self._becomes_def(target)

    def is_sync_coroutine(self, target: Function) -> bool:
        """Whether `target` is a coroutine that goes on using a sync session."""
        return target.is_async and target in self._colouring.kept and not self._becomes_def(target)

    def is_kept_by_object(self, site: CallSite) -> bool:
        """Whether an object may keep a session that nobody has told to work in its threads."""
        return not self._hops and any(target.name == "__init__" for target in site.targets)

    def call(self, found: ColourEdits, site: CallSite) -> None:
        """Give a coroutine that stays sync, or an object, the sync side of what it is given."""
        if isinstance(site.node, s.Call):
            keywords = (keyword.value for keyword in site.node.keywords)
            self._lend(found, (*site.node.args, *keywords), site.scope)

    def hand_on(self, found: ColourEdits, function: Function) -> None:
        """The same for functions that stay sync and that `function` hands on."""
        for place in self._handed.by(function):
            if place.guest in self._colouring.kept:
                self._lend(found, place.values, self._project.scope_of(place.node))

    def _lend(self, found: ColourEdits, values: Iterable[s.Expr], scope: Scope) -> None:
        for value in values:
            is_sync = self._project.session_kind(value, scope) == "sync"
            if not is_sync or is_sync_side(value, self._project):
                continue
            code = f"{{}}.{SYNC_SESSION}" if self._hops else f"{SYNC_SIDE}({{}})"
            edit = p.ReplaceExpression(span=value.span, codemod=NAME, code=code)
            if edit not in found.edits:
                if not self._hops:
                    found.imports.append(p.ImportChange(NAME, "migrate_async", SYNC_SIDE))
                found.edits.append(edit)
                found.lent += 1
