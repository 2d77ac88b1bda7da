"""Examples of rules: texts whose comments say where the findings are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from migrate_async.cli.lint_fix import MAX_ROUNDS
from migrate_async.lint.engine import check
from migrate_async.lint.fixes import make_plan
from migrate_async.lint.registry import rules
from migrate_async.lint.rule import Rule
from migrate_async.model.finding import Finding
from migrate_async.rewrite.engine import rewrite_text
from migrate_async.verify.rewritten import check as verify_check
from support.projects import project

_MARK = re.compile(r"  # error(?:: (?P<confidence>high|medium|low))?$")
_FILE = re.compile(r"^# file: (?P<path>\S+)$")
DEFAULT_FILE = "app/main.py"


def split_files(code: str) -> dict[str, str]:
    """The files of an example; text before the first `# file:` line is `app/main.py`."""
    files: dict[str, list[str]] = {}
    path = DEFAULT_FILE
    for line in code.splitlines():
        named = _FILE.match(line)
        if named:
            path = named["path"]
        files.setdefault(path, [])
        if not named:
            files[path].append(line)
    texts = {path: "\n".join(lines) + "\n" for path, lines in files.items()}
    return {path: text for path, text in texts.items() if text.strip()}


def expected(files: Mapping[str, str]) -> list[tuple[str, int, str]]:
    """`(path, line, confidence)` of each `# error` comment."""
    return sorted(
        (path, number, mark["confidence"] or "high")
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if (mark := _MARK.search(line))
    )


def without_marks(text: str) -> str:
    """`text` without its `# error` comments."""
    return "".join(f"{_MARK.sub('', line)}\n" for line in text.splitlines())


def findings(rule: type[Rule], code: str) -> tuple[Finding, ...]:
    """What `rule` finds in the files of `code`, after the others if it reads their findings."""
    chosen = {rule, *rules()} if rule.READS_FINDINGS else {rule}
    found = check(project(split_files(code)), sorted(chosen, key=lambda each: each.CODE))
    return tuple(finding for finding in found if finding.code == rule.CODE)


def fixed(rule: type[Rule], text: str) -> str:
    """`text`, a single file, after all rounds of fixes of what `rule` finds in it.

    The fixes go through the rewriting and its verification, which has to find nothing.
    """
    for _ in range(MAX_ROUNDS):
        made = make_plan(findings(rule, text), lambda _: "", unsafe=True)
        if not made.plan.files:
            return text
        (file,) = made.plan.files
        after = rewrite_text(file, text)
        assert verify_check(file, text, after) == ()
        text = after
    raise AssertionError(f"the fixes of {rule.name()} do not come to an end")
