"""The result of a use case from the run before, while no file and no setting changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from migrate_async.cli.workspace import Workspace

Result = TypeVar("Result", bound=msgspec.Struct)


Digests = Mapping[str, str]
"""What files hold, by path; see `source.snapshot`."""


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
) -> Result:
    """`compute()`, or what it gave when it last ran on the same files, settings and `options`.

    `digests` are those of all files that the result depends on; `options` is whatever else it
    depends on, as values whose `repr` says all. The result may not hold the project's root, nor
    depend on `jobs`. Without a cache it is computed.
    """
    cache = workspace.cache_folder
    if cache is None or digests is None:
        return compute()
    from migrate_async.source.memo import Memo, key_of

    settings = workspace.settings
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
