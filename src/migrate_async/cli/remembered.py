"""The result of a use case from the run before, while no file and no setting changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from migrate_async.cli.workspace import Workspace
from migrate_async.source.memo import Memo, key_of

Result = TypeVar("Result", bound=msgspec.Struct)


Digests = dict[str, str]
"""What files hold, by path; see `source.snapshot`."""

Carry = Callable[[Digests, Result, Digests], Result | None]
"""From files, the result on them, and other files, to the result on these; None: nobody knows."""


def digests_of(workspace: Workspace, files: Sequence[str]) -> Digests | None:
    """The digest of each of `files`; None without a cache."""
    cache = workspace.cache_folder
    if cache is None:
        return None
    from migrate_async.source.snapshot import take

    return take(files, workspace.root, cache, workspace.settings.max_file_size)


def remembered(
    workspace: Workspace,
    use_case: str,
    digests: Digests | None,
    compute: Callable[[], Result],
    *,
    kind: type[Result],
    options: Any = (),
    carry: Carry[Result] | None = None,
) -> Result:
    """`compute()`, or what it gave when it last ran on the same files, settings and `options`.

    `digests` are those of all files that the result depends on; `options` is whatever else it
    depends on, as values whose `repr` says all. The result may not hold the project's root, nor
    depend on `jobs`. Without a cache it is computed. `carry` may know what it is on these files
    from what it was on those of the last run.
    """
    cache = workspace.cache_folder
    if cache is None or digests is None:
        return compute()
    asked = (use_case, options, workspace.settings, workspace.selection, workspace.shard)
    memo, key = Memo(cache), key_of(*asked, digests)
    recent = _Recent(memo, key_of("recent", *asked))
    found = known = _decoded(memo.get(key), kind)
    if found is None and carry is not None:
        found = _carried(recent, digests, kind, carry)
    if found is None:
        found = compute()
    with suppress(UnicodeEncodeError):  # a file name that UTF-8 lacks
        if known is None:
            memo.put(key, msgspec.msgpack.encode(found))
        if carry is not None:
            recent.note(key, digests)
    return found


class _Files(msgspec.Struct, frozen=True):
    """The digests of the files that a result is about."""

    digests: Digests


class _Recent:
    """The keys of the last results, the newest first: an edit may be one of any of them.

    Whoever undoes an edit is answered from the result before it, often without a look at what is
    noted here.
    """

    _KEPT = 4
    _TRIED = 2

    def __init__(self, memo: Memo, name: str) -> None:
        self.memo = memo
        self._name = name
        self._keys = (memo.get(name) or b"").decode().split()

    def note(self, key: str, digests: Digests) -> None:
        """Put the result `key`, of files with these digests, before the others."""
        if self._keys[:1] != [key]:
            self.memo.put(f"{key}-files", msgspec.msgpack.encode(_Files(digests)))
            others = [other for other in self._keys if other != key]
            self.memo.put(self._name, " ".join([key, *others][: self._KEPT]).encode())

    def nearest(self, digests: Digests) -> Iterator[tuple[str, Digests]]:
        """The results on the files that differ least from these, with the digests of theirs."""
        found = []
        for number, key in enumerate(self._keys):
            files = _decoded(self.memo.get(f"{key}-files"), _Files)
            if files is not None:
                different = len(digests.items() ^ files.digests.items())
                found.append((different, number, key, files.digests))
        for _, _, key, old in sorted(found)[: self._TRIED]:
            yield key, old


def _carried(
    recent: _Recent, digests: Digests, kind: type[Result], carry: Carry[Result]
) -> Result | None:
    """What one of the last results has become; None when nobody knows."""
    for key, old in recent.nearest(digests):
        before = _decoded(recent.memo.get(key), kind)
        found = None if before is None else carry(old, before, digests)
        if found is not None:
            return found
    return None


def _decoded(data: bytes | None, kind: type[Result]) -> Result | None:
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=kind)
    except msgspec.MsgspecError:
        return None
