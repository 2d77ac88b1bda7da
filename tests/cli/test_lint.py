"""`migrate-async lint` from arguments to output, exit code and files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from migrate_async.cli import lint_look
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.lint import registry, selection
from migrate_async.lint.rule import Rule
from support import lint_rules
from support.cli import invoke
from support.git import commit, git, repository

CRUD = """\
from sqlalchemy.orm import Session


def get(db: Session):
    return db.query(1).all()


def find(db):
    return db.query(2).all()
"""
CLEAN = "def total(numbers):\n    return sum(numbers)\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one sure and one unsure finding, which is the working directory."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "crud.py").write_text(CRUD)
    (tmp_path / "app" / "clean.py").write_text(CLEAN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fixing(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rules are those of the tests, which have fixes."""
    rules: tuple[type[Rule], ...] = lint_rules.ALL
    monkeypatch.setattr(selection, "chosen", lambda *_: rules)
    (root / "app" / "new.py").write_text("def new():\n    pass\n")
    return root


def lint(*arguments: str, **options: Any) -> Result:
    result = invoke("lint", *arguments, **options)
    assert result.exit_code in (0, 1, 2, 3), result.exception
    return result


def concise(*arguments: str) -> list[str]:
    return lint("--format", "concise", *arguments).stdout.splitlines()


# --- what is reported --------------------------------------------------------------------------


def test_findings_exit_with_1_and_none_with_0(root: Path) -> None:
    result = lint()
    assert result.exit_code == ExitCode.FINDINGS
    assert "app/crud.py:5:12 MA801 legacy-query" in result.stdout
    assert result.stderr == ""
    assert lint("app/clean.py").exit_code == ExitCode.CLEAN


def test_exit_zero(root: Path) -> None:
    result = lint("--exit-zero")
    assert (result.exit_code, "MA801" in result.stdout) == (ExitCode.CLEAN, True)


def test_strict_shows_what_is_less_sure(root: Path) -> None:
    assert [line.split(":")[1] for line in concise()] == ["5"]
    assert [line.split(":")[1] for line in concise("--strict")] == ["5", "9"]
    (root / "pyproject.toml").write_text("[tool.migrate-async.lint]\nstrict = true\n")
    assert len(concise()) == 2


def test_paths_choose_what_is_reported(root: Path) -> None:
    assert concise("app/clean.py") == []
    assert len(concise("app", "app/crud.py")) == 1


def test_rules_are_chosen(root: Path) -> None:
    assert concise("--select", "MA899") == []
    assert len(concise("--select", "MA899,legacy-query")) == 1
    assert concise("--ignore", "MA8") == []
    result = lint("--select", "legacy-quer")
    assert result.exit_code == ExitCode.USAGE
    assert "did you mean legacy-query?" in result.stderr


def test_settings_choose_and_leave_out_by_file(root: Path) -> None:
    settings = root / "pyproject.toml"
    settings.write_text("[tool.migrate-async.lint]\nignore = ['MA801']\n")
    assert concise() == []
    assert len(concise("--select", "MA801")) == 1
    settings.write_text("[tool.migrate-async.lint.per-file-ignores]\n'app/' = ['MA801']\n")
    assert concise() == []
    settings.write_text("[tool.migrate-async.lint]\nselect = ['MA999']\n")
    assert lint().exit_code == ExitCode.USAGE


def test_an_unreadable_file_is_a_message_and_exits_with_1(root: Path) -> None:
    (root / "app" / "broken.py").write_text("x = (\n")
    result = lint("app/broken.py")
    assert result.exit_code == ExitCode.FINDINGS
    assert "app/broken.py:1:1 error[MA001]" in result.stdout


def test_a_rule_that_fails_exits_with_3(fixing: Path) -> None:
    """Naming the rule and the file; the findings of the others are there."""
    (fixing / "app" / "clean.py").write_text("def bad():\n    fail()\n    old()\n")
    result = lint()
    assert result.exit_code == ExitCode.INTERNAL
    assert "app/clean.py error[MA907]" in result.stdout
    assert "MA006 failing-rule" in result.stdout
    assert "MA001 old-call" in result.stdout


