"""Findings for people: what, where in the source, what it leads to, what to do.

Plain strings and not `rich`, which takes longer to import than a warm run takes in all.
"""

from __future__ import annotations

import functools
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping

from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.finding import Confidence, Finding
from migrate_async.model.lint import LintResult
from migrate_async.model.syntax import Span
from migrate_async.report.findings.excerpt import excerpt
from migrate_async.report.findings.report import Report, fix_option, place
from migrate_async.report.words import counted, visible
from migrate_async.source.lines import split_lines

_STYLES = {"bold": "1", "red": "31", "dim": "2", "cyan": "36", "green": "32", "yellow": "33"}


def render(report: Report) -> str:
    """Each finding with its source, then the messages, then the numbers."""
    return "".join(f"{line}\n" for line in _Text(report).lines())


class _Text:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._lines: dict[str, list[str]] = {}

    def lines(self) -> Iterator[str]:
        result = self._report.result
        for finding in result.findings:
            yield from self._finding(finding)
            yield ""
        for diagnostic in result.diagnostics:
            yield from self._diagnostic(diagnostic)
            yield ""
        yield from self._summary(result)

    def _finding(self, finding: Finding) -> Iterator[str]:
        sure = "" if finding.confidence == Confidence.HIGH.value else f" ({finding.confidence})"
        code = self._styled(finding.code, "bold", "red")
        yield from self._head(visible(place(finding)), code, f" {finding.rule}{sure}")
        yield from self._wrapped("  ", finding.message)
        yield from self._excerpt(finding.path, finding.span, "red")
        for related in finding.related:
            where = f"{related.path}:{related.span[0]}:{related.span[1] + 1}"
            yield from self._wrapped("  ", f"{where} {related.message}")
            yield from self._excerpt(related.path, related.span, "cyan")
        yield from self._wrapped("  if left: ", finding.consequence)
        yield from self._wrapped("  to do:   ", finding.remedy)
        option = fix_option(finding)
        if option and finding.fix:
            yield from self._wrapped("  ", f"`{option}` does it: {finding.fix.title}")

    def _head(self, where: str, code: str, name: str) -> Iterator[str]:
        """In one line or, where the path is long, in two."""
        fits = len(f"{where} MA000{name}") <= self._report.width
        yield self._styled(where, "bold") + (f" {code}{name}" if fits else "")
        if not fits:
            yield f"  {code}{name}"

    def _diagnostic(self, found: Diagnostic) -> Iterator[str]:
        where = f"{found.path}:{found.line}:{found.column + 1}" if found.line else found.path
        code = self._styled(f"{found.severity}[{found.code}]", "bold", "yellow")
        yield f"{self._styled(visible(where), 'bold')} {code}"
        yield from self._wrapped("  ", found.message)
        if found.next_step:
            yield from self._wrapped("  to do:   ", found.next_step)

    def _excerpt(self, path: str, span: Span, style: str) -> Iterator[str]:
        if path not in self._report.sources:
            return
        if path not in self._lines:
            self._lines[path] = split_lines(self._report.sources[path].text)
        for number, line in enumerate(excerpt(self._lines[path], span, self._report.width)):
            yield self._styled(line, style) if number else line

    def _wrapped(self, lead: str, text: str) -> Iterator[str]:
        """`text` after `lead`, continued below its own start."""
        yield from _wrapped(lead, text, max(self._report.width, len(lead) + 20))

    def _summary(self, result: LintResult) -> Iterator[str]:
        yield from self._changes(result)
        files = len({finding.path for finding in result.findings})
        if result.findings:
            found = counted(len(result.findings), "finding")
            yield self._styled(f"{found} in {counted(files, 'file')}", "bold") + _read(result)
        else:
            yield self._styled("No findings", "green") + _read(result)
        options = Counter(option for f in result.findings if (option := fix_option(f)))
        for option, number in sorted(options.items()):
            yield from self._wrapped("", f"{number} of them can be mended with `{option}`.")
        left_out = ", ".join(_left_out(result))
        if left_out:
            yield from self._wrapped("", f"Left out: {left_out}.")
        if result.files_unread:
            unread = counted(result.files_unread, "further file")
            reason = 'no database code reaches (`reach = "all"` in the settings reads everything)'
            yield from self._wrapped("", f"Not read: {unread} that {reason}.")

    def _changes(self, result: LintResult) -> Iterator[str]:
        if not result.changed:
            return
        verb = "Changed" if result.written else "Would change"
        settled = result.fixed or result.commented
        how = "mended" if result.fixed else "commented on"
        files = counted(len(result.changed), "file")
        yield from self._wrapped("", f"{verb} {files}: {counted(settled, 'finding')} {how}.")
        if result.written:
            yield "`migrate-async undo` puts the files back."

    def _styled(self, text: str, *styles: str) -> str:
        if not self._report.colour:
            return text
        return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"


@functools.lru_cache(maxsize=1_024)  # rules say much the same each time
def _wrapped(lead: str, text: str, width: int) -> tuple[str, ...]:
    lines = textwrap.wrap(
        visible(text),
        width,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return tuple(lines)


def _read(result: LintResult) -> str:
    return f", {counted(result.files_read, 'file')} read."


def _left_out(result: LintResult) -> Iterator[str]:
    reasons: Mapping[str, int] = {
        "suppressed by comments": result.suppressed,
        "in the baseline (`--no-baseline` shows them)": result.baselined,
        "less sure (`--strict` shows them)": result.hidden,
        "at lines that did not change": result.unchanged,
    }
    for reason, number in reasons.items():
        if number:
            yield f"{number} {reason}"
