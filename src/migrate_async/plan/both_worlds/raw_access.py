"""What code that stays sync takes from a session, and no sync side of an async one has.

The connection of the driver, `db.connection().connection`, and the engine that a session or an
object is on.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.knowledge.shim import BLOCKING_ENGINE, PACKAGE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.needs import passing, sync_name
from migrate_async.plan.both_worlds.refusals import Refusals
from migrate_async.plan.both_worlds.session_roots import Root, SessionRoots
from migrate_async.plan.both_worlds.sync_sources import SyncSources
from migrate_async.plan.both_worlds.worlds import BothWorlds
from migrate_async.plan.colouring.dbapi import engine_of_session, session_of_raw
from migrate_async.plan.colouring.handovers import object_engines, opened_engines
from migrate_async.plan.engines import NAME
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.object_engines import ObjectEngines


class RawAccess:
    """Gives such code a sync engine of its own, or refuses it."""

    def __init__(self, worlds: BothWorlds, sources: SyncSources, refusals: Refusals) -> None:
        self._worlds = worlds
        self._project = worlds.project
        self._colouring = worlds.colouring
        self._dependencies = worlds.dependencies
        self._needs = worlds.needs
        self._sources = sources
        self._refusals = refusals
        self._roots = SessionRoots(worlds.project)
        self._engines = worlds.project.shared(ObjectEngines)

    def repoint(self, found: ModuleEdits, function: Function) -> None:
        """Add to `found` what becomes of it in `function`."""
        self._raw_connections(found, function)
        self._engines_of_sessions(found, function)
        self._engines_of_objects(found, function)

    def _raw_connections(self, found: ModuleEdits, function: Function) -> None:
        """No sync side has what the driver of an async session does not have."""
        session = session_of_raw(self._project, function)
        if session is not None:
            self._refuse(found, function, session)

    def _refuse(self, found: ModuleEdits, function: Function, session: s.Expr) -> None:
        """Say whose async session would be the one that `function` takes apart."""
        for root in self._roots.of(function, session):
            for node in self._blocking_parts(root):
                self._refusals.stays_apart(function, node, root.holder)
            for node in self._async_parts(root):
                refusal = self._refusals.cannot_stay(
                    function, node, root.holder, opens=root.opens, takes_apart=True
                )
                found.diagnostics.append(refusal)

    def _engines_of_sessions(self, found: ModuleEdits, function: Function) -> None:
        """`db.get_bind().raw_connection()`, beside the session's own, becomes a sync engine's."""
        engines = [engine for engine in self._sources.variables if engine.kind == "engine"]
        for site in self._project.calls(function):
            taken = engine_of_session(self._project, site)
            if taken is None:
                continue
            asked, session = taken
            if len(engines) != 1:
                self._refuse(found, function, session)
                continue
            engine, module = engines[0], function.module
            self._needs.variables[engine] = None
            name = passing(found, module, engine.module, sync_name(engine), engine.name)
            found.edits.append(p.ReplaceExpression(span=asked.span, codemod=NAME, code=name))

    def _async_parts(self, root: Root) -> tuple[s.Name | s.Attribute, ...]:
        """The names in `root` by which an async session is got."""
        if root.holder in self._worlds.around.blocking:
            return ()
        if root.opens:
            return root.nodes if self._colouring.converts(root.holder) else ()
        asked = [node for node in root.nodes if self._dependencies.is_one(root.holder, node)]
        return tuple(asked) or (() if root.is_clear else root.nodes)

    def _blocking_parts(self, root: Root) -> Iterator[s.Name | s.Attribute]:
        """The names in `root` by which an earlier run gave it a session on the sync driver."""
        twins = self._worlds.around.twins
        sides = {twins.functions[side] for side in twins.blocking}
        for node in root.nodes if sides else ():
            if twins.named(root.holder.module, node) in sides:
                yield node

    def _engines_of_objects(self, found: ModuleEdits, function: Function) -> None:
        """`blocking_engine(database.engine)` for code that needs a sync one, if that can be."""
        passed = filter(self._may_become_async, object_engines(self._project, function))
        opened = filter(self._becomes_async, opened_engines(self._project, function))
        is_source = False  # a suite stays as a whole
        if not function.module.is_test:  # others convert with it or stay
            is_source = any(self._project.sessions_given(function))
        for node in dict.fromkeys((*passed, *opened)):
            if is_source or not self._becomes_async(node) or not self._engines.can_block(node):
                found.diagnostics.append(self._refusals.cannot_stay(function, node))
                continue
            made = add_import(found, function.module, PACKAGE, BLOCKING_ENGINE, NAME)
            code = f"{made}({{}})"
            found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))

    def _may_become_async(self, node: s.Attribute) -> bool:
        """The same; where nobody knows what makes the engine, it may."""
        return not any(self._engines.of(node)) or self._becomes_async(node)

    def _becomes_async(self, node: s.Attribute) -> bool:
        """Whether the engine `node` of an object is one that becomes async."""
        return any(map(self._worlds.becomes_async, self._engines.of(node)))
