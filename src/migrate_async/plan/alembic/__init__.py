"""Alembic's `env.py` on an async engine: the plan of the codemod `alembic-env`.

The project's own options, its URL handling and the offline mode stay as they are: only the block
that connects becomes a function of its own, which an async connection runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.alembic.blocks import blocks_of
from migrate_async.plan.alembic.conversion import Conversion, NotUnderstood
from migrate_async.plan.alembic.environment import (
    environments,
    is_async_environment,
    runs_commands,
)
from migrate_async.plan.alembic.revisions import refused_statements
from migrate_async.plan.module_edits import ModuleEdits

NOT_UNDERSTOOD = "MA561"


class Alembic:
    """The environments of a project that are converted, and how.

    `becomes_async` says of an engine of the application that it is, or will be, async.
    """

    def __init__(self, project: Project, becomes_async: Callable[[Variable], bool]) -> None:
        self._project = project
        self._becomes_async = becomes_async

    def edits(self, *, asked: bool) -> Iterator[tuple[Module, ModuleEdits]]:
        """The edits of each environment: when `asked` of all, else of those that need it."""
        converts = False
        for module in environments(self._project):
            found = self._module(module, asked=asked)
            converts = converts or bool(found.edits)
            yield module, found
        if converts:
            yield from refused_statements(self._project)

    @cached_property
    def needed(self) -> frozenset[Function]:
        """Functions that connect on an engine which becomes async, and are understood."""
        return frozenset(
            function
            for module in environments(self._project)
            for function in self._connecting(module)
            if self._is_needed(function) and self._understood(function) is not None
        )

    def _connecting(self, module: Module) -> list[Function]:
        if is_async_environment(module):
            return []
        return [
            function
            for function in self._project.functions
            if function.module is module and blocks_of(function)
        ]

    def _module(self, module: Module, *, asked: bool) -> ModuleEdits:
        connecting = self._connecting(module)
        wanted = connecting if asked else [f for f in connecting if self._is_needed(f)]
        found = ModuleEdits()
        if asked and not wanted and not is_async_environment(module):
            refusal = NotUnderstood((1, 0, 1, 0), "no function opens a connection in it")
            found.diagnostics.append(_refused(module, refusal))
        for function in wanted:
            try:
                part = self._conversion(function).plan()
            except NotUnderstood as refusal:
                found.diagnostics.append(_refused(module, refusal))
                continue
            found.edits += part.edits
            found.imports += part.imports
            found.unneeded += part.unneeded
            found.diagnostics += part.diagnostics
        return found

    def _conversion(self, function: Function) -> Conversion:
        return Conversion(
            self._project, function, self._becomes_async, is_called=runs_commands(self._project)
        )

    def _is_needed(self, function: Function) -> bool:
        return self._conversion(function).uses_application_engine

    def _understood(self, function: Function) -> ModuleEdits | None:
        try:
            return self._conversion(function).plan()
        except NotUnderstood:
            return None


def _refused(module: Module, refusal: NotUnderstood) -> Diagnostic:
    return at(
        module.path,
        refusal.span,
        NOT_UNDERSTOOD,
        f"this Alembic environment is left as it is: {refusal.reason}",
        "convert it by hand after Alembic's async template, or leave it: it goes on working "
        "as long as the sync driver is installed",
    )
