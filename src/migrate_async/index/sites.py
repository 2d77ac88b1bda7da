"""Places that run, or hand on, a function."""

from __future__ import annotations

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.index.operations import Operation
from migrate_async.knowledge.shim import BRIDGES
from migrate_async.model import syntax as s

_INJECTING = frozenset({"arg:Depends", "arg:Security"})


class CallSite(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One place that runs code.

    `node` is a `Call` when `kind` is `call`, `dependency`, `bridge` (the call of a lambda's body,
    if the bridge runs a lambda) or `call_async` (see `index.bridges`); for `property` the
    attribute, for `implicit` the value that `for`, `with` or `[...]` works on.
    `resolved` is False when nothing is known about what is called.
    `heuristic`: known only because of a parameter's name.
    """

    node: s.Expr
    function: sc.Function
    scope: sc.Scope
    context: tuple[str, ...]
    awaited: bool
    targets: tuple[sc.Function, ...] = ()
    operation: Operation | None = None
    resolved: bool = True
    kind: str = "call"
    heuristic: bool = False

    @property
    def place(self) -> str:
        """`path:line`."""
        return f"{self.function.module.path}:{self.node.line}"


class ValueUse(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A function used as a value, not called.

    `kind`: `arg:<callee>` (an argument of that call), `decorator`, `base` (an attribute of the
    function is taken), `iter` or `value`.
    """

    node: s.Expr
    function: sc.Function
    scope: sc.Scope
    kind: str

    @property
    def is_injected(self) -> bool:
        """Whether FastAPI is told to call the function: `Depends(get_db)`, `Security(user)`."""
        return self.kind in _INJECTING

    @property
    def is_bridged(self) -> bool:
        """Whether a bridge is told to call the function: `run_in_threadpool(load, ...)`."""
        callee = self.kind.rpartition(".")[2].rpartition(":")[2]
        return self.kind.startswith("arg:") and callee in BRIDGES
