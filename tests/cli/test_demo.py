"""The demonstration, from the copy to the comparison of answers; only its tests are not run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migrate_async.cli import demo_app
from migrate_async.cli.demo_app import Answer, Request
from migrate_async.cli.exit_codes import ExitCode
from support.cli import invoke


def test_every_act_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code says whether all answers of the migrated application are the old ones."""
    monkeypatch.setattr(demo_app, "run_tests", lambda _root: (True, "3 passed"))
    folder = tmp_path / "demo"
    result = invoke("demo", "--folder", str(folder))
    compared = re.search(r"(\d+) of (\d+) answers are those of the legacy", result.stdout)
    assert compared is not None, result.output
    same = compared[1] == compared[2]
    assert result.exit_code == (ExitCode.CLEAN if same else ExitCode.FINDINGS)
    assert len(demo_app.load_requests(demo_app.find_fixture())) == int(compared[2])
    acts = re.findall(r"^(\d)\. ", result.stdout, flags=re.MULTILINE)
    assert acts == ["1", "2", "3", "4", "5"]
    assert "async def" in (folder / "shop" / "shop" / "crud" / "base.py").read_text()


def test_a_difference_is_shown_and_told_by_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Served and answered by fakes: the second application answers one request differently."""
    answers = iter([[Answer(200, "old")], [Answer(500, "new")]])
    monkeypatch.setattr(demo_app, "run_tests", lambda _root: (False, "1 failed"))
    monkeypatch.setattr(demo_app, "served", FakeServer)
    monkeypatch.setattr(demo_app, "call", lambda _address, _requests: next(answers))
    monkeypatch.setattr(demo_app, "load_requests", lambda _fixture: [Request("GET", "/x", 200)])
    monkeypatch.setattr(demo_app, "server_errors", lambda _root: ["KeyError: 'x'"])
    result = invoke("demo", "--folder", str(tmp_path / "demo"))
    assert result.exit_code == ExitCode.FINDINGS
    assert "0 of 1 answers" in result.stdout
    assert "before: 200 old" in result.stdout
    assert "after:  500 new" in result.stdout
    assert "server: KeyError: 'x'" in result.stdout


class FakeServer:
    """Stands in for `demo_app.served`."""

    def __init__(self, _root: Path) -> None:
        pass

    def __enter__(self) -> str:
        return "http://nowhere"

    def __exit__(self, *_error: object) -> None:
        pass


def test_a_folder_that_exists_is_refused(tmp_path: Path) -> None:
    result = invoke("demo", "--folder", str(tmp_path))
    assert result.exit_code == ExitCode.USAGE
    assert "exists" in result.stderr
