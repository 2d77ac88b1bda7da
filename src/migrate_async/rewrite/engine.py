"""Execute a plan on all its files in memory; nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor

from migrate_async.errors import InternalError, SourceError, StalePlanError
from migrate_async.model.change import FileChange
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.plan import FilePlan, Plan
from migrate_async.rewrite.comments import replace_comments
from migrate_async.rewrite.imports import change_imports
from migrate_async.rewrite.islands import line_limit, rewrite
from migrate_async.rewrite.originals import with_fingerprints
from migrate_async.source.parallel import Workers
from migrate_async.source.read import SourceFile

_EDITS_WORTH_A_POOL = 2_000


def apply(
    plan: Plan,
    sources: Mapping[str, SourceFile],
    jobs: int | Executor = 1,
    limit: int | None = None,
) -> list[FileChange]:
    """What each file of `plan` becomes, in the order of the plan.

    Lines get no longer than `limit` columns, where that can be helped; None: what `sources`, all
    files by path, keep to. `jobs` is a number of processes (0: one for each processor) or an
    executor. A file that cannot be rewritten comes back as it was, with a diagnostic (`MA901`); the
    others go on. Raises `StalePlanError` when a file is missing or is not the one that the plan was
    made from.
    """
    texts = [(file, _fresh(file, sources.get(file.path)).text) for file in plan.files]
    if limit is None:
        limit = line_limit(source.text for source in sources.values())
    work = [(file, text, limit) for file, text in texts]
    return Workers.of(jobs).map(
        _change, work, weight=lambda item: len(item[0].edits), threshold=_EDITS_WORTH_A_POOL
    )


def rewrite_text(file: FilePlan, text: str, limit: int | None = None) -> str:
    """`text` with the edits and the import changes of `file` made.

    Lines get no longer than `limit` columns, where that can be helped; None: what `text` keeps to.

    Raises `InternalError` when the plan does not fit the text, and `SourceError` when the text is
    not valid Python.
    """
    before, edits = replace_comments(text, file.edits)
    edited = rewrite(before, edits, limit)
    after = change_imports(edited, file, limit)
    return with_fingerprints(text, after)


def codemods_of(file: FilePlan) -> tuple[str, ...]:
    """The names of the codemods that have a part in `file`, sorted."""
    names = {edit.codemod for edit in file.edits} | {change.codemod for change in file.imports}
    return tuple(sorted(names))


def _fresh(file: FilePlan, source: SourceFile | None) -> SourceFile:
    if source is None:
        raise StalePlanError(f"{file.path} is in the plan but no longer there: plan again")
    if file.digest and source.digest != file.digest:
        raise StalePlanError(f"{file.path} changed after the plan was made: plan again")
    return source


def _change(work: tuple[FilePlan, str, int]) -> FileChange:
    file, text, limit = work
    try:
        after = rewrite_text(file, text, limit)
    except (InternalError, SourceError) as error:
        return _failed(file, text, str(error))
    except Exception as error:  # noqa: BLE001 - one file must not stop the run, whatever our bug
        return _failed(file, text, f"{type(error).__name__}: {error}")
    return FileChange(file.path, text, after, codemods_of(file))


def _failed(file: FilePlan, text: str, reason: str) -> FileChange:
    diagnostic = Diagnostic(
        path=file.path,
        code="MA901",
        message=f"could not be rewritten: {reason}",
        next_step="the file is left as it was; please report this as a bug of migrate-async",
        severity=Severity.ERROR.value,
    )
    return FileChange(file.path, text, text, (), (diagnostic,))
