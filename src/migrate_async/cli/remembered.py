"""The result of a use case from the run before, while no file and no setting changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from migrate_async.cli.workspace import Workspace

Result = TypeVar("Result", bound=msgspec.Struct)


def remembered(
    workspace: Workspace,
    use_case: str,
    files: Sequence[str],
    compute: Callable[[], Result],
    *,
    kind: type[Result],
    options: Any = (),
) -> Result:
    """`compute()`, or what it gave when it last ran on the same `files`, settings and `options`.

    `files` are all files of the project; `options` is whatever else the result depends on, as
    values whose `repr` says all. The result may not hold the project's root, nor depend on
    `jobs`. Without a cache it is computed.
    """
    cache = workspace.cache_folder
    if cache is None:
        return compute()
    from migrate_async.source.memo import Memo, key_of
    from migrate_async.source.snapshot import take

    settings = workspace.settings
    digests = take(files, workspace.root, cache, settings.max_file_size)
    memo, key = (
        Memo(cache),
        key_of(use_case, options, settings, workspace.selection, workspace.shard, digests),
    )
    found = _decoded(memo.get(key), kind)
    if found is None:
        found = compute()
        with suppress(UnicodeEncodeError):  # a file name that UTF-8 lacks
            memo.put(key, msgspec.msgpack.encode(found))
    return found


def _decoded(data: bytes | None, kind: type[Result]) -> Result | None:
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=kind)
    except msgspec.MsgspecError:
        return None
