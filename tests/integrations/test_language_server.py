"""The language server, asked by a real client over stdin and stdout."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from migrate_async.integrations.language_server import make_server
from migrate_async.integrations.protocol import text_edit

LIMIT = 60
BASE = "from sqlalchemy.orm import Session\n\nDb = Session\n"
CRUD = """\
from app.base import Db


def get(db: Db):
    return "😀", db.query(1)
"""


class Client(LanguageClient):
    """Keeps what is published, newest last."""

    def __init__(self) -> None:
        super().__init__("test", "1")
        self.published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: asyncio.Queue[types.ShowMessageParams] = asyncio.Queue()

    async def found(self, uri: str, version: int) -> list[types.Diagnostic]:
        """What is published for that version of a document."""
        while True:
            params = await asyncio.wait_for(self.published.get(), LIMIT)
            if (params.uri, params.version) == (uri, version):
                return list(params.diagnostics)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "base.py").write_text(BASE)
    (tmp_path / "app" / "crud.py").write_text("def get(db):\n    pass\n")
    return tmp_path


@pytest_asyncio.fixture
async def client(root: Path) -> AsyncIterator[Client]:
    started = Client()

    @started.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def publish(params: types.PublishDiagnosticsParams) -> None:
        started.published.put_nowait(params)

    @started.feature(types.WINDOW_SHOW_MESSAGE)
    def message(params: types.ShowMessageParams) -> None:
        started.messages.put_nowait(params)

    await started.start_io(sys.executable, "-m", "migrate_async", "lsp", cwd=str(root))
    await started.initialize_async(
        types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=root.as_uri())
    )
    started.initialized(types.InitializedParams())
    yield started
    await asyncio.wait_for(started.shutdown_async(None), LIMIT)
    started.exit(None)
    await asyncio.wait_for(started.stop(), LIMIT)


def opened(client: Client, file: Path, text: str) -> str:
    uri = file.as_uri()
    item = types.TextDocumentItem(uri=uri, language_id="python", version=1, text=text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
    return uri


def change(client: Client, uri: str, version: int, text: str) -> None:
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            text_document=types.VersionedTextDocumentIdentifier(uri=uri, version=version),
            content_changes=[types.TextDocumentContentChangeWholeDocument(text=text)],
        )
    )


async def actions(client: Client, uri: str, where: types.Range) -> list[types.CodeAction]:
    answer = await client.text_document_code_action_async(
        types.CodeActionParams(
            text_document=types.TextDocumentIdentifier(uri=uri),
            range=where,
            context=types.CodeActionContext(diagnostics=[]),
        )
    )
    return [action for action in answer or () if isinstance(action, types.CodeAction)]


def applied(text: str, action: types.CodeAction, uri: str) -> str:
    """The text after the only edit of `action`, which is made of whole lines."""
    assert action.edit is not None
    assert action.edit.changes is not None
    (edit,) = action.edit.changes[uri]
    lines = text.splitlines(keepends=True)
    first, last = edit.range.start.line, edit.range.end.line
    return "".join([*lines[:first], edit.new_text, *lines[last:]])


async def test_findings_follow_the_text(client: Client, root: Path) -> None:
    """On opening, changing and saving; with facts of other files; in the client's units."""
    uri = opened(client, root / "app" / "crud.py", CRUD)
    (found,) = await client.found(uri, 1)
    assert (found.code, found.source) == ("MA801", "migrate-async")
    column = 17  # the emoji is two UTF-16 units
    assert found.range == types.Range(
        start=types.Position(line=4, character=column),
        end=types.Position(line=4, character=column + len("db.query(1)")),
    )
    change(client, uri, 2, CRUD.replace("db.query(1)", "1"))
    assert await client.found(uri, 2) == []
    change(client, uri, 3, "x = (\n")
    assert [d.code for d in await client.found(uri, 3)] == ["MA001"]
    change(client, uri, 4, CRUD)
    assert len(await client.found(uri, 4)) == 1
    client.text_document_did_save(
        types.DidSaveTextDocumentParams(text_document=types.TextDocumentIdentifier(uri=uri))
    )
    assert len(await client.found(uri, 4)) == 1
    client.text_document_did_close(
        types.DidCloseTextDocumentParams(text_document=types.TextDocumentIdentifier(uri=uri))
    )
    params = await asyncio.wait_for(client.published.get(), LIMIT)
    assert (params.uri, list(params.diagnostics)) == (uri, [])


async def test_a_change_of_one_file_shows_in_another(client: Client, root: Path) -> None:
    """The text in the editor counts, not what is on disk."""
    crud = opened(client, root / "app" / "crud.py", CRUD)
    assert len(await client.found(crud, 1)) == 1
    base = opened(client, root / "app" / "base.py", BASE)
    assert await client.found(base, 1) == []
    change(client, base, 2, "class Db:\n    pass\n")
    assert await client.found(crud, 1) == []


async def test_a_comment_is_offered(client: Client, root: Path) -> None:
    uri = opened(client, root / "app" / "crud.py", CRUD)
    (found,) = await client.found(uri, 1)
    (action,) = await actions(client, uri, found.range)
    assert action.title == "MA801: suppress with a comment"
    after = applied(CRUD, action, uri)
    assert after == CRUD.replace("db.query(1)\n", "db.query(1)  # noqa: MA801\n")
    change(client, uri, 2, after)
    assert await client.found(uri, 2) == []
    assert await actions(client, uri, found.range) == []


async def test_wrong_settings_are_told(client: Client, root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.migrate-async]\nstlye = 1\n")
    opened(client, root / "app" / "crud.py", CRUD)
    message = await asyncio.wait_for(client.messages.get(), LIMIT)
    assert "did you mean `style`?" in message.message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\nb\nc\n", "a\nX\nc\n"),
        ("a\nb\n", "a\nb\nc\n"),
        ("a\na\n", "a\na\na\n"),
        ("a\nb\nc\n", "a\nc\n"),
        ("", "a\n"),
        ("a\n", "a\n"),
        ("a", "a\nb"),
    ],
)
def test_one_edit_makes_one_text_into_the_other(before: str, after: str) -> None:
    lines = before.splitlines(keepends=True)
    edit = text_edit(lines, after.splitlines(keepends=True))
    first, last = edit.range.start.line, edit.range.end.line
    assert "".join([*lines[:first], edit.new_text, *lines[last:]]) == after


class Gone:
    """A pipe that nobody reads any more."""

    def __init__(self) -> None:
        self.writes = 0

    def write(self, _data: bytes) -> None:
        self.writes += 1
        raise ValueError("write to closed file")

    def close(self) -> None:
        pass


def test_a_client_that_has_gone_is_told_nothing_more() -> None:
    """To tell it that telling failed would fail, and so on."""
    server, pipe = make_server(), Gone()
    server.protocol.set_writer(pipe)  # type: ignore[no-untyped-call]
    server.window_show_message(types.ShowMessageParams(types.MessageType.Info, "hello"))
    assert pipe.writes == 2
