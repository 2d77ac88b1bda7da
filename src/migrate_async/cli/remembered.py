"""The result of a use case from the run before, while no file and no setting changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    last = key_of("last", *asked)
    found = known = _decoded(memo.get(key), kind)
    if found is None and carry is not None:
        found = _carried(memo, memo.get(last), digests, kind, carry)
    if found is None:
        found = compute()
    with suppress(UnicodeEncodeError):  # a file name that UTF-8 lacks
        if known is None:
            memo.put(key, msgspec.msgpack.encode(found))
        if carry is not None and memo.get(last) != key.encode():
            memo.put(f"{key}-files", msgspec.msgpack.encode(_Files(digests)))
            memo.put(last, key.encode())
    return found


class _Files(msgspec.Struct, frozen=True):
    """The digests of the files that a result is about."""

    digests: Digests


def _carried(
    memo: Memo, last: bytes | None, digests: Digests, kind: type[Result], carry: Carry[Result]
) -> Result | None:
    """What the result `last`, a key, has become; None when nobody knows."""
    key = "" if last is None else last.decode()
    before = _decoded(memo.get(key), kind) if key else None
    files = _decoded(memo.get(f"{key}-files"), _Files) if key else None
    return None if before is None or files is None else carry(files.digests, before, digests)


def _decoded(data: bytes | None, kind: type[Result]) -> Result | None:
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=kind)
    except msgspec.MsgspecError:
        return None
