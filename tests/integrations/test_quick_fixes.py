"""Fixes of findings as actions of an editor."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import Workspace

from migrate_async.integrations.language_server import Server
from migrate_async.lint import selection
from support import lint_rules

TEXT = "def f():\n    x = old()\n    y = risky()\n    z = broken()\n"


class Recording(Server):
    """Publishes into a list, for a workspace without a client."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._ours = workspace
        self.published: list[types.PublishDiagnosticsParams] = []

    @property
    def workspace(self) -> Workspace:
        return self._ours

    def text_document_publish_diagnostics(self, params: types.PublishDiagnosticsParams) -> None:
        self.published.append(params)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(selection, "chosen", lambda *_: lint_rules.ALL)
    workspace = Workspace(tmp_path.as_uri())
    uri = (tmp_path / "a.py").as_uri()
    workspace.put_text_document(
        types.TextDocumentItem(uri=uri, language_id="python", version=1, text=TEXT)
    )
    made = Recording(workspace)
    made.look(uri, 1)
    return made


def titles(server: Recording, line: int) -> dict[str, types.CodeAction]:
    (params,) = server.published
    here = types.Position(line=line, character=8)
    found = server.actions(params.uri, types.Range(start=here, end=here))
    return {action.title: action for action in found}


def test_a_safe_fix_is_preferred(server: Recording) -> None:
    action = titles(server, 1)["MA001: call new()"]
    assert action.is_preferred
    assert action.edit is not None
    ((edit,),) = (action.edit.changes or {}).values()
    assert edit.new_text == "from app.new import new\n\n\ndef f():\n    x = new()\n"


def test_an_unsafe_fix_says_so(server: Recording) -> None:
    action = titles(server, 2)["MA002: write None (unsafe)"]
    assert not action.is_preferred


def test_a_fix_that_fails_its_verification_is_not_offered(server: Recording) -> None:
    assert list(titles(server, 3)) == ["MA005: suppress with a comment"]


def test_a_look_that_was_overtaken_is_not_made(server: Recording) -> None:
    (params,) = server.published
    server.look(params.uri, 7)
    assert len(server.published) == 1
