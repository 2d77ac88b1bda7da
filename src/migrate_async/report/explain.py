"""Why a function is converted, bridged or kept: the chain of reasons, link by link."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from migrate_async.model.plan import FunctionDecision, Plan, Reason
from migrate_async.report.page import Page


def find(plan: Plan, name: str) -> list[FunctionDecision]:
    """The decisions about `name`: a qualified name, or the end of one (`CRUDUser.get`)."""
    told = (*plan.functions, *plan.others)
    exact = [found for found in told if found.function == name]
    return exact or [found for found in told if found.function.endswith("." + name)]


def nearest(plan: Plan, name: str) -> list[str]:
    """Qualified names that resemble `name`, the best first."""
    names = {found.function: found.function.rsplit(".", 1)[-1] for found in plan.functions}
    last = name.rsplit(".", 1)[-1]
    close = difflib.get_close_matches(last, names.values(), n=3)
    return [full for full, short in names.items() if short in close]


def chain(plan: Plan, decision: FunctionDecision) -> Iterator[Reason]:
    """The reasons of `decision`, then those of the function that the last one leads on to.

    Ends where a reason leads nowhere, or to a function that was named before.
    """
    by_name = {found.function: found for found in (*plan.others, *plan.functions)}
    seen = {decision.function}
    current: FunctionDecision | None = decision
    while current is not None:
        yield from current.reasons
        onward = next((r.because_of for r in current.reasons if r.because_of), "")
        current = by_name.get(onward) if onward not in seen else None
        seen.add(onward)


def render_explanation(plan: Plan, decision: FunctionDecision, page: Page) -> None:
    """One function's verdict and, below it, each link of the chain."""
    route = f" ({decision.route})" if decision.route else ""
    page.line((decision.function, "bold"), f"{route}: {decision.verdict}")
    page.line((f"{decision.path}:{decision.line}", "dim"), indent=2)
    seen: set[Reason] = set()
    for reason in chain(plan, decision):
        if reason in seen:
            continue
        seen.add(reason)
        place = f"  {reason.path}:{reason.line}" if reason.path else ""
        page.line("because ", reason.text, (place, "dim"), indent=2)
