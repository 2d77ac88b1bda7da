"""Which lines a finding is at, and which of them a comment about it may stand on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_async.model import syntax as s
from migrate_async.model.syntax import Span

_BLOCKS = ("body", "orelse", "finalbody")


def lines_of(module: s.ModuleSyntax, span: Span) -> range:
    """The lines of `span`; of a block (`def`, `with`, ...) only those of its header."""
    header = header_lines(module, span)
    first, last = max(span[0], header.start), min(span[2], header.stop - 1)
    return range(first, max(first, last) + 1)


def comment_lines(module: s.ModuleSyntax, span: Span) -> frozenset[int]:
    """Where a comment speaks about what is at `span`.

    On its lines, and on the first and the last line of the statement around it; of a block the
    header counts, from the first decorator to the line before the body.
    """
    header = header_lines(module, span)
    return frozenset((header.start, header.stop - 1, *lines_of(module, span)))


def header_lines(module: s.ModuleSyntax, span: Span) -> range:
    """The lines of the innermost statement that `span` starts in, without the block below it."""
    statement = _innermost(module.body, span[:2])
    if statement is None:
        return range(span[0], span[2] + 1)
    first = _first_line(statement)
    nested = min((_first_line(inner) for inner in _nested(statement)), default=0)
    last = max(statement.line, nested - 1) if nested else statement.end_line
    return range(first, last + 1)


def _innermost(body: Sequence[s.Stmt], position: tuple[int, int]) -> s.Stmt | None:
    found: s.Stmt | None = None
    statements = list(body)
    while statements:
        around = next((item for item in statements if _holds(item, position)), None)
        if around is None:
            break
        found, statements = around, list(_nested(around))
    return found


def _holds(statement: s.Stmt, position: tuple[int, int]) -> bool:
    start = (_first_line(statement), 0) if _decorators(statement) else statement.span[:2]
    return start <= position < statement.span[2:]


def _nested(statement: s.Stmt) -> Iterator[s.Stmt]:
    for name in _BLOCKS:
        yield from getattr(statement, name, ())
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield from part.body


def _first_line(statement: s.Stmt) -> int:
    return min([statement.line, *(decorator.line for decorator in _decorators(statement))])


def _decorators(statement: s.Stmt) -> tuple[s.Expr, ...]:
    decorators: tuple[s.Expr, ...] = getattr(statement, "decorators", ())
    return decorators
