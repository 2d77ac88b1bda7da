"""Run rules over a project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from migrate_async.index.project import Project
from migrate_async.lint.rule import Rule
from migrate_async.lint.view import View
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.finding import Finding, order

RULE_FAILED = "MA907"


def check(
    project: Project, rules: Iterable[type[Rule]], selection: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """The findings of `rules` in the files under `selection` (none: everywhere), in order.

    Suppressions, baselines and confidence are not looked at here. Raises what a rule raises.
    """
    view = View(project, selection)
    found: list[Finding] = []
    for rule in in_order(rules):
        view.note(found, ran=rule.CODE)
        found.extend(rule().check(view))
    return tuple(sorted(found, key=order))


def check_all(
    project: Project, rules: Iterable[type[Rule]], selection: Sequence[str] = ()
) -> tuple[tuple[Finding, ...], tuple[Diagnostic, ...]]:
    """As `check`; a rule that raises is told of (`MA907`, a bug of ours) and the others go on."""
    view = View(project, selection)
    found: list[Finding] = []
    problems: list[Diagnostic] = []
    for rule in in_order(rules):
        view.note(found, ran=rule.CODE)
        outcome = _attempt(rule, view)
        found += _one_by_one(rule, view, problems) if isinstance(outcome, str) else outcome
    return tuple(sorted(found, key=order)), tuple(sorted(problems))


def in_order(rules: Iterable[type[Rule]]) -> list[type[Rule]]:
    """`rules`, those that read the findings of the others last."""
    return sorted(rules, key=lambda rule: rule.READS_FINDINGS)


def _one_by_one(rule: type[Rule], view: View, problems: list[Diagnostic]) -> list[Finding]:
    """What a rule that failed finds in each file alone; where it fails again becomes a message."""
    found: list[Finding] = []
    failed: dict[str, list[str]] = {}
    for module in view.modules:
        outcome = _attempt(rule, view.only(module))
        if isinstance(outcome, str):
            failed.setdefault(outcome, []).append(module.path)
        else:
            found.extend(outcome)
    problems.extend(_problem(rule, reason, paths) for reason, paths in failed.items())
    return found


def _attempt(rule: type[Rule], view: View) -> list[Finding] | str:
    """The findings, or what was raised."""
    try:
        return list(rule().check(view))
    except Exception as error:  # noqa: BLE001 - one rule must not stop the run, whatever our bug
        return f"{type(error).__name__}: {error}"


def _problem(rule: type[Rule], reason: str, paths: Sequence[str]) -> Diagnostic:
    further = f" (and in {len(paths) - 1} more files)" if len(paths) > 1 else ""
    return Diagnostic(
        path=paths[0],
        code=RULE_FAILED,
        message=f"the rule {rule.CODE} {rule.name()} failed here{further}: {reason}",
        next_step="the other rules went on; please report this as a bug of migrate-async",
        severity=Severity.ERROR.value,
    )
