"""The language server: findings while one types, and fixes to choose from.

The facts are those of the whole project, with the text in the editor in place of the files that
are open. Each look covers all open files of a project, because a change of one shows in others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument

from migrate_async import __version__
from migrate_async.cli.lint_repairs import fixed, title
from migrate_async.cli.lint_request import LintRequest, LintRun
from migrate_async.cli.lint_use_case import lint
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace, open_workspace
from migrate_async.errors import MigrateAsyncError
from migrate_async.index.extract import extract
from migrate_async.integrations import protocol
from migrate_async.lint.noqa import with_comments
from migrate_async.model.finding import Applicability, Finding
from migrate_async.source.lines import split_lines
from migrate_async.source.read import SourceFile

if TYPE_CHECKING:
    from pygls.server import ServerErrors


@dataclass(frozen=True)
class Looked:
    """What was found in one open file, and the text that it was found in."""

    path: str
    version: int | None
    source: SourceFile | None
    findings: tuple[Finding, ...]


class Server(LanguageServer):
    """Remembers the last look at each open file."""

    def __init__(self) -> None:
        super().__init__("migrate-async", __version__)
        self.looked: dict[str, Looked] = {}
        self.looking = threading.Lock()
        self._telling = threading.local()

    def report_server_error(self, error: Exception, source: ServerErrors) -> None:
        """Tell the client, unless telling it is what failed: one that has gone hears nothing."""
        if getattr(self._telling, "now", False):
            return
        self._telling.now = True
        try:
            super().report_server_error(error, source)
        finally:
            self._telling.now = False

    def look(self, uri: str, version: int | None) -> None:
        """Publish what is found in the open files of the project of `uri`.

        A look that was overtaken by a further change is not made: the next one is waiting.
        """
        with self.looking:
            document = self.workspace.text_documents.get(uri)
            if document is None or document.version != version:
                return
            try:
                self._publish_all(uri)
            except MigrateAsyncError as error:
                self._say(str(error))

    def _publish_all(self, uri: str) -> None:
        path = to_fs_path(uri)
        if path is None:
            return
        workspace = open_workspace([Path(path)])
        opened = dict(self._opened(workspace.root))
        # The versions first: a change meanwhile makes the text newer than it claims to be, and the
        # look that this change asks for corrects it.
        versions = {name: document.version for name, document in opened.items()}
        instead = {name: document.source.encode() for name, document in opened.items()}
        run = lint(
            replace(workspace, selection=tuple(opened)), LintRequest(instead=instead), Progress()
        )
        for name, document in opened.items():
            self._publish(document, name, versions[name], run, workspace)

    def _opened(self, root: Path) -> Iterator[tuple[str, TextDocument]]:
        """The open files of the project at `root`, by their paths there."""
        for uri, document in list(self.workspace.text_documents.items()):
            path = to_fs_path(uri)
            if path is not None and path.endswith(".py"):
                workspace = open_workspace([Path(path)])
                if workspace.root == root and workspace.selection:
                    yield workspace.selection[0], document

    def _publish(
        self,
        document: TextDocument,
        path: str,
        version: int | None,
        run: LintRun,
        workspace: Workspace,
    ) -> None:
        findings = tuple(found for found in run.result.findings if found.path == path)
        source = run.sources.get(path)
        self.looked[document.uri] = Looked(path, version, source, findings)
        lines = split_lines(source.text if source else document.source)
        places = protocol.Places(lines, self.workspace.position_codec)
        shown = [protocol.diagnostic(found, places, workspace.root) for found in findings]
        problems = [d for d in run.result.diagnostics if d.path == path]
        shown += [protocol.problem(found, places) for found in problems]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=document.uri, version=version, diagnostics=shown)
        )

    def _say(self, message: str) -> None:
        self.window_show_message(
            types.ShowMessageParams(type=types.MessageType.Error, message=message)
        )

    def actions(self, uri: str, wanted: types.Range) -> list[types.CodeAction]:
        """What can be done about the findings in `wanted`, if the text is still the one seen."""
        looked, document = self.looked.get(uri), self.workspace.text_documents.get(uri)
        if looked is None or looked.source is None or document is None:
            return []
        if looked.version != document.version:
            return []
        lines = split_lines(looked.source.text)
        places = protocol.Places(lines, self.workspace.position_codec)
        return [
            _action(uri, remedy, looked.source, protocol.diagnostic(found, places, Path()))
            for found in looked.findings
            if _meet(places.range(found.span), wanted)
            for remedy in _remedies(found, looked.source)
        ]


class Remedy(NamedTuple):
    """Something to do about a finding, and the text that it gives."""

    title: str
    text: str
    is_safe: bool


def _remedies(found: Finding, source: SourceFile) -> Iterator[Remedy]:
    """The fix of `found`, if it has one that works; a comment."""
    change = fixed(found, source) if found.fix is not None else None
    if found.fix is not None and change is not None:
        is_safe = found.fix.applicability == Applicability.SAFE.value
        yield Remedy(title(found), change.after, is_safe)
    module = extract(source.text, source.path)
    commented = with_comments(source.text, module, [found])
    if commented != source.text:
        yield Remedy(f"{found.code}: suppress with a comment", commented, is_safe=False)


def _action(
    uri: str, remedy: Remedy, source: SourceFile, shown: types.Diagnostic
) -> types.CodeAction:
    edit = protocol.text_edit(split_lines(source.text), split_lines(remedy.text))
    return types.CodeAction(
        title=remedy.title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[shown],
        is_preferred=remedy.is_safe,
        edit=types.WorkspaceEdit(changes={uri: [edit]}),
    )


def _meet(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end


def make_server() -> Server:
    """A server that is ready to be started."""
    server = Server()

    def look(uri: str) -> None:
        document = server.workspace.text_documents.get(uri)
        server.look(uri, document.version if document else None)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    @server.thread()
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.look(params.text_document.uri, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    @server.thread()
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.look(params.text_document.uri, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    @server.thread()
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        look(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.looked.pop(uri, None)
        server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=[])
        )

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        return server.actions(params.text_document.uri, params.range)

    return server
