"""What the commands do, one function each: from paths to values, nothing printed.

The parts are imported where they are called: `scan` and `plan` start without LibCST.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migrate_async.cli import refusals
from migrate_async.cli.loading import LoadedProject, find_files, load_project, of_selection
from migrate_async.cli.planned import Planned, beside
from migrate_async.cli.progress import Progress
from migrate_async.cli.remembered import digests_of, remembered
from migrate_async.cli.rewriting import changed_file, make_patches, rewrite, write_changes
from migrate_async.cli.soundness import Verify, new_mistakes
from migrate_async.cli.verify_use_case import verified
from migrate_async.cli.workspace import Workspace
from migrate_async.errors import UsageError
from migrate_async.model.change import FileChange
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.journal import JournalRecord
from migrate_async.model.plan import Plan, Step, Verdict
from migrate_async.model.scan import ScanResult
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.model.status import Snapshot, Status, latest_of_each_day, snapshot
from migrate_async.model.summary import Mode, RunSummary
from migrate_async.source.formatters import written_limit
from migrate_async.source.line_lengths import Lengths, lengths_of, limit_of
from migrate_async.source.read import Sources

if TYPE_CHECKING:
    from migrate_async.index.outlines import Outlined


_STAYING = (Verdict.BRIDGE.value, Verdict.KEEP.value)


@dataclass(frozen=True)
class Migration:
    """What `migrate` did: the summary, the files, and one patch of all changes.

    Bytes of the patch that are not UTF-8 are escaped as in file names (`surrogateescape`).
    """

    summary: RunSummary
    changes: tuple[FileChange, ...]
    patch: str


# --- what is there -----------------------------------------------------------------------------


def scan_project(workspace: Workspace, progress: Progress) -> ScanResult:
    """The inventory of the files selected."""
    files = find_files(workspace, progress)
    result = remembered(
        workspace,
        "scan",
        digests_of(workspace, files),
        lambda: _scan(workspace, files, progress),
        kind=ScanResult,
    )
    return msgspec.structs.replace(result, root=str(workspace.root))


def _scan(workspace: Workspace, files: Sequence[str], progress: Progress) -> ScanResult:
    from migrate_async.cli.inventory import take_inventory

    loaded = load_project(workspace, progress, files)
    progress.phase("Counting")
    return msgspec.structs.replace(
        take_inventory(loaded.project, workspace.covers),
        files_found=sum(map(workspace.shard.has, loaded.files)),
        files_read=sum(map(workspace.shard.has, loaded.sources)),
        diagnostics=of_selection(loaded.diagnostics, workspace),
    )


def show_plan(
    workspace: Workspace, step: Step, progress: Progress, selection: Selection = EVERYTHING
) -> Plan:
    """The plan of `make_plan`, from the run before if nothing changed since."""
    return _planned(workspace, step, progress, selection).plan


def _planned(workspace: Workspace, step: Step, progress: Progress, selection: Selection) -> Planned:
    """The plan, and the lines of the files that it was made from, if need be of the run before."""
    from migrate_async.cli.apart import outlines_apart
    from migrate_async.cli.carried import carried

    files = find_files(workspace, progress)
    options = (step.value, selection, beside(workspace, files))
    digests = digests_of(workspace, files)

    def compute() -> Planned:
        apart = outlines_apart(workspace, step, selection, files, digests)
        plan, loaded = make_plan(workspace, step, progress, selection, files=files, apart=apart)
        lengths = {path: lengths_of(file.text) for path, file in loaded.sources.items()}
        lengths |= {path: outline.lengths for path, outline in loaded.apart.items()}
        return Planned(plan, lengths, loaded.diagnostics, tuple(sorted(loaded.apart)))

    planned = remembered(
        workspace,
        "plan",
        digests,
        compute,
        kind=Planned,
        options=options,
        carry=lambda old, known, new: carried(workspace, old, known, new, options),
    )
    return msgspec.structs.replace(planned, plan=_with_pins(planned.plan, workspace.root))


def _with_pins(plan: Plan, root: Path) -> Plan:
    """The plan, with what it says of requirements: they are not among the files it is made of."""
    if not any(file.imports for file in plan.files):
        return plan
    from migrate_async.plan.needed_versions import old_pins
    from migrate_async.source.pins import pins_of

    changed = [file.path for file in plan.files]
    pins = old_pins(plan, lambda package: pins_of(package, root, changed))
    found = (*pins, *plan.diagnostics)
    return msgspec.structs.replace(plan, diagnostics=found)


def make_plan(
    workspace: Workspace,
    step: Step,
    progress: Progress,
    selection: Selection = EVERYTHING,
    *,
    files: Sequence[str] | None = None,
    apart: Outlined | None = None,
) -> tuple[Plan, LoadedProject]:
    """What would be done, and the project that this was decided on, without what stands `apart`.

    `selection` adds names to the paths of the workspace; `files` are those of the project, if they
    have been found. Raises `UsageError` when the project does not have one of the names.
    """
    from migrate_async.plan import planner

    loaded = load_project(workspace, progress, files, apart=apart)
    progress.phase("Planning")
    digests = {path: source.digest for path, source in loaded.sources.items()}
    chosen = msgspec.structs.replace(selection, paths=workspace.selection)
    plan = planner.make_plan(loaded.project, step, workspace.settings, chosen, digests)
    unread = of_selection(loaded.diagnostics, workspace)
    return msgspec.structs.replace(plan, diagnostics=(*unread, *plan.diagnostics)), loaded


@dataclass(frozen=True)
class Progressed:
    """How far the project is, and the recorded days, the last of which is now."""

    status: Status
    history: tuple[Snapshot, ...]
    date: str
    commit: str


def project_status(
    workspace: Workspace,
    progress: Progress,
    *,
    record: bool = False,
) -> Progressed:
    """How far the files selected are; with `record`, the numbers go into the state file.

    Raises `UsageError` when the state file is broken, or when only part of the project would be
    recorded.
    """
    from migrate_async.lint.run import debt
    from migrate_async.status.state_file import date_and_commit, read_history, write_history
    from migrate_async.status.survey import survey

    if record and workspace.selection:
        raise UsageError("--record is about the whole project: name no PATHS")
    file = workspace.root / workspace.settings.status_file
    recorded = read_history(file)
    loaded = load_project(workspace, progress)
    progress.phase("Counting")
    lint = debt(loaded.project, workspace.settings, workspace.selection)
    status = survey(loaded.project, workspace.root.name, workspace.selection, lint)
    date, commit = date_and_commit(workspace.root)
    history = latest_of_each_day((*recorded, snapshot(status, date, commit)))
    if record:
        write_history(file, history)
    return Progressed(status, history if not workspace.selection else (), date, commit)


# --- doing it ----------------------------------------------------------------------------------


def migrate(
    workspace: Workspace,
    step: Step,
    mode: Mode,
    progress: Progress,
    selection: Selection = EVERYTHING,
    *,
    allow_dirty: bool = False,
    allow_unsound: bool = False,
    codemod: str = "",
) -> Migration:
    """Plan, rewrite in memory and, in write mode, put all changes on disk.

    With `codemod`, only the edits of that codemod are done. Raises `DirtyWorkTreeError` before
    anything is rewritten when files of the plan have uncommitted changes (write mode only), and
    `UsageError` when the project does not have what `selection` names, or (write mode only) when
    code that stays sync could not use its session any more, when a file that would change imports
    one that could not be read, or when `verify` would find errors that it does not find now; not
    of one codemod alone, which may ask for others. `allow_unsound` writes those, too.
    Nothing is written when a file fails verification: that is a bug of ours, told in the summary.
    """
    if mode is Mode.WRITE and workspace.shard.count > 1:
        raise UsageError("--shard is for --check and --diff: files are written all or none")
    planned = _planned(workspace, step, progress, selection)
    plan = planned.plan
    if codemod:
        plan = restrict(plan, codemod)
    if mode is Mode.WRITE:
        refusals.refuse_broken(plan)
        if planned.unread:
            project = load_project(workspace, progress).project
            refusals.refuse_unread_imports(plan, project, planned.unread)
    if mode is Mode.WRITE and not allow_dirty:
        refusals.refuse_dirty(plan, workspace.root)

    def verify(instead: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        from migrate_async.cli.apart import outlines_apart

        files = find_files(workspace, progress, instead)
        digests = digests_of(workspace, files)
        apart = outlines_apart(workspace, step, selection, files, digests)
        return verified(workspace, progress, instead, files=files, apart=apart)

    check = None if allow_unsound or codemod else verify
    return _carry_out(plan, planned.lengths, workspace, mode, progress, verify=check)


def finish(
    workspace: Workspace,
    mode: Mode,
    progress: Progress,
    *,
    allow_dirty: bool = False,
    allow_unsound: bool = False,
) -> Migration:
    """Remove what `migrate` left for sync code; all of it, or nothing while something uses it.

    Raises `UsageError` when only part of the project is named or could be read, or when `verify`
    would find new errors, and `DirtyWorkTreeError` as `migrate` does.
    """
    from migrate_async.plan.leftovers.finish import plan_finish

    if workspace.selection:
        raise UsageError("finish is about the whole project: name no PATHS")
    loaded = load_project(workspace, progress)
    progress.phase("Planning")
    digests = {path: source.digest for path, source in loaded.sources.items()}
    plan = plan_finish(loaded.project, digests)
    plan = msgspec.structs.replace(plan, diagnostics=(*loaded.diagnostics, *plan.diagnostics))
    if mode is Mode.WRITE:
        refusals.refuse_unread(loaded.diagnostics)
    if mode is Mode.WRITE and not allow_dirty:
        refusals.refuse_dirty(plan, workspace.root)
    lengths = {path: lengths_of(source.text) for path, source in loaded.sources.items()}

    def verify(instead: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        return verified(workspace, progress, instead)

    check = None if allow_unsound else verify
    return _carry_out(plan, lengths, workspace, mode, progress, verify=check)


def _carry_out(
    plan: Plan,
    lengths: Mapping[str, Lengths],
    workspace: Workspace,
    mode: Mode,
    progress: Progress,
    *,
    verify: Verify | None,
) -> Migration:
    """Do what `plan` says; `lengths` are those of the lines of all files that it was made from.

    Nothing is written that makes `verify` find more.
    """
    plan = _part(plan, workspace)
    sources = Sources(workspace.root, workspace.settings.max_file_size)
    limit = written_limit(workspace.root) or limit_of(lengths.values())
    cache = workspace.cache_folder
    changes = rewrite(plan, sources, workspace.jobs, progress, limit=limit, cache=cache)
    progress.phase("Comparing")
    patches = make_patches(changes, sources, workspace.root)
    summary = _summary(plan, len(lengths), changes, patches, mode)
    # Files change together or not at all: half of a plan is an application that does not run.
    if mode is Mode.WRITE and not summary.internal_errors:
        instead = {c.path: sources[c.path].encode(c.after) for c in changes if c.changed}
        if verify is not None and instead:
            refusals.refuse_unsound(new_mistakes(verify, instead))
        progress.phase("Writing files")
        journal = write_changes(changes, sources, workspace.root)
        summary = msgspec.structs.replace(summary, written=bool(journal), journal=journal)
    return Migration(summary, changes, "".join(patches.values()))


def restrict(plan: Plan, codemod: str) -> Plan:
    """`plan` with the edits and imports of one codemod only, without decisions and counts."""
    from migrate_async.rewrite.codemod import only

    files = (only(file, codemod) for file in plan.files)
    kept = tuple(file for file in files if file.edits or file.imports)
    return msgspec.structs.replace(plan, files=kept, functions=(), counts={})


def undo(workspace: Workspace, *, back_to: int | None, force: bool) -> list[str]:
    """Put back what the last write changed, or all since write `back_to`; the files put back.

    Raises `UsageError` when one of them was edited since, unless `force`.
    """
    from migrate_async.source import write

    return write.undo(workspace.root, back_to=back_to, force=force)


def history(workspace: Workspace) -> list[JournalRecord]:
    """The writes of the project, the newest first."""
    from migrate_async.source import write

    return write.history(workspace.root)


def _part(plan: Plan, workspace: Workspace) -> Plan:
    """What the plan says of the files of this shard; its counts are those of the whole."""
    has = workspace.shard.has
    return msgspec.structs.replace(
        plan,
        files=tuple(file for file in plan.files if has(file.path)),
        functions=tuple(found for found in plan.functions if has(found.path)),
        diagnostics=tuple(found for found in plan.diagnostics if has(found.path)),
    )


def _summary(
    plan: Plan,
    files_read: int,
    changes: Sequence[FileChange],
    patches: Mapping[str, str],
    mode: Mode,
) -> RunSummary:
    return RunSummary(
        step=plan.step,
        mode=mode.value,
        files_read=files_read,
        changed=tuple(changed_file(c, patches[c.path]) for c in changes if c.changed),
        counts=plan.counts,
        kept=tuple(found for found in plan.functions if found.verdict in _STAYING),
        diagnostics=plan.diagnostics + tuple(d for c in changes for d in c.diagnostics),
    )
