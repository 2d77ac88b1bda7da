"""How much attention a plan asks for."""

from __future__ import annotations

from collections import Counter

import msgspec

from migrate_async.model.diagnostic import Severity
from migrate_async.model.plan import Plan, Verdict
from migrate_async.plan.both_worlds.refusals import CANNOT_STAY


def with_risk(plan: Plan) -> Plan:
    """`plan` with its risk and what makes it so."""
    risk, reason = _risk(plan)
    return msgspec.structs.replace(plan, risk=risk, risk_reason=reason)


def _risk(plan: Plan) -> tuple[str, str]:
    refused = sum(found.code == CANNOT_STAY for found in plan.diagnostics)
    if refused:
        lost = f"{_counted(refused, 'function')} would lose the session"
        return "high", f"{lost}: `--write` refuses, see MA202"
    verdicts = Counter(decision.verdict for decision in plan.functions)
    if verdicts[Verdict.BRIDGE.value]:
        return "medium", f"{_counted(verdicts[Verdict.BRIDGE.value], 'function')} run in bridges"
    if verdicts[Verdict.TWIN.value]:
        return "medium", f"{_counted(verdicts[Verdict.TWIN.value], 'function')} stay twice"
    warnings = sum(found.severity == Severity.WARNING.value for found in plan.diagnostics)
    if warnings:
        return "medium", f"{_counted(warnings, 'message')} to read"
    return "low", "everything is converted"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
