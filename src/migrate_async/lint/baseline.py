"""The findings that are known: a ratchet, which only ever gets shorter.

    {"version": 1, "findings": [
    {"path":"app/crud.py","code":"MA801","function":"app.crud.get","source":"return db.query(X)"},
    ...
    ]}

One entry a line, sorted, so that two branches merge like any text. What is new is reported, what
is gone is an error: otherwise the next finding of that kind would slip in under an old entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from migrate_async.errors import UsageError
from migrate_async.lint.fingerprint import Identity
from migrate_async.model.diagnostic import Diagnostic, Severity

VERSION = 1
STALE = "MA010"

_COMMAND = "`migrate-async lint --prune-baseline`"


class Baseline(msgspec.Struct, frozen=True):
    """A baseline file."""

    version: int
    findings: tuple[Identity, ...]


def read(file: Path) -> tuple[Identity, ...]:
    """The entries of `file`. Raises `UsageError` when it is missing or is no baseline."""
    try:
        baseline = msgspec.json.decode(file.read_bytes(), type=Baseline)
    except OSError as error:
        raise UsageError(
            f"cannot read the baseline {file}: {error.strerror or error}; "
            "--update-baseline writes one"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not a baseline: {error}") from None
    if baseline.version != VERSION:
        raise UsageError(f"{file} has version {baseline.version}; this program reads {VERSION}")
    return baseline.findings


def encode(entries: Iterable[Identity]) -> bytes:
    """The content of a file with `entries`."""
    lines = [msgspec.json.encode(entry) for entry in sorted(set(entries))]
    body = b"\n" + b",\n".join(lines) + b"\n" if lines else b""
    return b'{"version": %d, "findings": [%b]}\n' % (VERSION, body)


def stale(
    entries: Iterable[Identity], found: Iterable[Identity], looked_at: Callable[[Identity], bool]
) -> tuple[Identity, ...]:
    """The entries that no finding has, of those that were `looked_at`, sorted."""
    present = set(found)
    return tuple(sorted(e for e in set(entries) if e not in present and looked_at(e)))


def diagnostics(entries: Sequence[Identity]) -> tuple[Diagnostic, ...]:
    """A message for each stale entry."""
    return tuple(
        Diagnostic(
            path=entry.path,
            code=STALE,
            message=f"the baseline has {entry.code} at `{entry.source}`, which is gone",
            next_step=f"{_COMMAND} takes it out, so that it cannot come back unseen",
            severity=Severity.ERROR.value,
        )
        for entry in entries
    )
