"""What is planned for one module with models."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrate_async.index.scopes import Module
from migrate_async.index.types import External, ExternalInstance, Types, ordered
from migrate_async.plan.models.names import Namer
from migrate_async.plan.module_edits import ModuleEdits

NAME = "modern-models"


@dataclass
class Bench:
    """The edits of `module` so far, and what names types in it."""

    module: Module
    found: ModuleEdits = field(default_factory=ModuleEdits)
    namer: Namer = field(init=False)

    def __post_init__(self) -> None:
        self.namer = Namer(self.module, self.found, NAME)


def library_name(types: Types) -> str:
    """The dotted name of what a library's function or class is; empty for anything else."""
    for item in ordered(types):
        if isinstance(item, External | ExternalInstance):
            return item.dotted
    return ""
