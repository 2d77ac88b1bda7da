"""What gives one function its colour: a value that several planners fill."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic

NAME = "async-colour"


@dataclass
class ColourEdits:
    """Edits of one function, and how many awaits and bridges are among them."""

    edits: list[p.AnyEdit] = field(default_factory=list)
    imports: list[p.ImportChange] = field(default_factory=list)
    unneeded: list[str] = field(default_factory=list)
    awaits: int = 0
    bridges: int = 0
    lent: int = 0
    """How often the sync side of a session is handed to what stays sync."""
    sync_spans: list[s.Span] = field(default_factory=list)
    """Calls that run inside `run_sync`: lazy loads work there, and nothing can be awaited."""
    threads: int = 0
    """How many calls went back to a worker thread because they block."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
