"""What lets code that stays sync run beside code that has migrated.

A kept route or dependency takes the request's session through `get_sync_db`: the sync side of the
same `AsyncSession` (`migrate_async.HopSession`), so that both worlds share one transaction and one
identity map. Kept code that opens sessions itself gets a sync engine and factory of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from migrate_async.index.scopes import Class, Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.knowledge.sqlalchemy import SYNC_SESSION
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.aliases import annotation_aliases
from migrate_async.plan.both_worlds.anchors import Anchors
from migrate_async.plan.both_worlds.copied_decorators import CopiedDecorators
from migrate_async.plan.both_worlds.dependencies import Dependencies
from migrate_async.plan.both_worlds.fetched_sessions import FetchedSessions
from migrate_async.plan.both_worlds.idle_coroutines import IdleCoroutines
from migrate_async.plan.both_worlds.implicit import ImplicitIO, mark
from migrate_async.plan.both_worlds.inner_names import InnerNames
from migrate_async.plan.both_worlds.made_factories import MadeFactories
from migrate_async.plan.both_worlds.needs import Needs
from migrate_async.plan.both_worlds.offers import Offers
from migrate_async.plan.both_worlds.quoted_annotations import QuotedAnnotations
from migrate_async.plan.both_worlds.raw_access import RawAccess
from migrate_async.plan.both_worlds.refusals import Refusals
from migrate_async.plan.both_worlds.replacements import Replacements
from migrate_async.plan.both_worlds.retirement import Retirement
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.both_worlds.sync_sources import SyncSources
from migrate_async.plan.both_worlds.worlds import BothWorlds
from migrate_async.plan.colouring.factory_slots import FactorySlots
from migrate_async.plan.colouring.holders import injected
from migrate_async.plan.colouring.verdicts import Verdicts
from migrate_async.plan.engine_watchers import watched
from migrate_async.plan.engines import NAME
from migrate_async.plan.givers import Givers
from migrate_async.plan.lent import LentSessions
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.references import names_below, references, registrations
from migrate_async.plan.sessions.acquisitions import Acquisition, find_acquisitions


class Frontier:
    """Re-points kept functions, and knows what they need from then on."""

    def __init__(
        self,
        around: Surroundings,
        verdicts: Verdicts,
        becomes_async: Callable[[Variable], bool],
        idle: IdleCoroutines,
        borrows: Callable[[Function], bool],
    ) -> None:
        self._around = around
        self._project = around.project
        self._verdicts = verdicts
        self._becomes_async = becomes_async
        self._idle = idle
        self._lent = LentSessions(around.project, self._lends_async, becomes_async)
        self._lends = False
        self._repointed: dict[Function, ModuleEdits] = {}
        self._implicit = ImplicitIO(around.project, verdicts.colouring, borrows, self._lent)
        self._moved: list[tuple[str, s.Span, str, str]] = []
        self._refusals = Refusals(verdicts)
        self._made = MadeFactories(
            around.project, becomes_async, around.anchored, around.late_binds
        )
        self.givers = Givers(
            around.project,
            becomes_async,
            around.anchored,
            around.twins,
            lambda function: function in around.scopes and verdicts.colouring.converts(function),
        )
        self._dependencies = Dependencies(around, self._lent, self.givers, self._is_async)
        self.needs = Needs()
        self.offers = Offers(around, self.needs, self._dependencies, self.givers)
        self.retirement = Retirement(around, self._lent, self.needs, self._dependencies)
        worlds = BothWorlds(
            around,
            verdicts,
            becomes_async,
            self.givers,
            self._dependencies,
            self.needs,
            self.offers,
        )
        sources = SyncSources(worlds)
        self.inner = InnerNames(worlds)
        self._replacements = Replacements(worlds, sources, self.inner, self._refusals)
        self._fetched = FetchedSessions(worlds, self.inner, self._refusals)
        self._copied = CopiedDecorators(worlds)
        self._raw = RawAccess(worlds, sources, self._refusals)
        self._quoted = QuotedAnnotations(self._dependencies, around.twins, self.needs)

    @property
    def moved(self) -> tuple[tuple[str, s.Span, str, str], ...]:
        """Where code gets another side of a session, which side it had, and which it gets."""
        return (*self.retirement.moved, *self._moved)

    @property
    def lent_factories(self) -> Iterator[Variable]:
        """What functions make for themselves, to put its sessions where kept code finds them."""
        return self._lent.own_factories()

    @property
    def serves_kept(self) -> bool:
        """Whether something takes the sync side of the request's session, after this run."""
        is_taken = bool(self.needs.dependencies or self.needs.uncached)
        return is_taken or self._lends or self.retirement.leaves_some

    def anchors(self, functions: Iterable[Function]) -> Anchors:
        """Whose sessions have to stay sync, because some of `functions` could not go on."""
        for function in functions:
            self.repoint(function)
        found = Anchors(self._project, self._dependencies, self._lent, self._made, self.givers)
        for refusal in self._refusals.told:
            found.add(refusal, self._refusals.why(refusal.function))
        return found

    def repoint(self, function: Function) -> ModuleEdits:
        """Edits of one function (or module body) that stays sync."""
        if function not in self._repointed:
            self._repointed[function] = self._found_for(function)
        return self._repointed[function]

    def _found_for(self, function: Function) -> ModuleEdits:
        fetched = self._fetched_by(function)
        of_inner = map(self._fetched_by, self._inside(function))
        seen_to = itertools.chain(fetched, self._fetched_by_signature(function), *of_inner)
        names = [*self._names(function, seen_to)]
        found = self._replacements.edits(function, names)
        self._raw.repoint(found, function)
        self._quoted.repoint(found, function)
        self._lent_sessions(found, function)
        self.inner.rename_in(function)
        self._copied.repoint(found, function)
        replaced = {edit.span for edit in found.edits}
        for made in self._made.used_by(function, replaced):
            found.diagnostics.append(self._refusals.cannot_stay(function, made))
        if function.is_async and (function in self._implicit or self._takes(function, names)):
            found.take(self._on_the_loop(function))
        elif function.is_async and function in self._idle and self._is_bridged(function):
            found.take(self._idle.edits(function, self._refusals.why(function)))
        for given in fetched:
            self._fetched.repoint(found, function, given)
        return found

    def _fetched_by(self, function: Function) -> list[Acquisition]:
        """`next(get_db())` in `function`, which gets a session of its own for it.

        Not `next(generator)`: what makes the generator makes a sync one.
        """
        found = find_acquisitions(self._project, self._around.settings, function)
        return [item for item in found if item.kind == "scope" or item.giver is not None]

    def _fetched_by_signature(self, function: Function) -> list[Acquisition]:
        """`db=next(get_db())`, a default: the code around `function` gets it when it is defined."""
        has_calls = any(isinstance(param.default, s.Call) for param in function.params)
        return self._fetched_by(function.parent) if has_calls and function.parent else []

    def _inside(self, function: Function) -> Iterator[Function]:
        """The functions in `function`."""
        for inner in self._by_parent.get(function, ()):
            yield inner
            yield from self._inside(inner)

    @cached_property
    def _by_parent(self) -> dict[Function, list[Function]]:
        found: dict[Function, list[Function]] = {}
        for function in self._project.functions:
            if function.parent is not None and not function.parent.is_module:
                found.setdefault(function.parent, []).append(function)
        return found

    def _names(
        self, function: Function, fetched: Iterable[Acquisition]
    ) -> Iterator[s.Name | s.Attribute]:
        """Those that `function` uses, but for what other edits see to."""
        seen_to: set[s.AnyNode] = {node for given in fetched for node in s.walk(given.call)}
        for part in (*registrations(function), *watched(self._project, function)):
            seen_to.update(s.walk(part))
        for bind in self._around.late_binds.inside(function, self._becomes_async):
            seen_to.update(s.walk(bind.statement))
        for call, users in self._project.shared(FactorySlots).fillings(function):
            if any(map(self._verdicts.colouring.converts, users)):
                seen_to.update(s.walk(call))  # what is put there is theirs
        if function.is_module:
            seen_to.update(self._own_sources(function.module))
            for alias in annotation_aliases(function.module):
                seen_to.update(s.walk(alias.statement))  # a sync one stands beside it
        return (node for node in references(function) if node not in seen_to)

    def _is_bridged(self, function: Function) -> bool:
        """Whether a coroutine runs it in a thread, as if it were `def`."""
        converts = self._verdicts.colouring.converts
        return any(
            site.awaited and converts(site.function) for site in self._project.callers(function)
        )

    def _takes(self, function: Function, nodes: Iterable[s.Name | s.Attribute]) -> bool:
        """Whether FastAPI gives it a session that becomes async."""
        return any(
            self._dependencies.is_one(function, node)
            and not self._replacements.is_async_already(function, node)
            for node in nodes
        )

    def _own_sources(self, module: Module) -> Iterator[s.AnyNode]:
        """What makes the engines and factories of `module` that become async: those stay bound."""
        for source in (*self._project.session_factories, *self._project.engines):
            is_own = source.module is module and source.scope.kind == "module"
            if is_own and self._becomes_async(source):
                yield from s.walk(source.value)

    def _on_the_loop(self, function: Function) -> ModuleEdits:
        """How a coroutine works on the sync side of a session, which cannot wait there."""
        if function in self._idle:
            return self._idle.edits(function, self._refusals.why(function))
        if self._verdicts.only_lends(function) and not self._implicit.loads(function):
            return ModuleEdits()
        return mark(function, self._refusals.why(function))

    def repoint_statement(self, module: Module, statement: s.Stmt) -> ModuleEdits:
        """Edits of one statement at the top level of a module."""
        return self._replacements.edits(module.body, names_below(statement))

    def repoint_class(self, cls: Class) -> ModuleEdits:
        """Edits of a class-based view whose session stays sync: what FastAPI injects there."""
        nodes = [node for _, call in injected(cls) for node in names_below(call)]
        return self._replacements.edits(cls.module.body, nodes)

    def repoint_call(self, module: Module, call: s.Call) -> ModuleEdits:
        """Edits of a call that runs when the module is imported."""
        return self._replacements.edits(module.body, names_below(call))

    def repoint_arguments(self, function: Function, call: s.Call) -> ModuleEdits:
        """Edits of a call by which code makes an object that stays sync: factories it is given."""
        return self._replacements.edits(
            function, [node for value in call.values for node in names_below(value)]
        )

    def repoint_given(self, function: Function, given: Acquisition) -> ModuleEdits:
        """Edits of a session that a coroutine opens for what stays sync."""
        if not given.is_of_dependency:
            return self._replacements.edits(function, names_below(given.call))
        found = ModuleEdits()
        self._fetched.repoint(found, function, given)
        return found

    def _lent_sessions(self, found: ModuleEdits, function: Function) -> None:
        """Take the sync side of sessions that kept code finds in an object."""
        if self._dependencies.is_lender(function):
            return
        for node in self._lent.read_by(function):
            if not self._lent.has_sync_side(function, node):
                found.diagnostics.append(self._refusals.cannot_stay(function, node))
                return
            self._lends = True
            code = f"{{}}.{SYNC_SESSION}"
            old = s.dotted_name(node)
            self._moved.append((function.module.path, node.span, old, f"{old}.{SYNC_SESSION}"))
            found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))

    def _lends_async(self, function: Function) -> bool:
        return function not in self._around.anchored and self._is_async(function)

    def _is_async(self, function: Function) -> bool:
        return function.is_async or self._verdicts.colouring.converts(function)
