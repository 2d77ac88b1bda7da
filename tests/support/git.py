"""A git repository for a test."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in `folder`, by a fixed person and without the user's configuration."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, "-c", "core.autocrlf=false", *arguments],
        check=True,
        input=stdin,
        capture_output=True,
    )
    return done.stdout


def repository(folder: Path) -> Path:
    """`folder` as a work tree with everything in it committed."""
    git(folder, "init", "-q", "--initial-branch=main")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", "state")
