"""What is said of code that could neither stay sync nor convert."""

from __future__ import annotations

from dataclasses import dataclass

from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.colouring.verdicts import Verdicts
from migrate_async.plan.text import text

CANNOT_STAY = "MA202"
"""A plan with this message is never written: the function would fail at its first query."""


@dataclass(frozen=True)
class Refusal:
    """`function` could not use the session that `holder`, mostly itself, would get by `node`."""

    function: Function
    node: s.Name | s.Attribute
    holder: Function
    opens: bool = False
    """Whether `holder` opens it by `node`."""
    takes_apart: bool = False
    """Whether `function` takes the connection of the driver out of it."""
    is_blocking: bool = False
    """Whether it is one on the sync driver, since an earlier run."""


class Refusals:
    """Explains them by the verdicts that led there."""

    def __init__(self, verdicts: Verdicts) -> None:
        self._verdicts = verdicts
        self.told: list[Refusal] = []

    def stays_apart(self, function: Function, node: s.Name | s.Attribute, holder: Function) -> None:
        """`function` goes on needing the session on the sync driver that `holder` has by `node`."""
        self.told.append(Refusal(function, node, holder, takes_apart=True, is_blocking=True))

    def cannot_stay(
        self,
        function: Function,
        node: s.Name | s.Attribute,
        holder: Function | None = None,
        *,
        opens: bool = False,
        takes_apart: bool = False,
    ) -> Diagnostic:
        """Kept code that has no way to a sync session; `holder` gives it one by `node`."""
        holder = holder or function
        self.told.append(Refusal(function, node, holder, opens, takes_apart))
        advice = (
            f"resolve what keeps it sync (`migrate-async plan --explain {function.qualname}`), or "
            "have it take a session of its own: from Depends(get_db), or from the factory"
        )
        if self._verdicts.full.converts(function):
            advice = f"select it too: --function {function.qualname}"
        return at(
            holder.module.path,
            node.span,
            CANNOT_STAY,
            f"{function.qualname} stays sync{self.why(function)}, "
            f"but {text(node)} will give an AsyncSession",
            advice,
        )

    def why(self, function: Function) -> str:
        """What keeps `function` sync, in brackets."""
        reason = self._verdicts.colouring.kept.get(function)
        return f" ({reason.text})" if reason is not None else ""
