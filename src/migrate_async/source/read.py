"""Bytes of a file to text and back: encoding, byte order mark and line ends are kept."""

from __future__ import annotations

import codecs
import errno
import hashlib
import io
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from migrate_async.errors import SourceError

MAX_SIZE = 5_000_000

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CRLF, _LF, _CR = "\r\n", "\n", "\r"


class SourceFile(msgspec.Struct, frozen=True):
    """A file as it was read.

    `path` is relative to the project root, with forward slashes. `text` has no byte order mark and
    keeps the line ends of the file; `newline` is the one it uses most. `digest` is the SHA-256 of
    `data` in hexadecimal.
    """

    path: str
    data: bytes
    text: str
    encoding: str
    bom: bool
    newline: str
    digest: str

    def encode(self, text: str) -> bytes:
        """`text` as bytes of this file: its encoding and byte order mark.

        Raises `SourceError` (code `MA002`) when the encoding lacks a character of `text`.
        """
        try:
            body = text.encode(self.encoding)
        except UnicodeEncodeError as error:
            reason = f"{self.encoding} cannot hold {error.object[error.start]!r}"
            raise SourceError("MA002", reason, text.count("\n", 0, error.start) + 1) from None
        return codecs.BOM_UTF8 + body if self.bom else body


def digest_of(data: bytes) -> str:
    """The SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read(root: Path, path: str, max_size: int = MAX_SIZE) -> SourceFile:
    """The file `path`, relative to `root`.

    Raises `SourceError`: `MA004` when it is larger than `max_size` bytes, `MA005` when it cannot
    be read, `MA006` when it is a link in a loop, and those of `decode`.
    """
    try:
        with (root / path).open("rb") as stream:
            data = stream.read(max_size + 1)
    except OSError as error:
        raise _unreadable(root / path, error) from None
    check_size(data, max_size)
    return decode(data, path)


def check_size(data: bytes, max_size: int) -> None:
    """Raise `SourceError` (code `MA004`) when `data` is larger than `max_size` bytes."""
    if len(data) > max_size:
        raise SourceError("MA004", f"larger than {max_size} bytes")


def _unreadable(path: Path, error: OSError) -> SourceError:
    if error.errno == errno.ELOOP or (isinstance(error, IsADirectoryError) and path.is_symlink()):
        return SourceError("MA006", "a symbolic link that leads back to itself")
    return SourceError("MA005", f"cannot be read: {error.strerror or error}")


def decode(data: bytes, path: str) -> SourceFile:
    """The file that `data` is.

    Raises `SourceError`: `MA002` when the encoding is unknown or wrong, `MA003` when there are NUL
    bytes.
    """
    if data.startswith(_UTF16):
        raise SourceError("MA002", "UTF-16, which Python does not run: save it as UTF-8")
    nul = data.find(b"\0")
    if nul >= 0:
        raise SourceError("MA003", "a NUL byte", data.count(b"\n", 0, nul) + 1)
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[len(codecs.BOM_UTF8) :] if bom else data
    encoding = _encoding(data)
    text = _text(body, encoding)
    return SourceFile(path, data, text, encoding, bom, _newline(text), digest_of(data))


def _encoding(data: bytes) -> str:
    """The encoding by PEP 263: the byte order mark, the comment in the first lines, or UTF-8."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        raise SourceError("MA002", str(error.msg), _bad_line(data, "utf-8")) from None
    return "utf-8" if encoding == "utf-8-sig" else encoding


def _text(body: bytes, encoding: str) -> str:
    try:
        text = body.decode(encoding)
        intact = text.encode(encoding) == body
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise SourceError("MA002", f"not valid {encoding}", line) from None
    except UnicodeEncodeError:
        intact = False
    if not intact:
        raise SourceError("MA002", f"does not survive being read and written as {encoding}")
    return text


def _bad_line(data: bytes, encoding: str) -> int:
    """The line of the first byte that is not `encoding`; 1 when all are."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return 1


def _newline(text: str) -> str:
    crlf = text.count(_CRLF)
    counts = {_CRLF: crlf, _LF: text.count(_LF) - crlf, _CR: text.count(_CR) - crlf}
    if not any(counts.values()):
        return _LF
    return max(counts, key=lambda newline: counts[newline])


class Sources(Mapping[str, SourceFile]):
    """Files by path, each read when it is first asked for. What cannot be read is not there."""

    def __init__(self, root: Path, max_size: int = MAX_SIZE) -> None:
        self._root = root
        self._max_size = max_size
        self._read: dict[str, SourceFile] = {}

    def __getitem__(self, path: str) -> SourceFile:
        if path not in self._read:
            try:
                self._read[path] = read(self._root, path, self._max_size)
            except SourceError:
                raise KeyError(path) from None
        return self._read[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)
