"""From a linked project to findings: the one way that the command line, editors and hooks take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import pathspec

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.lint.engine import check_all
from migrate_async.lint.rule import Rule
from migrate_async.lint.selection import check_key, chosen, matches
from migrate_async.lint.suppression import split
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.finding import Confidence, Finding


class Outcome(msgspec.Struct, frozen=True):
    """What the rules say, in order.

    `findings` are those that neither a comment nor `per-file-ignores` takes away, whatever their
    confidence; `suppressed` counts those that a comment takes away; `diagnostics` tells of rules
    that failed.
    """

    findings: tuple[Finding, ...] = ()
    suppressed: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()


def run(
    project: Project,
    settings: Settings,
    rules: Sequence[type[Rule]],
    selection: Sequence[str] = (),
) -> Outcome:
    """The findings of `rules` in the files under `selection`; none: everywhere.

    Depends on nothing else, so that equal arguments give an equal outcome. Raises `UsageError`
    when `per-file-ignores` names what is no rule.
    """
    ignored = _ignored_files(settings.lint.per_file_ignores, rules)
    found, problems = check_all(project, rules, selection)
    parts = split(found, project.modules.values())
    kept = tuple(f for f in parts.kept if not _is_ignored(f, ignored))
    return Outcome(kept, len(parts.suppressed), problems)


def debt(project: Project, settings: Settings, selection: Sequence[str] = ()) -> dict[str, int]:
    """How many sure findings each code has, of the rules that the settings choose."""
    rules = [rule for rule in chosen(settings.lint) if rule.BEST is Confidence.HIGH]
    found = run(project, settings, rules, selection).findings
    sure = (finding.code for finding in found if finding.confidence == Confidence.HIGH.value)
    return dict(sorted(Counter(sure).items()))


def _ignored_files(
    table: Mapping[str, Sequence[str]], rules: Iterable[type[Rule]]
) -> list[tuple[pathspec.GitIgnoreSpec, frozenset[str]]]:
    """The patterns of files, each with the codes that are left out there."""
    known = list(rules)
    result = []
    for pattern, keys in table.items():
        for key in keys:
            check_key(key)
        codes = frozenset(rule.CODE for rule in known if any(matches(key, rule) for key in keys))
        result.append((pathspec.GitIgnoreSpec.from_lines([pattern]), codes))
    return result


def _is_ignored(
    finding: Finding, ignored: Sequence[tuple[pathspec.GitIgnoreSpec, frozenset[str]]]
) -> bool:
    return any(finding.code in codes and spec.match_file(finding.path) for spec, codes in ignored)
