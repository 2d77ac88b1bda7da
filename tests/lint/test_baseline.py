"""Entries are told by what stays when lines move; what is gone is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.errors import UsageError
from migrate_async.lint import baseline
from migrate_async.lint.engine import check
from migrate_async.lint.fingerprint import Identity, identities
from migrate_async.lint.rules.legacy_query import LegacyQuery
from support.projects import project

TEXT = """\
from sqlalchemy.orm import Session


def f(db: Session):
    a = db.query(1)
    a = db.query(1)
    return a, db.query(2)


def g(db: Session):
    a = db.query(1)
"""


def named(text: str, path: str = "app/crud.py") -> list[Identity]:
    found = check(project({path: text}), [LegacyQuery])
    return identities(found, lambda _: text)


def test_an_identity_says_what_it_is_about() -> None:
    assert [(i.function, i.source, i.number) for i in named(TEXT)] == [
        ("app.crud.f", "a = db.query(1)", 1),
        ("app.crud.f", "a = db.query(1)", 2),
        ("app.crud.f", "return a, db.query(2)", 1),
        ("app.crud.g", "a = db.query(1)", 1),
    ]


def test_fingerprints_are_unique() -> None:
    prints = {identity.fingerprint for identity in named(TEXT)}
    assert len(prints) == 4
    assert {len(each) for each in prints} == {32}


@pytest.mark.parametrize(
    "moved",
    [
        "# a comment\n\n" + TEXT,
        TEXT.replace("def f", "x = 1\n\n\ndef f"),
        TEXT.replace("    a = db", "    a  =   db"),
        TEXT.replace("    a = db", "        a = db")
        .replace("):\n", "):\n    if 1:\n")
        .replace("    return", "        return"),
        TEXT.replace("\n", "\r\n"),
    ],
    ids=["comment", "statement", "blanks", "indentation", "line ends"],
)
def test_identities_survive(moved: str) -> None:
    assert named(moved) == named(TEXT)


def test_another_function_or_file_is_another_finding() -> None:
    ours = set(named(TEXT))
    assert len(ours & set(named(TEXT.replace("def g", "def h")))) == 3
    assert not ours & set(named(TEXT, "app/other.py"))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    entries = tuple(named(TEXT))
    file.write_bytes(baseline.encode(reversed(entries)))
    assert baseline.read(file) == tuple(sorted(entries))
    file.write_bytes(baseline.encode(()))
    assert baseline.read(file) == ()


def test_the_file_has_one_entry_a_line_whatever_the_order() -> None:
    entries = named(TEXT)
    data = baseline.encode(entries)
    assert data == baseline.encode(reversed([*entries, *entries]))
    assert len(data.splitlines()) == len(entries) + 2
    assert data.splitlines()[1].startswith(b'{"path":"app/crud.py","code":"MA801",')


def test_entries_that_nothing_matches_are_stale() -> None:
    """Of those alone whose files and rules were looked at."""
    entries = named(TEXT)
    found = entries[1:]
    assert baseline.stale(entries, found, lambda _: True) == (entries[0],)
    assert baseline.stale(entries, found, lambda entry: entry.function == "app.crud.g") == ()
    (message,) = baseline.diagnostics([entries[0]])
    assert (message.path, message.code, message.severity) == ("app/crud.py", "MA010", "error")
    assert "a = db.query(1)" in message.message


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "--update-baseline writes one"),
        (b"{", "is not a baseline"),
        (b'{"version": 1}', "is not a baseline"),
        (b'{"version": 9, "findings": []}', "has version 9"),
        (b"\xff", "is not a baseline"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, data: bytes | None, problem: str) -> None:
    file = tmp_path / "known.json"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(UsageError, match=problem) as caught:
        baseline.read(file)
    assert str(file) in str(caught.value)