def test_statistics(root: Path) -> None:
    assert lint("--statistics").stdout == "1  MA801  legacy-query\n"
    assert lint("--statistics", "app/clean.py").stdout == "No findings.\n"
    document = json.loads(lint("--statistics", "--format", "json").stdout)
    assert document["statistics"] == [
        {"count": 1, "code": "MA801", "rule": "legacy-query", "fixable": 0}
    ]
    assert lint("--statistics", "--format", "sarif").exit_code == ExitCode.USAGE


def test_the_report_can_go_to_a_file(root: Path) -> None:
    result = lint("--format", "json", "--output", "out/lint.json")
    assert result.stdout == ""
    assert result.stderr == "Wrote out/lint.json: 1 finding.\n"
    assert json.loads((root / "out" / "lint.json").read_text())["command"] == "lint"


def test_quiet_leaves_the_exit_code_to_speak(root: Path) -> None:
    result = lint("-q")
    assert (result.output, result.exit_code) == ("", ExitCode.FINDINGS)
    assert json.loads(lint("-q", "--format", "json").stdout)["findings"]


def test_the_result_depends_on_neither_cache_nor_jobs(root: Path) -> None:
    outputs = {
        lint("--format", "json", *more).stdout for more in ((), (), ("--no-cache",), ("-j", "2"))
    }
    assert len(outputs) == 1


def test_excluded_files_can_be_left_out_even_if_named(root: Path) -> None:
    """Hooks name files without asking; nothing left to look at is not everything."""
    (root / "pyproject.toml").write_text("[tool.migrate-async]\nexclude = ['crud.py']\n")
    assert len(concise("app/crud.py")) == 1
    assert concise("app/crud.py", "--force-exclude") == []
    assert lint("app/crud.py", "--force-exclude").exit_code == ExitCode.CLEAN
    (root / "app" / "other.py").write_text(CRUD)
    assert [f.split(":")[0] for f in concise("app/crud.py", "app/other.py", "--force-exclude")] == [
        "app/other.py"
    ]


@pytest.mark.parametrize("name", ["sarif", "github", "gitlab"])
def test_servers_get_paths_from_the_top_of_the_repository(root: Path, name: str) -> None:
    """The project may be a folder of it."""
    git(root, "init", "-q")
    (root / "app" / "pyproject.toml").touch()
    assert "app/crud.py" in lint("app", "--format", name).stdout
    assert concise("app")[0].startswith("crud.py:5:12")


# --- rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", registry.rules(), ids=lambda rule: rule.CODE)
def test_a_rule_explains_itself(root: Path, rule: type[Rule]) -> None:
    for key in (rule.CODE, rule.name()):
        result = lint("--explain", key)
        assert result.exit_code == ExitCode.CLEAN
        assert rule.summary() in result.stdout
        assert all(example.title in result.stdout for example in rule.EXAMPLES)
    document = json.loads(lint("--explain", rule.CODE, "--format", "json").stdout)
    assert [each["code"] for each in document["rules"]] == [rule.CODE]


def test_an_unknown_rule_is_a_usage_error(root: Path) -> None:
    result = lint("--explain", "MA000")
    assert result.exit_code == ExitCode.USAGE
    assert "no rule is called MA000" in result.stderr


def test_rules_are_listed(root: Path) -> None:
    listed = invoke("rules").stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [[r.CODE, r.name()] for r in registry.rules()]
    document = json.loads(invoke("rules", "--format", "json").stdout)
    assert [each["code"] for each in document["rules"]] == [r.CODE for r in registry.rules()]
    assert all(each["examples"] for each in document["rules"])


# --- stdin -------------------------------------------------------------------------------------


def test_text_on_stdin_stands_for_a_file(root: Path) -> None:
    """Only that file is reported, with facts of the others; it need not be on disk."""
    (root / "app" / "base.py").write_text("from sqlalchemy.orm import Session\n\nDb = Session\n")
    text = "from app.base import Db\n\n\ndef f(db: Db):\n    return db.query(3)\n"
    for name in ("app/clean.py", "app/fresh.py"):
        result = lint("--format", "concise", "--stdin-filename", name, input=text)
        assert [line.split()[0] for line in result.stdout.splitlines()] == [f"{name}:5:12:"]
    assert (root / "app" / "clean.py").read_text() == CLEAN


