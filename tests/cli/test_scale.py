"""Processes, clusters and shards: the same output from any of them."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from migrate_async.cli import use_cases
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.progress import Progress
from migrate_async.cli.use_cases import Migration
from migrate_async.cli.workspace import open_workspace
from migrate_async.model.plan import Step
from migrate_async.model.summary import Mode
from support.cli import invoke

APPLICATION = Path(__file__).parents[2] / "fixtures" / "legacy_shop" / "before"
COUNT = 3


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scale") / "shop"
    shutil.copytree(APPLICATION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pyproject.toml").touch()
    return folder


def migration(root: Path, jobs: int | Executor) -> Migration:
    workspace = open_workspace([root], jobs=jobs, cache=False)
    return use_cases.migrate(workspace, Step.ALL, Mode.DIFF, Progress())


@pytest.fixture(scope="module")
def whole(root: Path) -> Migration:
    return migration(root, 1)


def test_an_executor_gives_the_same(root: Path, whole: Migration) -> None:
    """It gets parsing and rewriting, however little there is."""
    with ThreadPoolExecutor(2) as executor:
        found = migration(root, executor)
    assert not found.summary.internal_errors
    assert found.patch == whole.patch
    assert found.summary == whole.summary


def test_a_dask_cluster_gives_the_same(
    root: Path, whole: Migration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command line, on a cluster of one process on this machine."""
    pytest.importorskip("distributed")
    monkeypatch.chdir(root)
    result = invoke("migrate", "--diff", "--executor", "dask", "-j", "1", "--no-cache")
    assert result.exit_code == ExitCode.FINDINGS, result.stderr
    assert result.stdout == whole.patch


def documents(root: Path, monkeypatch: pytest.MonkeyPatch, *command: str) -> list[dict[str, Any]]:
    """The JSON of each shard, then that of the whole."""
    monkeypatch.chdir(root)
    shards = [("--shard", f"{number}/{COUNT}") for number in range(1, COUNT + 1)]
    results = [invoke(*command, *shard, "--format", "json") for shard in [*shards, ()]]
    return [json.loads(result.stdout) for result in results]


def merged(parts: list[dict[str, Any]], key: str) -> list[Any]:
    return sorted((item for part in parts for item in part[key]), key=json.dumps)


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        (("scan",), ("files", "routes", "definitions", "diagnostics")),
        (("verify",), ("diagnostics",)),
        (("migrate", "--check"), ("changed", "kept", "diagnostics")),
        (("migrate", "--diff"), ("changed", "kept", "diagnostics")),
    ],
    ids="-".join,
)
def test_all_shards_together_are_the_whole(
    root: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], keys: tuple[str, ...]
) -> None:
    """Each item in one of them, none in two, and each part has some of them."""
    *parts, whole = documents(root, monkeypatch, *command)
    for key in keys:
        assert merged(parts, key) == merged([whole], key)
    if command[0] != "verify":
        assert all(part[keys[0]] for part in parts)
    if command == ("scan",):
        for number in ("files_found", "files_read", "functions"):
            assert sum(part[number] for part in parts) == whole[number]
    if "patch" in whole:
        patches = [piece for part in parts for piece in part["patch"].split("diff --git ")]
        assert sorted(filter(None, patches)) == sorted(
            filter(None, whole["patch"].split("diff --git "))
        )


def test_a_shard_is_never_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a plan is an application that does not run."""
    monkeypatch.chdir(root)
    result = invoke("migrate", "--write", "--shard", "1/2")
    assert result.exit_code == ExitCode.USAGE
    assert "all or none" in result.stderr
    assert invoke("scan", "--shard", "3/2").exit_code == ExitCode.USAGE
