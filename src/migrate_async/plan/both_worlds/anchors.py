"""Sources of sessions that stay sync, because some code has to that could not use an async one.

A coroutine that cannot convert works on the event loop, where no sync side of a session can wait;
a factory that a function makes has no sync one beside it; nobody knows how a session in an object
was made. Where such code stays sync, its source does, and with it whatever takes its sessions from
there: they share one session, or one engine. Everything else converts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.model.plan import Reason
from migrate_async.plan.both_worlds.blocking_sessions import BlockingSessions
from migrate_async.plan.both_worlds.dependencies import Dependencies
from migrate_async.plan.both_worlds.made_factories import MadeFactories
from migrate_async.plan.both_worlds.refusals import Refusal
from migrate_async.plan.both_worlds.unmoved import SOURCE_STAYS, takers_stay_sync
from migrate_async.plan.colouring.handovers import owner_of
from migrate_async.plan.colouring.reasons import at_definition
from migrate_async.plan.givers import Givers
from migrate_async.plan.lent import LentSessions
from migrate_async.plan.named_calls import may_name
from migrate_async.plan.text import text


class Anchors:
    """Collects the functions that stay sync with the source of their sessions."""

    def __init__(
        self,
        project: Project,
        dependencies: Dependencies,
        lent: LentSessions,
        made: MadeFactories,
        givers: Givers,
    ) -> None:
        self._project = project
        self._dependencies = dependencies
        self._lent = lent
        self._made = made
        self._givers = givers
        self._apart = BlockingSessions(project)
        self._sources: set[str] = set()
        self.blocking: dict[Function, Variable] = {}
        """Routes that stay sync on a session of their own, with the factory of it."""
        self.functions: dict[Function, Reason] = {}
        self.messages: list[Diagnostic] = []

    def add(self, refusal: Refusal, why: str) -> None:
        """Keep sync what shares the source of a session that `refusal` is about."""
        if refusal.opens:
            self._keep_opener(refusal)
            return
        if refusal.takes_apart and self._keep_apart(refusal):
            return
        source = text(refusal.node)
        if source in self._sources:
            return
        self._sources.add(source)
        sharers = dict.fromkeys(self._with_dependents(self._sharers(refusal)))
        for function in sharers:
            self.functions.setdefault(function, _reason(function, source, refusal.function))
        if sharers:
            self.messages.append(_message(refusal, source, why, len(sharers)))

    def _keep_opener(self, refusal: Refusal) -> None:
        """Keep sync what opens the session, on the sync factory."""
        opener, user = refusal.holder, refusal.function
        text = f"it opens the session that {user.qualname} works on, which needs a sync one"
        path, line = opener.module.path, refusal.node.line
        self.functions.setdefault(opener, Reason("source-stays", text, path, line, user.qualname))

    def _keep_apart(self, refusal: Refusal) -> bool:
        """Keep sync only who has a session that nobody shares, on the sync driver."""
        holder, user = refusal.holder, refusal.function
        factory = None if refusal.is_blocking else self._apart.factory(holder, refusal.node)
        if factory is not None:
            self.blocking[holder] = factory
        elif not refusal.is_blocking:
            return False
        text = f"it takes a session on the sync driver, which {user.qualname} needs"
        self.functions.setdefault(holder, at_definition(holder, "source-stays", text, user))
        return True

    def keep(self, dependency: Function, because: Reason) -> None:
        """Keep sync what FastAPI gives a session of `dependency`, which cannot convert."""
        self.functions.setdefault(dependency, because)
        takers = dict.fromkeys(self._with_dependents([dependency]))
        name = dependency.qualname
        for function in takers:
            text = f"its session comes from {name}, which stays sync"
            reason = at_definition(dependency, "source-stays", text, dependency)
            self.functions.setdefault(function, reason)
        if dependency.node is not None and len(takers) > 1:
            self.messages.append(
                at(
                    dependency.module.path,
                    dependency.node.span,
                    SOURCE_STAYS,
                    f"{name} stays sync: {because.text}; {takers_stay_sync(len(takers) - 1)}",
                    f"resolve that (`migrate-async plan --explain {name}`)",
                )
            )

    def keep_for_want_of_sessions(self, functions: Iterable[Function]) -> None:
        """Keep sync `functions` of an application all of whose sessions stay sync."""
        for function in functions:
            text = "all sessions of the application stay sync"
            self.functions.setdefault(function, at_definition(function, "source-stays", text))

    def _sharers(self, refusal: Refusal) -> Iterable[Function]:
        function, node = refusal.holder, refusal.node
        giver = self._givers.called(node)
        if giver is not None:
            givers = (giver, *self._others(node))
            return (
                *givers,
                *(site.function for one in givers for site in self._project.callers(one)),
            )
        dependencies = self._dependencies.meant(function, node)
        if dependencies:
            return dependencies
        if isinstance(node, s.Attribute) and any(
            node is read for read in self._lent.read_by(function)
        ):
            return self._lent.sharers(node.attr)
        return self._of_object(node) or self._made.sharers()

    def _others(self, node: s.Name | s.Attribute) -> Iterator[Function]:
        """The other functions that `node`, a parameter, may give out sessions by."""
        if isinstance(node, s.Name):
            for function in may_name(self._project, node):
                if self._givers.of(function) is not None:
                    yield function

    def _of_object(self, node: s.Name | s.Attribute) -> tuple[Function, ...]:
        """The methods of the object whose engine `node` is."""
        kind = self._project.engine_or_connection(node, self._project.scope_of(node))
        cls = owner_of(self._project, node) if isinstance(node, s.Attribute) else None
        if cls is None or kind != "engine":
            return ()
        order = self._project.mro(cls)
        members = (f for f in self._project.functions if f.cls in order)
        return tuple(function for function in members if function.name != "__init__")

    def _with_dependents(self, functions: Iterable[Function]) -> Iterator[Function]:
        """These, and whatever FastAPI gives a session of theirs, in an object or a dict perhaps."""
        seen: set[Function] = set()
        pending = list(functions)[::-1]
        while pending:
            function = pending.pop()
            if function in seen or function.module.is_test:
                continue
            seen.add(function)
            yield function
            pending += self._dependents(function)

    def _dependents(self, dependency: Function) -> Iterator[Function]:
        for site in self._project.callers(dependency):
            if site.kind == "dependency" and not site.function.is_module:
                yield site.function
        for use in self._project.value_uses(dependency):
            if use.is_injected and not use.function.is_module:
                yield use.function


def _reason(function: Function, source: str, cause: Function) -> Reason:
    text = f"its session comes from where {cause.qualname} gets {source}, which stays sync"
    return at_definition(function, "source-stays", text, cause)


def _message(refusal: Refusal, source: str, why: str, count: int) -> Diagnostic:
    function = refusal.function
    return at(
        function.module.path,
        refusal.node.span,
        SOURCE_STAYS,
        f"{function.qualname} stays sync{why} and could not share an async session: {source} goes "
        f"on giving a sync one, and the {count} functions that get theirs from there stay sync",
        f"resolve what keeps it sync (`migrate-async plan --explain {function.qualname}`), or give "
        "it a session of its own, from a factory at the top of a module",
    )