def test_stdin_is_read_as_bytes(root: Path) -> None:
    result = lint("--stdin-filename", "app/clean.py", input=b"x = '\xff'\n")
    assert "error[MA002]" in result.stdout


def test_stdin_does_not_go_with_paths_or_writing(root: Path) -> None:
    for more in (("app",), ("--fix",), ("--add-noqa",)):
        result = lint("--stdin-filename", "app/clean.py", *more, input="x = 1\n")
        assert result.exit_code == ExitCode.USAGE, more


# --- since -------------------------------------------------------------------------------------


def test_only_lines_that_changed_are_reported(root: Path) -> None:
    repository(root)
    assert concise("--since", "HEAD") == []
    crud = root / "app" / "crud.py"
    crud.write_text(CRUD.replace("def get", "def x(db: Session):\n    db.query(3)\n\n\ndef get"))
    assert [line.split(":")[1] for line in concise("--since", "HEAD")] == ["5"]
    assert "1 at lines that did not change" in lint("--since", "HEAD").stdout


def test_a_file_that_git_does_not_know_has_changed(root: Path) -> None:
    repository(root)
    (root / "app" / "fresh.py").write_text(CRUD)
    assert [line.split(":")[0] for line in concise("--since", "HEAD")] == ["app/fresh.py"]


def test_what_others_changed_since_does_not_count(root: Path) -> None:
    """Compared is with the commit where the branches parted."""
    repository(root)
    git(root, "checkout", "-q", "-b", "topic")
    git(root, "checkout", "-q", "-")
    (root / "app" / "crud.py").write_text(CLEAN)
    commit(root)
    git(root, "branch", "-f", "other")
    git(root, "checkout", "-q", "topic")
    assert concise("--since", "other") == []


def test_an_unknown_revision_is_a_usage_error(root: Path) -> None:
    assert lint("--since", "HEAD").exit_code == ExitCode.USAGE
    repository(root)
    for revision in ("nowhere", "--output=x"):
        result = lint(f"--since={revision}")
        assert result.exit_code == ExitCode.USAGE
        assert revision in result.stderr


# --- baseline ----------------------------------------------------------------------------------


def test_a_baseline_is_a_ratchet(root: Path) -> None:
    """What is known is silent, what is new is reported, what is gone is an error."""
    assert lint("--baseline", "known.json").exit_code == ExitCode.USAGE
    assert lint("--baseline", "known.json", "--update-baseline").exit_code == ExitCode.CLEAN
    known = (root / "known.json").read_bytes()
    assert known.count(b"MA801") == 1
    assert lint("--baseline", "known.json").exit_code == ExitCode.CLEAN

    crud = root / "app" / "crud.py"
    crud.write_text("# moved\n" + CRUD + "\n\ndef more(db: Session):\n    return db.query(9)\n")
    assert [line.split(":")[1] for line in concise("--baseline", "known.json")] == ["14"]

    crud.write_text(CLEAN)
    result = lint("--baseline", "known.json")
    assert result.exit_code == ExitCode.FINDINGS
    assert "error[MA010]" in result.stdout
    assert lint("--baseline", "known.json", "--prune-baseline").exit_code == ExitCode.CLEAN
    assert b"MA801" not in (root / "known.json").read_bytes()


def test_pruning_adds_nothing(root: Path) -> None:
    lint("--baseline", "known.json", "--update-baseline")
    before = (root / "known.json").read_bytes()
    (root / "app" / "other.py").write_text(CRUD)
    assert lint("--baseline", "known.json", "--prune-baseline").exit_code == ExitCode.FINDINGS
    assert (root / "known.json").read_bytes() == before


