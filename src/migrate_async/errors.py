"""Every error that the tooling raises on purpose.

MigrateAsyncError
|-- UsageError               the command line or its environment is wrong (exit code 2)
|   |-- ConfigurationError   `[tool.migrate-async]` is wrong; names the key and the file
|   |-- DirtyWorkTreeError   uncommitted changes in files that would be written
|   |-- StalePlanError       a file changed after the plan was made
|   `-- NotPutBackError      writing failed, and so did putting back what was written
|-- SourceError              one file cannot be read or parsed; the run goes on without it
`-- InternalError            a bug of ours: the rewritten text breaks the plan; the file is left
"""

from __future__ import annotations


class MigrateAsyncError(Exception):
    """Base of all errors below."""


class UsageError(MigrateAsyncError):
    """The command line or its environment is wrong."""


class ConfigurationError(UsageError):
    """The configuration is wrong; the message names the key and the file."""


class DirtyWorkTreeError(UsageError):
    """Files that would be written have uncommitted changes."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(paths)
        self.paths = paths

    def __str__(self) -> str:
        listed = ", ".join(self.paths[:5]) + (", ..." if len(self.paths) > 5 else "")
        return (
            f"uncommitted changes in {listed}: commit or stash them, "
            "or pass --allow-dirty to write all the same"
        )


class StalePlanError(UsageError):
    """A file changed after the plan was made."""


class NotPutBackError(UsageError):
    """Writing failed, and putting the files back failed as well; the journal has their content."""

    def __init__(self, cause: str, problem: str) -> None:
        super().__init__(cause, problem)
        self.cause = cause
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"writing failed ({self.cause}) and so did putting the files back ({self.problem}): "
            "`migrate-async undo --list` tells which are new, `migrate-async undo` puts them back"
        )


class SourceError(MigrateAsyncError):
    """One file cannot be read or parsed.

    `code` is the stable code of the diagnostic, `line` counts from 1 (0: the whole file).
    """

    def __init__(self, code: str, message: str, line: int = 0) -> None:
        super().__init__(code, message, line)
        self.code = code
        self.message = message
        self.line = line

    def __str__(self) -> str:
        return self.message


class InternalError(MigrateAsyncError):
    """A bug of ours; the file that it is about is left untouched."""
