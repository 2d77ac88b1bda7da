"""The facts of files on disk, by content: a file that was parsed once is not parsed again.

The key is the content's digest together with the version of the facts and of Python, so entries
never have to be invalidated and may be shared by checkouts and processes. An entry that cannot be
read counts as missing, and one that no run used for a month is deleted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from migrate_async.model.syntax import ModuleSyntax
from migrate_async.source.store import Store

FACTS_VERSION = 3
"""Grows with every change of `model.syntax` or `index.extract` that shows in the facts."""

_FOLDER = "facts"
_VERSION = f"{FACTS_VERSION}-py{sys.version_info[0]}{sys.version_info[1]}"

_decoder = msgspec.msgpack.Decoder(ModuleSyntax)
_encoder = msgspec.msgpack.Encoder()


def encode(syntax: ModuleSyntax) -> bytes:
    """`syntax` as bytes, for the cache and for other processes."""
    try:
        return _encoder.encode(syntax)
    except UnicodeEncodeError:
        return _encoder.encode(_without_surrogates(syntax))


_T = TypeVar("_T")


def _without_surrogates(value: _T) -> _T:
    """`value` with lone surrogates in strings (`"\\udcff"`), which UTF-8 lacks, replaced."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple([_without_surrogates(item) for item in value])  # type: ignore[return-value]
    if isinstance(value, msgspec.Struct):
        fields = [_without_surrogates(getattr(value, name)) for name in value.__struct_fields__]
        return type(value)(*fields)
    return value


def decode(data: bytes) -> ModuleSyntax:
    """The facts in `data`. Raises `msgspec.DecodeError` when there are none."""
    return _decoder.decode(data)


class FactsCache:
    """Facts by digest, below `folder`; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._store = Store(folder, _FOLDER, ages=True)

    def get(self, digest: str) -> ModuleSyntax | None:
        """The facts of the content with that digest, if they are there and sound."""
        data = self._store.get(_name(digest))
        try:
            return None if data is None else decode(data)
        except msgspec.DecodeError:
            return None

    def put(self, digest: str, syntax: ModuleSyntax) -> None:
        """Keep the facts of a content. A folder that cannot be written to is no error."""
        if self._store.keeps:
            self._store.put(_name(digest), encode(syntax))

    def forget_unused(self) -> None:
        """Delete facts, of any version, that no run used for a month."""
        self._store.sweep()


def _name(digest: str) -> str:
    return f"{_VERSION}/{digest[:2]}/{digest[2:]}"