def test_a_part_of_the_project_leaves_the_other_entries_alone(root: Path) -> None:
    """Other files and other rules are not looked at, so their entries are not gone."""
    lint("--baseline", "known.json", "--update-baseline")
    before = (root / "known.json").read_bytes()
    for part in (("app/clean.py",), ("--select", "MA899")):
        assert lint("--baseline", "known.json", *part).exit_code == ExitCode.CLEAN
        lint("--baseline", "known.json", "--update-baseline", *part)
        assert (root / "known.json").read_bytes() == before


def test_entries_of_a_file_that_cannot_be_parsed_are_not_gone(root: Path) -> None:
    lint("--baseline", "known.json", "--update-baseline")
    (root / "app" / "crud.py").write_text("x = (\n")
    assert "MA010" not in lint("--baseline", "known.json").stdout


def test_findings_that_are_not_shown_keep_their_entries(root: Path) -> None:
    """A baseline made with `--strict` serves without."""
    lint("--strict", "--baseline", "known.json", "--update-baseline")
    assert (root / "known.json").read_bytes().count(b"MA801") == 2
    assert lint("--baseline", "known.json").exit_code == ExitCode.CLEAN
    assert lint("--strict", "--baseline", "known.json").exit_code == ExitCode.CLEAN


def test_the_settings_name_the_baseline(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to the project, wherever the command is run."""
    (root / "pyproject.toml").write_text("[tool.migrate-async.lint]\nbaseline = 'known.json'\n")
    monkeypatch.chdir(root / "app")
    assert lint(str(root), "--update-baseline").exit_code == ExitCode.CLEAN
    assert (root / "known.json").exists()
    found = lint(str(root))
    assert found.exit_code == ExitCode.CLEAN
    assert "1 in the baseline (`--no-baseline` shows them)" in found.stdout
    everything = lint(str(root), "--no-baseline")
    assert everything.exit_code == ExitCode.FINDINGS
    assert "MA801" in everything.stdout


def test_a_missing_baseline_is_missing_after_a_run_without_one(root: Path) -> None:
    """A misspelt name gets no remembered result."""
    lint()
    result = lint("--baseline", "knwon.json")
    assert result.exit_code == ExitCode.USAGE
    assert "--update-baseline writes one" in result.stderr


def test_a_baseline_has_to_be_named(root: Path) -> None:
    assert lint("--update-baseline").exit_code == ExitCode.USAGE
    result = lint("--baseline", "known.json", "--update-baseline", "--fix")
    assert result.exit_code == ExitCode.USAGE


# --- comments ----------------------------------------------------------------------------------


def test_comments_are_written_and_taken_back(root: Path) -> None:
    result = lint("--add-noqa", "--reason", "for now")
    assert result.exit_code == ExitCode.CLEAN
    assert "Changed 1 file: 1 finding commented on." in result.stdout
    crud = root / "app" / "crud.py"
    assert crud.read_text() == CRUD.replace(
        "db.query(1).all()", "db.query(1).all()  # noqa: MA801 for now"
    )
    assert lint().exit_code == ExitCode.CLEAN
    assert lint("--add-noqa").exit_code == ExitCode.CLEAN
    assert invoke("undo").exit_code == ExitCode.CLEAN
    assert crud.read_text() == CRUD


def test_comments_can_be_looked_at_first(root: Path) -> None:
    result = lint("--add-noqa", "--diff")
    assert "+    return db.query(1).all()  # noqa: MA801" in result.stdout
    assert (root / "app" / "crud.py").read_text() == CRUD


@pytest.mark.parametrize("head", [b"\xef\xbb\xbf", b"# coding: latin-1\r\n"])
def test_comments_keep_encoding_and_line_ends(root: Path, head: bytes) -> None:
    data = head + CRUD.replace("\n", "\r\n").replace("1)", "'é')").encode(
        "utf-8" if head.startswith(b"\xef") else "latin-1"
    )
    crud = root / "app" / "crud.py"
    crud.write_bytes(data)
    lint("--add-noqa")
    assert crud.read_bytes().replace(b"  # noqa: MA801", b"") == data
    assert crud.read_bytes() != data


# --- fixes -------------------------------------------------------------------------------------


def test_safe_fixes_are_made_and_taken_back(fixing: Path) -> None:
    file = fixing / "app" / "clean.py"
    before = "def f():\n    old()\n    risky()\n"
    file.write_text(before)
    result = lint("--fix")
    assert result.exit_code == ExitCode.FINDINGS
    assert "Changed 1 file: 1 finding mended." in result.stdout
    assert "1 of them can be mended with `--unsafe-fixes`." in result.stdout
    assert file.read_text() == "from app.new import new\n\n\ndef f():\n    new()\n    risky()\n"
    assert invoke("undo").exit_code == ExitCode.CLEAN
    assert file.read_text() == before


def test_a_second_run_changes_nothing(fixing: Path) -> None:
    file = fixing / "app" / "clean.py"
    file.write_text("def f():\n    old()\n")
    assert lint("--fix").exit_code == ExitCode.CLEAN
    after = file.read_bytes()
    assert "Changed" not in lint("--fix").stdout
    assert file.read_bytes() == after


def test_unsafe_fixes_are_made_when_asked_for(fixing: Path) -> None:
    file = fixing / "app" / "clean.py"
    file.write_text("def f():\n    x = old()\n    y = risky()\n")
    assert lint("--unsafe-fixes").exit_code == ExitCode.CLEAN
    assert file.read_text().endswith("    x = new()\n    y = None\n")


def test_a_diff_is_printed_and_nothing_written(fixing: Path) -> None:
    file = fixing / "app" / "clean.py"
    file.write_text("def f():\n    old()\n")
    result = lint("--diff")
    assert result.exit_code == ExitCode.FINDINGS
    assert result.stdout.startswith("diff --git a/app/clean.py b/app/clean.py\n")
    assert "Would change 1 file" in result.stderr
    assert file.read_text() == "def f():\n    old()\n"
    git(fixing, "apply", stdin=result.stdout_bytes)
    assert "new()" in file.read_text()


def test_fixes_that_overlap_are_made_one_after_the_other(fixing: Path) -> None:
    file = fixing / "app" / "clean.py"
    file.write_text("def f():\n    x = outer(outer(old()))\n    old()\n")
    result = lint("--fix")
    assert result.exit_code == ExitCode.CLEAN
    assert file.read_text().endswith("    x = None\n    new()\n")


@pytest.mark.parametrize(("call", "code"), [("endless()", "MA908"), ("broken()", "MA90")])
def test_a_file_whose_fixes_fail_is_left(fixing: Path, call: str, code: str) -> None:
    """Which is a bug of ours; the others are fixed."""
    bad, good = fixing / "app" / "clean.py", fixing / "app" / "good.py"
    before = f"def f():\n    old()\n    x = {call}\n"
    bad.write_text(before)
    good.write_text("def f():\n    old()\n")
    result = lint("--fix")
    assert result.exit_code == ExitCode.INTERNAL
    assert f"error[{code}" in result.stdout
    assert bad.read_text() == before
    assert "new()" in good.read_text()


def test_a_file_that_does_not_compile_is_not_mended(fixing: Path) -> None:
    """Which is no bug of ours."""
    bad, good = fixing / "app" / "clean.py", fixing / "app" / "good.py"
    bad.write_text("old()\nreturn 1\n")
    good.write_text("def f():\n    old()\n")
    result = lint("--fix")
    assert result.exit_code == ExitCode.FINDINGS
    assert "app/clean.py:2:1 error[MA001]" in result.stdout
    assert bad.read_text() == "old()\nreturn 1\n"
    assert "new()" in good.read_text()


def test_fixes_only_of_what_is_shown(fixing: Path) -> None:
    """Suppressed findings, and files that are not selected, stay."""
    one, two = fixing / "app" / "clean.py", fixing / "app" / "good.py"
    one.write_text("def f():\n    old()  # noqa: MA001\n")
    two.write_text("def f():\n    old()\n")
    assert lint("--fix", "app/clean.py").exit_code == ExitCode.CLEAN
    assert "old()" in one.read_text()
    assert "old()" in two.read_text()


def test_fixes_keep_everything_else(fixing: Path) -> None:
    file = fixing / "app" / "clean.py"
    file.write_bytes(b"\xef\xbb\xbfdef f():\r\n\tx  =  risky( )  # why\r\n\treturn   x\r\n")
    lint("--unsafe-fixes")
    assert file.read_bytes() == b"\xef\xbb\xbfdef f():\r\n\tx  =  None  # why\r\n\treturn   x\r\n"


# --- bad input ---------------------------------------------------------------------------------

BAD = {
    "syntax.py": (b"x = (\n", "MA001"),
    "deep.py": (b"x = " + b"(" * 900 + b")" * 900, "MA001"),
    "latin.py": (b"x = '\xe9'\n", "MA002"),
    "utf16.py": ("x = 1\n".encode("utf-16"), "MA002"),
    "nul.py": (b"x = 1\0\n", "MA003"),
    "huge.py": (b"#" * 3000 + b"\n", "MA004"),
}


def test_bad_files_are_reported_and_the_others_looked_at(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.migrate-async]\nmax-file-size = 2000\n")
    for name, (data, _) in BAD.items():
        (root / "app" / name).write_bytes(data)
    (root / "app" / "loop.py").symlink_to("loop.py")
    (root / "app" / "gone.py").symlink_to("nowhere.py")
    result = lint("--format", "json", "--fix")
    document = json.loads(result.stdout)
    assert result.exit_code == ExitCode.FINDINGS
    expected = {f"app/{name}": code for name, (_, code) in BAD.items()}
    expected |= {"app/loop.py": "MA006", "app/gone.py": "MA005"}
    assert {d["path"]: d["code"] for d in document["diagnostics"]} == expected
    assert [f["path"] for f in document["findings"]] == ["app/crud.py"]
    for name, (data, _) in BAD.items():
        assert (root / "app" / name).read_bytes() == data


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_reported(root: Path) -> None:
    (root / "app" / "clean.py").chmod(0)
    assert "MA005" in lint().stdout


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + CRUD.encode(),
        CRUD.replace("\n", "\r\n").encode(),
        CRUD.replace("\n", "\r").encode(),
        CRUD.replace("    ", "\t").encode(),
        b"\x0c\n" + CRUD.encode(),
        b"# coding: latin-1\n# \xe9\n" + CRUD.encode(),
    ],
    ids=["bom", "crlf", "cr", "tabs", "form feed", "latin-1"],
)
def test_unusual_files_are_looked_at_like_any(root: Path, data: bytes) -> None:
    (root / "app" / "crud.py").write_bytes(data)
    (line,) = concise()
    assert "MA801" in line
    assert "db.query(1)" in lint().stdout


def test_a_loop_of_folders_ends(root: Path) -> None:
    (root / "app" / "self").symlink_to(root / "app")
    assert len(concise("--select", "MA801")) == 2  # the finding, and the message about the link


def test_a_second_run_is_answered_from_the_cache(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is loaded or linked while no file changes; a change is seen."""
    first = concise()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the project was loaded again")

    with monkeypatch.context() as patched:
        patched.setattr(lint_look, "load_project", refuse)
        assert concise() == first
    (root / "app" / "added.py").write_text(CRUD)
    assert len(concise()) == 2 * len(first)


def test_a_file_out_of_reach_is_read_when_it_is_named_or_all_are_wanted(root: Path) -> None:
    """Nothing else of a large project leads to the broken file."""
    for number in range(200):
        (root / "app" / f"m{number}.py").write_text("x = 1\n")
    (root / "app" / "bad.py").write_text("def f(:\n")
    seen = lint("--no-cache", "app")
    assert "MA801" in seen.output
    assert "MA001" not in seen.output + seen.stderr
    assert "further files that no database code reaches" in " ".join(seen.output.split())
    named = lint("--no-cache", "app/bad.py")
    assert "MA001" in named.output + named.stderr
    everything = lint("--no-cache", "--all-files", "app")
    (root / "pyproject.toml").write_text("[tool.migrate-async]\nreach = 'all'\n")
    for whole in (everything, lint("--no-cache", "app")):
        assert "MA001" in whole.output + whole.stderr
        assert "further file" not in whole.output
