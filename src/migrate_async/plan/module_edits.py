"""What one part of the plan does to one module: a value that many planners fill."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from migrate_async.index.scopes import Module
from migrate_async.model import plan as p
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.plan.names import import_path, local_name


@dataclass
class ModuleEdits:
    """What one part of the plan does to one module."""

    edits: list[p.AnyEdit] = field(default_factory=list)
    imports: list[p.ImportChange] = field(default_factory=list)
    unneeded: list[str] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Imported names that are not there any more: they go where nothing else changes, too."""
    moves_import: bool = False
    """Whether something that ran at import runs in the application's lifespan now."""

    def take(self, other: ModuleEdits) -> None:
        """Add what another part does to the same module."""
        self.edits += other.edits
        self.imports += other.imports
        self.unneeded += other.unneeded
        self.diagnostics += other.diagnostics
        self.gone += other.gone


def add_import(found: ModuleEdits, module: Module, source: str, name: str, codemod: str) -> str:
    """The local name of `source.name` in `module`, imported if it is not yet."""
    return add_change(found, module, p.ImportChange(codemod, source, name))


def add_change(found: ModuleEdits, module: Module, wanted: p.ImportChange) -> str:
    """As `add_import`, with the absolute module in `wanted`."""
    source, name = wanted.module, wanted.name
    if module.name == source:
        return name
    local = local_name(module, source, name)
    if local is not None:
        return local
    path = import_path(module, source)
    found.imports.append(msgspec.structs.replace(wanted, module=path))
    return name
