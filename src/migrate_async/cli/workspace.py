"""Which project a command works on, and which part of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from migrate_async import config
from migrate_async.config import Settings
from migrate_async.errors import UsageError
from migrate_async.source.pytest_settings import python_classes
from migrate_async.source.shards import WHOLE, Shard

if TYPE_CHECKING:
    from concurrent.futures import Executor


@dataclass(frozen=True)
class Workspace:
    """What a command works on.

    `selection` holds the paths that were named, relative to `root` with forward slashes; empty
    means the whole project, and of that `shard` has a part. `jobs` is the number of processes, 0:
    one for each processor, where the work is worth it; or an executor that does all of it.
    """

    root: Path
    settings: Settings
    selection: tuple[str, ...] = ()
    jobs: int | Executor = 0
    cache: bool = True
    shard: Shard = WHOLE

    def covers(self, path: str) -> bool:
        """Whether `path` is one of the files to report or to change."""
        return selected(path, self.selection) and self.shard.has(path)

    def keeping(self, keep: Literal["both", "async"]) -> Workspace:
        """The same with `keep` of what sync code calls, too: async twins beside it, or async."""
        settings = msgspec.structs.replace(self.settings, keep=keep)
        return replace(self, settings=settings)

    def with_profile(self, file: Path) -> Workspace:
        """The same with `file`, relative to the working directory, as the profile to heed."""
        settings = msgspec.structs.replace(self.settings, profile=str(_absolute(file)))
        return replace(self, settings=settings)

    @property
    def cache_folder(self) -> Path | None:
        """Where facts and results are kept; None when they are not."""
        return self.root / self.settings.cache_dir if self.cache else None


def open_workspace(
    paths: Sequence[Path],
    *,
    config_file: Path | None = None,
    jobs: int | Executor = 0,
    cache: bool = True,
    shard: Shard = WHOLE,
) -> Workspace:
    """The project that `paths` (or the working directory) belong to, with its settings.

    Raises `UsageError` when the paths have no common root and `ConfigurationError` when the
    settings are wrong.
    """
    absolute = [_absolute(path) for path in paths] or [Path.cwd()]
    root = config.find_root(_common(absolute))
    named = [path.relative_to(root).as_posix() for path in absolute] if paths else []
    return Workspace(
        root=root,
        settings=_with_test_classes(config.load(root, config_file), root),
        selection=() if "." in named else tuple(named),
        jobs=jobs,
        cache=cache,
        shard=shard,
    )


def _with_test_classes(settings: Settings, root: Path) -> Settings:
    """The same with what pytest is told, if they say nothing of the classes of tests."""
    if settings.test_classes:
        return settings
    return msgspec.structs.replace(settings, test_classes=python_classes(root))


def not_excluded(workspace: Workspace) -> tuple[str, ...]:
    """What of the selection the settings do not exclude."""
    import pathspec

    excluded = pathspec.GitIgnoreSpec.from_lines(workspace.settings.exclude)
    return tuple(path for path in workspace.selection if not excluded.match_file(path))


def _absolute(path: Path) -> Path:
    """`path` from the root of the file system, with symbolic links as they were written."""
    return Path(os.path.normpath(Path.cwd() / path))


def _common(paths: Sequence[Path]) -> Path:
    try:
        return Path(os.path.commonpath(paths))
    except ValueError:
        raise UsageError("the paths lie on different drives; name those of one project") from None


def selected(path: str, selection: Sequence[str]) -> bool:
    """Whether `path` is one of `selection` or lies below one; an empty selection has all."""
    return not selection or any(
        path == chosen or path.startswith(chosen + "/") for chosen in selection
    )
