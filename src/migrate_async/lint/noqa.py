"""Write `# noqa: CODE reason` beside findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from migrate_async.lint.comments import codes_end
from migrate_async.lint.places import header_lines, lines_of
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding
from migrate_async.source.lines import split_lines


def with_comments(
    text: str, module: s.ModuleSyntax, findings: Iterable[Finding], reason: str = ""
) -> str:
    """`text`, which `module` is the syntax of, with a comment for each of `findings`.

    A finding without a line whose end can take a comment (all end inside of strings, or in a
    backslash) gets none.
    """
    lines = split_lines(text)
    blocked = _inside_strings(module)
    codes: dict[int, list[str]] = {}
    for finding in findings:
        line = _line_for(finding, module, lines, blocked)
        if line is not None and finding.code not in codes.setdefault(line, []):
            codes[line].append(finding.code)
    comments = {comment.line: comment for comment in module.suppressions}
    for line, wanted in codes.items():
        lines[line - 1] = _commented(lines[line - 1], wanted, comments.get(line), reason)
    return "".join(lines)


def _line_for(
    finding: Finding, module: s.ModuleSyntax, lines: Sequence[str], blocked: frozenset[int]
) -> int | None:
    """The last line of the statement; of a block the last line of what is found in its header."""
    own = lines_of(module, finding.span)
    header = header_lines(module, finding.span)
    is_block = header.stop - 1 < finding.span[2]
    candidates = (own.start, own.stop - 1) if is_block else (header.stop - 1, own.stop - 1)
    for line in (*candidates, own.start, header.start):
        if 0 < line <= len(lines) and line not in blocked and _takes_comment(lines[line - 1]):
            return line
    return None


def _takes_comment(line: str) -> bool:
    body = line.rstrip("\r\n")
    return bool(body.strip()) and not body.endswith("\\")


def _commented(line: str, codes: Sequence[str], comment: s.Comment | None, reason: str) -> str:
    body = line.rstrip("\r\n")
    end = line[len(body) :]
    at = None if comment is None else codes_end(comment.text)
    if comment is not None and at is not None:
        known = comment.text[:at].upper()
        added = "".join(f", {code}" for code in codes if code not in known)
        place = comment.col + at
        return body[:place] + added + body[place:] + end
    tail = f" {reason}" if reason else ""
    return f"{body.rstrip()}  # noqa: {', '.join(codes)}{tail}{end}"


def _inside_strings(module: s.ModuleSyntax) -> frozenset[int]:
    """The lines whose end is, or may be, inside of a string."""
    return frozenset(
        line
        for statement in module.body
        for node in s.walk(statement)
        if _is_text(node)
        for line in _all_but_last(node)
    )


def _is_text(node: s.AnyNode) -> bool:
    if isinstance(node, s.Constant):
        return node.kind in {"str", "bytes"}
    return isinstance(node, s.Operation) and node.operator in _STRINGS


_STRINGS = frozenset({"f-string", "TemplateStr"})


def _all_but_last(node: s.AnyNode) -> Iterator[int]:
    if isinstance(node, s.Node):
        yield from range(node.line, node.end_line)
