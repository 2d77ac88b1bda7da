"""`[tool.migrate-async]`: every key, every way to get it wrong, and the page about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from migrate_async import config
from migrate_async.config import LintSettings, Settings
from migrate_async.errors import ConfigurationError

REPOSITORY = Path(__file__).parents[2]


def settings_from(folder: Path, text: str) -> Settings:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return config.load(folder)


def error_from(folder: Path, body: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings_from(folder, f"[tool.migrate-async]\n{body}\n")
    return str(caught.value)


def table_rows(text: str) -> list[list[str]]:
    """The cells of the rows of a Markdown table whose first cell is a key in backticks."""
    rows = [line.strip() for line in text.splitlines() if re.match(r"\s*\| `[a-z-]+` ", line)]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_a_project_without_a_file_gets_the_defaults(tmp_path: Path) -> None:
    assert config.load(tmp_path) == Settings()


def test_a_file_without_the_table_gets_the_defaults(tmp_path: Path) -> None:
    assert settings_from(tmp_path, "[project]\nname = 'shop'\n") == Settings()


def test_every_key_is_read(tmp_path: Path) -> None:
    """A value that differs from the default arrives, for all keys of `Settings`."""
    given: dict[str, Any] = {
        "paths": ["app"],
        "exclude": ["app/legacy/*"],
        "source-roots": ["src"],
        "get-db": "app.db.get_db",
        "session-names": ["dbs"],
        "session-resolvers": ["Registry.get('db')"],
        "registry-keys": ["db"],
        "style": "inline",
        "blocking": "report",
        "responses": "loaded",
        "keep": "both",
        "keep-sync": ["app.legacy.*"],
        "commands": ["app.setup:main"],
        "target-sqlalchemy": "2.1",
        "cache-dir": ".cache",
        "max-file-size": 10,
        "reach": "all",
        "status-file": "docs/status.jsonl",
        "profile": "profile.json",
        "test-classes": ["*Tests"],
        "lint": {
            "select": ["MA6"],
            "extend-select": ["MA801"],
            "ignore": ["MA602"],
            "per-file-ignores": {"tests/": ["MA6"]},
            "strict": True,
            "baseline": "known.json",
        },
    }
    fields = msgspec.structs.fields(Settings)
    assert sorted(given) == sorted(field.encode_name for field in fields)
    assert list(given["lint"]) == [f.encode_name for f in msgspec.structs.fields(LintSettings)]
    read = settings_from(tmp_path, msgspec_toml({"tool": {"migrate-async": given}}))
    for field in fields:
        value = getattr(read, field.name)
        assert value != field.default, field.name
        assert msgspec.json.decode(msgspec.json.encode(value)) == given[field.encode_name]


def msgspec_toml(document: dict[str, Any]) -> str:
    """TOML for the one table of `document`; JSON's strings, lists and numbers are TOML's."""
    table = document["tool"]["migrate-async"]
    lines = [f"{key} = {toml_value(value)}" for key, value in table.items()]
    return "\n".join(["[tool.migrate-async]", *lines])


def toml_value(value: Any) -> str:
    if isinstance(value, dict):
        items = (f'"{key}" = {toml_value(inner)}' for key, inner in value.items())
        return f"{{{', '.join(items)}}}"
    return msgspec.json.encode(value).decode()


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("exclud", "exclude"),
        ("session_names", "session-names"),
        ("getdb", "get-db"),
        ("lint.selct", "select"),
    ],
)
def test_an_unknown_key_is_named_with_file_and_nearest_key(
    tmp_path: Path, key: str, nearest: str
) -> None:
    message = error_from(tmp_path, f"{key} = 1")
    assert f"`{key}`" in message
    assert f"`{nearest}`" in message
    assert str(tmp_path / "pyproject.toml") in message


@pytest.mark.parametrize("name", ["migrate_async", "migrateasync", "Migrate-Async"])
def test_a_misspelt_table_is_an_error(tmp_path: Path, name: str) -> None:
    """It would have no effect, and nobody would notice."""
    with pytest.raises(ConfigurationError, match=r"is not read: call it \[tool\.migrate-async\]"):
        settings_from(tmp_path, f"[tool.{name}]\nstyle = 'inline'\n")


def test_an_unknown_key_like_no_other_lists_all_keys(tmp_path: Path) -> None:
    message = error_from(tmp_path, "zzz = 1")
    assert all(field.encode_name in message for field in msgspec.structs.fields(Settings))


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('paths = "app"', "`paths`"),
        ("exclude = ['a', 3]", "`exclude[1]`"),
        ("style = 'short'", "`style`"),
        ("get-db = 'not a name'", "`get-db`"),
        ("session-resolvers = ['Container']", "`session-resolvers[0]`"),
        ("session-resolvers = ['a b']", "`session-resolvers[0]`"),
        ("max-file-size = 0", "`max-file-size`"),
        ("max-file-size = true", "`max-file-size`"),
        ("reach = 'everything'", "`reach`"),
        ("lint = 3", "`lint`"),
        ("lint.select = 'MA6'", "`lint.select`"),
        ("lint.ignore = ['MA6', 3]", "`lint.ignore[1]`"),
        ("lint.per-file-ignores = {'a' = 'MA6'}", "`lint.per-file-ignores[...]`"),
    ],
)
def test_a_wrong_value_names_key_and_file(tmp_path: Path, body: str, place: str) -> None:
    message = error_from(tmp_path, body)
    assert f"wrong value for {place}" in message
    assert str(tmp_path / "pyproject.toml") in message


def test_a_wrong_choice_lists_the_choices(tmp_path: Path) -> None:
    message = error_from(tmp_path, "target-sqlalchemy = '1.4'")
    assert "'1.4'" in message
    assert "2.0, 2.1" in message


@pytest.mark.parametrize("text", ["[tool", "x = '\udcff'"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError, match="is not valid TOML") as caught:
        config.load(tmp_path)
    assert str(file) in str(caught.value)


def test_a_table_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has to be a table"):
        settings_from(tmp_path, "[tool]\nmigrate-async = 3\n")


def test_another_file_can_be_named(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[tool.migrate-async]\nstyle = 'inline'\n", encoding="utf-8")
    assert config.load(tmp_path, other).style == "inline"


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*absent\.toml"):
        config.load(tmp_path, tmp_path / "absent.toml")


def test_the_root_is_the_nearest_folder_with_a_project_file(tmp_path: Path) -> None:
    inner = tmp_path / "service" / "app"
    inner.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "service" / "pyproject.toml").touch()
    assert config.find_root(inner) == tmp_path / "service"
    assert config.find_root(tmp_path) == tmp_path


@pytest.mark.parametrize("kind", [Settings, LintSettings])
def test_the_docstring_has_every_key_once_in_the_order_of_the_fields(
    kind: type[msgspec.Struct],
) -> None:
    documented = [row[0].strip("`") for row in table_rows(kind.__doc__ or "")]
    assert documented == [field.encode_name for field in msgspec.structs.fields(kind)]


@pytest.mark.parametrize(("kind", "section"), [(Settings, 0), (LintSettings, 1)])
def test_the_page_says_what_the_docstring_and_the_defaults_say(
    kind: type[msgspec.Struct], section: int
) -> None:
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    part = re.split(r"^## Keys of `lint`$", page, flags=re.MULTILINE)[section]
    meanings = {row[0]: row[1] for row in table_rows(kind.__doc__ or "")}
    documented = {row[0]: row for row in table_rows(part)}
    assert list(documented) == list(meanings)
    for field in msgspec.structs.fields(kind):
        _, default, meaning = documented[f"`{field.encode_name}`"]
        expected = b"{}" if field.name == "lint" else msgspec.json.encode(_default(field))
        assert default.strip("`") == expected.decode()
        assert meaning == meanings[f"`{field.encode_name}`"]


def _default(field: msgspec.structs.FieldInfo) -> Any:
    """msgspec keeps an empty dictionary as the factory of it."""
    if field.default is msgspec.NODEFAULT:
        return field.default_factory()  # type: ignore[operator]
    return field.default


def test_the_scripts_of_the_package_are_commands(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.migrate-async]\ncommands = ['app.old:main']\n"
        "[project.scripts]\nsetup = 'app.setup:main'\n"
        "[project.gui-scripts]\nshow = 'app.gui:show'\n"
        "[tool.poetry.scripts]\nserve = 'app.serve:run'\nother = {callable = 'app.x:y'}\n"
    )
    names = ("app.old:main", "app.setup:main", "app.gui:show", "app.serve:run")
    assert config.load(tmp_path).commands == names
