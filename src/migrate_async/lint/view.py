"""What rules look at: the linked project, the part of it to report on, and shared analyses.

An analysis that several rules read is a class of its own file; `View.analysis` makes it once, when
the first of them asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import NamedTuple, TypeVar, cast

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, Scope
from migrate_async.index.sessions import SessionKind, is_heuristic
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding
from migrate_async.plan.paths import is_under

Made = TypeVar("Made")


class SessionValue(NamedTuple):
    """`by_name`: nothing but the name of an unannotated parameter says so."""

    kind: SessionKind
    by_name: bool


class View:
    """The project through the eyes of a rule."""

    def __init__(self, project: Project, selection: Sequence[str] = ()) -> None:
        self.project = project
        self._selection = tuple(selection)
        self.found: tuple[Finding, ...] = ()
        """What the rules before this one found; complete for rules with `READS_FINDINGS`."""
        self.ran: frozenset[str] = frozenset()
        """The codes of the rules that ran before, and of this one."""
        self._made: dict[Callable[[View], object], object] = {}

    def analysis(self, kind: Callable[[View], Made]) -> Made:
        """What `kind`, a class or a function, makes of this project; made once.

        It may ask for other analyses, and must not depend on the selection: views of parts of one
        project share what was made. A rule with an analysis of its own touches no other file.
        """
        if kind not in self._made:
            self._made[kind] = kind(self)
        return cast("Made", self._made[kind])

    def note(self, found: Iterable[Finding], ran: str) -> None:
        """The engine's notes before the rule `ran` looks."""
        self.found = tuple(found)
        self.ran |= {ran}

    def only(self, module: Module) -> View:
        """The same view of one module alone, with the analyses that were made already."""
        view = type(self)(self.project, [module.path])
        view.found, view.ran, view._made = self.found, self.ran, self._made
        return view

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The functions to report on, module bodies and lambdas included."""
        return tuple(fn for fn in self.project.functions if self.is_selected(fn))

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """The modules to report on."""
        modules = self.project.modules.values()
        return tuple(m for m in modules if is_under(m.path, self._selection))

    @cached_property
    def coroutines(self) -> tuple[Function, ...]:
        """The `async def` functions to report on."""
        return tuple(fn for fn in self.functions if fn.is_async)

    @cached_property
    def explicit_coroutines(self) -> tuple[Function, ...]:
        """Those of `coroutines` that no `@implicit_io` runs where sync calls await."""
        return tuple(fn for fn in self.coroutines if not fn.awaits_implicitly)

    @cached_property
    def strict_coroutines(self) -> tuple[Function, ...]:
        """Those of `explicit_coroutines` in which no `@lazy_response` lets a lazy load await."""
        return tuple(fn for fn in self.explicit_coroutines if not fn.responds_lazily)

    def is_selected(self, function: Function) -> bool:
        """Whether findings in `function` are wanted."""
        return is_under(function.module.path, self._selection)

    def session(self, expr: s.Expr, scope: Scope) -> SessionValue | None:
        """What kind of session the value of `expr` is; None when it is none, as far as known."""
        types = self.project.infer(expr, scope)
        kind = self.project.session_kind_of(types)
        return None if kind is None else SessionValue(kind, is_heuristic(types))
