"""Profiles in files: JSON with a line for each load, test and statement, always in one order."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from migrate_async.errors import UsageError
from migrate_async.model.profile import PROFILE_VERSION, Profile
from migrate_async.model.schema import json_schema
from migrate_async.source.replace import Replacement, replace_all

_ENCODER = msgspec.json.Encoder(order="deterministic")


def encode(profile: Profile) -> bytes:
    """The content of a profile file; equal profiles give equal bytes."""
    statements = (_pair(key, text) for key, text in sorted(profile.statements.items()))
    parts = [
        f'"version": {profile.version}'.encode(),
        b'"environments": ' + _ENCODER.encode(sorted(profile.environments)),
        b'"problems": ' + _ENCODER.encode(sorted(profile.problems)),
        b'"loads": [' + _lines(map(_ENCODER.encode, sorted(profile.loads))) + b"]",
        b'"tests": [' + _lines(map(_ENCODER.encode, sorted(profile.tests))) + b"]",
        b'"statements": {' + _lines(statements) + b"}",
    ]
    return b"{\n" + b",\n".join(parts) + b"\n}\n"


def _pair(key: str, text: str) -> bytes:
    return _ENCODER.encode(key) + b": " + _ENCODER.encode(text)


def _lines(items: Iterable[bytes]) -> bytes:
    joined = b",\n".join(items)
    return b"\n" + joined + b"\n" if joined else b""


def decode(data: bytes, name: str = "the profile") -> Profile:
    """The profile in `data`; `name` is named in errors.

    Raises `UsageError` for what is not a profile, or is one of another version.
    """
    try:
        version = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).get("version")
        if version is not None and bytes(version) != b"%d" % PROFILE_VERSION:
            raise UsageError(
                f"{name} is a profile of version {bytes(version).decode()}, which this release "
                f"cannot read (it reads {PROFILE_VERSION}): record it again"
            )
        if version is None:
            raise UsageError(f"{name} is not a profile: it has no version")
        return msgspec.json.decode(data, type=Profile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} is not a profile: {error}") from None


def read_profile(file: Path) -> Profile:
    """The profile in `file`. Raises `UsageError` when it cannot be read or is none."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror or error}") from None
    return decode(data, str(file))


def write_profile(file: Path, profile: Profile) -> None:
    """Give `file` the profile, in one step; folders above it are made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_all({file: Replacement(encode(profile))})


def schema() -> dict[str, Any]:
    """The JSON schema of a profile file."""
    return json_schema(Profile, "A profile, as migrate-async record writes it")
