"""What `scan` found in a project: what is there, before anything is planned."""

from __future__ import annotations

import msgspec

from migrate_async.model.diagnostic import Diagnostic


class FileFacts(msgspec.Struct, frozen=True, order=True):
    """What one file holds. Files without a fact of interest are left out of a `ScanResult`.

    `queries` counts the legacy `Query` chains (calls of `query` on a sync session), `operations`
    the calls on sync sessions, queries, results, connections and engines, `async_operations`
    those on async ones, `sessions` the expressions that open a session.
    """

    path: str
    queries: int = 0
    operations: int = 0
    async_operations: int = 0
    sessions: int = 0
    routes: int = 0
    models: int = 0


class RouteFacts(msgspec.Struct, frozen=True, order=True):
    """A FastAPI route; `url` includes the prefixes of the routers that it hangs on."""

    path: str
    line: int
    function: str
    url: str
    methods: tuple[str, ...] = ()
    is_async: bool = False


class Definition(msgspec.Struct, frozen=True, order=True):
    """A named thing of the project and where it stands.

    `kind` is `model`, `engine`, `session-factory` or `dependency`.
    """

    path: str
    line: int
    kind: str
    name: str


class ScanResult(msgspec.Struct, frozen=True, kw_only=True):
    """The inventory of a project. All paths are relative to `root`, with forward slashes.

    `files_found` counts the files that belong to the project, `files_read` those that could
    matter and were parsed.
    """

    root: str
    files_found: int = 0
    files_read: int = 0
    functions: int = 0
    functions_async: int = 0
    files: tuple[FileFacts, ...] = ()
    routes: tuple[RouteFacts, ...] = ()
    definitions: tuple[Definition, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def queries(self) -> int:
        return sum(file.queries for file in self.files)

    @property
    def operations(self) -> int:
        return sum(file.operations for file in self.files)

    @property
    def async_operations(self) -> int:
        return sum(file.async_operations for file in self.files)

    @property
    def sessions(self) -> int:
        return sum(file.sessions for file in self.files)

    @property
    def has_findings(self) -> bool:
        """Whether sync database code, or a file that could not be read, was found."""
        return bool(self.queries or self.operations or self.sessions or self.diagnostics)
