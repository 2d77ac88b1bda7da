"""What the journals of a project say: which writes there were, and what became of their files."""

from __future__ import annotations

import enum

import msgspec


class FileState(enum.Enum):
    """A file of a journal, compared with what the write found and what it left."""

    OLD = "old"
    NEW = "new"
    EDITED = "edited"
    MISSING = "missing"


class WriteState(enum.Enum):
    """`INTERRUPTED`: the program was ended while it wrote; some files may be old, some new."""

    WRITTEN = "written"
    INTERRUPTED = "interrupted"
    UNDONE = "undone"


class JournalFile(msgspec.Struct, frozen=True):
    """One file of a write; `path` is relative to the project root, `state` a `FileState`."""

    path: str
    state: str


class JournalRecord(msgspec.Struct, frozen=True):
    """One write; `state` is a `WriteState`. Of an undone write the files are told as they are."""

    number: int
    state: str
    files: tuple[JournalFile, ...]

    def count(self, state: FileState) -> int:
        return sum(file.state == state.value for file in self.files)
