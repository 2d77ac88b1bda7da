"""What all tests share: where temporary files are, and the end of shared databases."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from support import once
from support.databases import drop_databases

MEMORY = Path("/dev/shm")  # noqa: S108  tempfile makes the files in it
ENOUGH = 2 * 1024**3
LONG = ("projects", "fixtures")
"""Folders of tests that run whole applications."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory: on a disk, tests with SQLite mostly wait for it."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and _is_roomy():
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # ask again
    if not _is_worker(config):
        once.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_worker(config):
        once.end()


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")  # of xdist


def _is_roomy() -> bool:
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones, so that at the end no worker waits for another."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)


def pytest_sessionfinish() -> None:
    asyncio.run(drop_databases())
