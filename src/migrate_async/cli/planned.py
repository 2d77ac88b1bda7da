"""A plan, with what rewriting needs to know of the files that it leaves as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from migrate_async.cli.workspace import Workspace
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.plan import Plan
from migrate_async.source.line_lengths import Lengths


class Planned(msgspec.Struct, frozen=True):
    """A plan, the length of the lines of every file that was read, and why others were not."""

    plan: Plan
    lengths: dict[str, Lengths]
    unread: tuple[Diagnostic, ...] = ()
    apart: tuple[str, ...] = ()
    """Files that the plan was made without; see `source.apart`."""


def beside(workspace: Workspace, files: Sequence[str]) -> tuple[object, ...]:
    """What a plan depends on besides modules: the profile and the templates."""
    from migrate_async.source.templates import state_of

    profile = workspace.root / workspace.settings.profile
    content = profile.read_bytes() if profile.is_file() else b""
    return hashlib.sha256(content).hexdigest(), state_of(workspace.root, files)
