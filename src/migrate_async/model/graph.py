"""Who calls whom among the functions that a plan decides about."""

from __future__ import annotations

import msgspec

from migrate_async.model.plan import FunctionDecision


class CallEdge(msgspec.Struct, frozen=True, order=True):
    """`caller` runs `callee` (indices into the nodes of the graph) at `line` of the caller's file.

    `kind` is `call`, `dependency` (FastAPI runs it), `property`, `implicit` (`with`, `for`) or
    `bridge` (through `run_sync`, or in a thread).
    """

    caller: int
    callee: int
    kind: str
    line: int = 0


class CallGraph(msgspec.Struct, frozen=True):
    """Functions with their verdicts, and the edges among them; both sorted, no edge twice."""

    nodes: tuple[FunctionDecision, ...] = ()
    edges: tuple[CallEdge, ...] = ()
