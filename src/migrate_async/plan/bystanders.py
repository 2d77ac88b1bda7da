"""Functions that reasons name and that take no part in the migration themselves.

Whoever reads a reason asks next why the function stays that it names. That may be a test of a suite
which stays on sync sessions, the top level of a module, or what an earlier run made for code that
stays sync.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model.plan import FunctionDecision, Reason, Verdict
from migrate_async.plan.colouring.reasons import at_definition
from migrate_async.plan.colouring.verdicts import Verdicts


def bystanders(
    project: Project, verdicts: Verdicts, decisions: Iterable[FunctionDecision]
) -> Iterator[FunctionDecision]:
    """Those that `decisions` name and do not tell of, with why they stay as they are."""
    decisions = list(decisions)
    told = {decision.function for decision in decisions}
    named = {reason.because_of for decision in decisions for reason in decision.reasons}
    missing = named - told - {""}
    known = _by_name(project, missing) if missing else {}
    for name in sorted(known):
        function = known[name]
        reasons = tuple(_reasons(verdicts, function))
        yield FunctionDecision(
            name, function.module.path, function.line, Verdict.KEEP.value, reasons
        )


def _by_name(project: Project, names: set[str]) -> Mapping[str, Function]:
    found: dict[str, Function] = {}
    for function in project.functions:
        if function.qualname in names:
            found.setdefault(function.qualname, function)
    return found


def _reasons(verdicts: Verdicts, function: Function) -> Iterator[Reason]:
    if function.is_module:
        text = f"Python runs it when {function.module.path} is imported, and awaits nothing"
        yield at_definition(function, "called-at-import", text)
    elif function.module.is_test:
        yield from verdicts.why_tests_stay
    elif verdicts.is_copy(function):
        yield at_definition(function, "sync-side", "it serves the code that stays sync")
    else:
        yield at_definition(function, "no-part", "nothing that it runs would have to be awaited")
