"""What `record` does: run, collect, merge, compare, write."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from migrate_async.cli.invocation import Invocation
from migrate_async.cli.loading import load_project
from migrate_async.cli.workspace import Workspace, open_workspace
from migrate_async.errors import UsageError
from migrate_async.model.profile import Profile
from migrate_async.model.profile_merge import merge
from migrate_async.model.recording import Recording
from migrate_async.recording.addresses import Addresses
from migrate_async.recording.collect import collect
from migrate_async.recording.comparing.compare import compare
from migrate_async.recording.run import run_recorded
from migrate_async.recording.summary import summarise
from migrate_async.source.profiles import read_profile, write_profile

DEFAULT_FILE = Path(".migrate-async", "profile.json")
"""Where the profile goes, relative to the project root."""


@dataclass(frozen=True)
class Request:
    """What was asked for; `keeps_stdout` sends the output of the command to stderr."""

    command: tuple[str, ...]
    file: Path | None
    merged: tuple[Path, ...]
    before: Path | None
    runs: int
    keeps_stdout: bool


def record(request: Request, invocation: Invocation) -> Recording:
    """Run the command, if there is one, and report on what was recorded.

    Raises `UsageError` when there is nothing to run and nothing to merge, when nothing was
    recorded, and for files that are no profiles.
    """
    if not request.command and not request.merged:
        raise UsageError("nothing to record: name a COMMAND after `--`, or a profile to --merge")
    before = None if request.before is None else read_profile(request.before)
    profiles = [read_profile(file) for file in request.merged]
    exit_code = None
    if request.command:
        workspace = open_workspace((), config_file=invocation.config)
        exit_code, recorded = _runs(request, workspace, invocation)
        profiles += recorded
    profile = merge(profiles)
    found = msgspec.structs.replace(summarise(profile), exit_code=exit_code)
    if before is not None:
        found = msgspec.structs.replace(found, comparison=compare(before, profile))
    file = _file(request)
    if file is None:
        return found
    write_profile(file, profile)
    return msgspec.structs.replace(found, written=str(request.file or DEFAULT_FILE))


def _file(request: Request) -> Path | None:
    """Where the profile goes: a comparison alone writes nothing unless it is told to."""
    if request.file is not None or not request.command or request.before is not None:
        return request.file
    return open_workspace(()).root / DEFAULT_FILE


def _runs(
    request: Request, workspace: Workspace, invocation: Invocation
) -> tuple[int, list[Profile]]:
    """The first exit code that is not 0, if any, and what each run recorded."""
    profiles = []
    exit_code = 0
    for _ in range(request.runs):
        with tempfile.TemporaryDirectory(prefix="migrate-async-record-") as name:
            code = run_recorded(
                request.command, workspace.root, Path(name), keeps_stdout=request.keeps_stdout
            )
            exit_code = exit_code or code
            profiles.append(_collected(Path(name), workspace, invocation, code))
    return exit_code, profiles


def _collected(folder: Path, workspace: Workspace, invocation: Invocation, code: int) -> Profile:
    if not any(folder.iterdir()):
        raise UsageError(
            f"nothing was recorded: the command (exit code {code}) started no Python that executed "
            "SQL through SQLAlchemy, or started it with -I, -E, -S or an emptied environment; "
            "run it without `record` and see that it runs what you want to have recorded"
        )
    with invocation.progress() as progress:
        project = load_project(workspace, progress).project
    return collect(folder, Addresses(project))
