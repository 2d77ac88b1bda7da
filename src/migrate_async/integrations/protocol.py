"""Findings in the words of the Language Server Protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path
from pygls.workspace import PositionCodec

from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.finding import Finding, RelatedPlace
from migrate_async.model.syntax import Span
from migrate_async.report.findings.report import gravity
from migrate_async.source.lines import difference

SOURCE = "migrate-async"
_SEVERITIES = (
    types.DiagnosticSeverity.Error,
    types.DiagnosticSeverity.Warning,
    types.DiagnosticSeverity.Information,
)


class Places:
    """Our spans as ranges of the client, which may count UTF-16 units; `lines` is the text."""

    def __init__(self, lines: Sequence[str], codec: PositionCodec) -> None:
        self._lines = list(lines) or [""]
        self._codec = codec

    def range(self, span: Span) -> types.Range:
        start = self._position(span[0], span[1])
        return types.Range(start=start, end=self._position(span[2], span[3]))

    def _position(self, line: int, column: int) -> types.Position:
        row = min(max(line - 1, 0), len(self._lines) - 1)
        length = len(self._lines[row].rstrip("\r\n"))
        here = types.Position(line=row, character=min(max(column, 0), length))
        return self._codec.position_to_client_units(self._lines, here)


def diagnostic(found: Finding, places: Places, root: Path) -> types.Diagnostic:
    """A finding as an editor shows it."""
    return types.Diagnostic(
        range=places.range(found.span),
        severity=_SEVERITIES[gravity(found)],
        code=found.code,
        source=SOURCE,
        message=f"{found.message}\nIf left: {found.consequence}\nTo do: {found.remedy}",
        related_information=[_related(place, places, found, root) for place in found.related],
        data={"fingerprint": found.fingerprint},
    )


def problem(found: Diagnostic, places: Places) -> types.Diagnostic:
    """A message about a file."""
    line = max(found.line, 1)
    return types.Diagnostic(
        range=places.range((line, found.column, line, found.column + 1)),
        severity=_SEVERITIES[gravity(found)],
        code=found.code,
        source=SOURCE,
        message=f"{found.message}\nTo do: {found.next_step}",
    )


def _related(
    place: RelatedPlace, places: Places, found: Finding, root: Path
) -> types.DiagnosticRelatedInformation:
    """Columns in other files are given in characters: their text is not at hand."""
    line, column, end_line, end_column = place.span
    start = types.Position(line=line - 1, character=column)
    end = types.Position(line=end_line - 1, character=end_column)
    is_here = place.path == found.path
    where = places.range(place.span) if is_here else types.Range(start=start, end=end)
    uri = from_fs_path(str(root / place.path)) or ""
    return types.DiagnosticRelatedInformation(
        location=types.Location(uri=uri, range=where), message=place.message
    )


def text_edit(before: Sequence[str], after: Sequence[str]) -> types.TextEdit:
    """One edit that makes the lines `before` into `after`, without those equal at both ends."""
    change = difference(before, after)
    start = types.Position(line=change.first, character=0)
    end = types.Position(line=change.end, character=0)
    new = "".join(change.lines)
    return types.TextEdit(range=types.Range(start=start, end=end), new_text=new)
