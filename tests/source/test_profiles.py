"""Profiles in files."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import msgspec
import pytest

from migrate_async.errors import UsageError
from migrate_async.model.profile import (
    Execution,
    LazyLoad,
    Place,
    Producer,
    Profile,
    RecordedTest,
)
from migrate_async.source.profiles import decode, encode, read_profile, schema

SCHEMA = Path(__file__).parents[2] / "docs" / "profile.schema.json"
LOADS = (
    LazyLoad(model="m.B", attribute="a", via="response", count=2, tests=("t",)),
    LazyLoad(
        model="m.A",
        attribute="bs",
        place=Place("a.py", 3, "a.f"),
        producer=Producer("query", Place("c.py", 1, "c.g"), "k", ("C.a",)),
    ),
)
TESTS = (
    RecordedTest("t", (Execution(statement="k", parameters=(("1", '"ä"'),), at="c.py:1"),)),
    RecordedTest("s", (), stable=False),
)
PROFILE = Profile(
    environments=("b", "a"), loads=LOADS, tests=TESTS, statements={"k": "SELECT ?", "j": "COMMIT"}
)
EMPTY = Profile()


@pytest.mark.parametrize("profile", [PROFILE, EMPTY])
def test_a_profile_comes_back_sorted(profile: Profile) -> None:
    back = decode(encode(profile))
    assert set(back.loads) == set(profile.loads)
    assert set(back.tests) == set(profile.tests)
    assert back.statements == profile.statements
    assert list(back.tests) == sorted(back.tests)
    assert encode(back) == encode(profile)


def test_the_order_of_parts_does_not_show() -> None:
    other = Profile(
        environments=("a", "b"),
        loads=LOADS[::-1],
        tests=TESTS[::-1],
        statements={"j": "COMMIT", "k": "SELECT ?"},
    )
    assert encode(other) == encode(PROFILE)


def test_each_load_test_and_statement_has_a_line() -> None:
    lines = encode(PROFILE).decode().splitlines()
    assert sum(line.startswith('{"model"') for line in lines) == 2
    assert sum(line.startswith('{"test"') for line in lines) == 2
    assert '"k": "SELECT ?"' in lines


@pytest.mark.parametrize("profile", [PROFILE, EMPTY])
def test_it_keeps_to_the_committed_schema(profile: Profile) -> None:
    committed = msgspec.json.decode(SCHEMA.read_bytes())
    jsonschema.Draft202012Validator(committed).validate(msgspec.json.decode(encode(profile)))


def test_the_committed_schema_is_current() -> None:
    assert msgspec.json.decode(SCHEMA.read_bytes()) == msgspec.json.decode(
        msgspec.json.encode(schema())
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a profile"),
        (b"[]", "not a profile"),
        (b"{}", "has no version"),
        (b'{"version": 99}', "of version 99"),
        (b'{"version": 1, "loads": 3}', "not a profile"),
        (b'{"version": 1, "problems": ["\xff"]}', "not a profile"),
    ],
)
def test_what_is_no_profile_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_bytes(data)
    with pytest.raises(UsageError, match=reason) as error:
        read_profile(file)
    assert "profile.json" in str(error.value)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_profile(tmp_path / "none.json")
