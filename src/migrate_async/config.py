"""`[tool.migrate-async]` of `pyproject.toml`, as a frozen `Settings`."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin

import msgspec
import msgspec.toml

from migrate_async.errors import ConfigurationError

TABLE = "tool.migrate-async"
FILE_NAME = "pyproject.toml"


class LintSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What a project may set for the linter, in `[tool.migrate-async.lint]`.

    | key                | meaning                                                            |
    | ------------------ | ------------------------------------------------------------------ |
    | `select`           | Rules to run: codes, beginnings of codes, names. `MA` is all.      |
    | `extend-select`    | Rules to run besides those of `select`.                            |
    | `ignore`           | Rules not to run; of two that match, the longer one counts.        |
    | `per-file-ignores` | Rules whose findings are left out in files, by pattern.            |
    | `strict`           | Show what is less sure, and calls that could not be resolved.      |
    | `baseline`         | File with the findings that are known, relative to the root.       |
    """

    select: tuple[str, ...] = ("MA",)
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    strict: bool = False
    baseline: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What a project may set; the defaults suit a project that sets nothing.

    | key                 | meaning                                                           |
    | ------------------- | ----------------------------------------------------------------- |
    | `paths`             | Files and folders to work on when the command names none.         |
    | `exclude`           | Patterns, as in `.gitignore`, of files to leave out.              |
    | `source-roots`      | Folders that imports start from; empty: found by itself.          |
    | `get-db`            | Dotted name of the session dependency; empty: found by itself.    |
    | `session-names`     | Names that hold a session wherever their type is not known.       |
    | `session-resolvers` | Calls that return a session, as written in the code.              |
    | `registry-keys`     | Keys under which a service registry holds the session.            |
    | `style`             | `result`: an executed statement gets a line; `inline`: it stays.  |
    | `blocking`          | `wrap`: slow calls go to a thread where nothing changes; `report`.|
    | `responses`         | `lazy`: deep ones load as they are read; `loaded`: all before.    |
    | `keep`              | Of what sync code calls, too: the `sync` one, `async` or `both`.  |
    | `keep-sync`         | Functions, classes, modules and paths that stay sync, as patterns.|
    | `commands`          | Functions that console scripts run, besides those of this file.   |
    | `target-sqlalchemy` | The SQLAlchemy line that the converted code has to run on.        |
    | `cache-dir`         | Folder of the facts cache, relative to the project root.          |
    | `max-file-size`     | Size in bytes above which a file is reported and skipped.         |
    | `reach`             | `database`: `lint` reads what database code reaches; or `all`.    |
    | `status-file`       | Where `status --record` keeps its numbers, to be committed.       |
    | `profile`           | Recorded lazy loads that `plan` and `migrate` heed; see `record`. |
    | `test-classes`      | Classes with tests, as patterns; else pytest's `python_classes`.  |
    | `lint`              | A table with the keys of the linter.                              |
    """

    paths: tuple[str, ...] = (".",)
    exclude: tuple[str, ...] = ()
    source_roots: tuple[str, ...] = ()
    get_db: str = ""
    session_names: tuple[str, ...] = ("db", "db_session", "session")
    session_resolvers: tuple[str, ...] = ('Container.resolve("db_session")',)
    registry_keys: tuple[str, ...] = ("db_session",)
    style: Literal["result", "inline"] = "result"
    blocking: Literal["wrap", "report"] = "wrap"
    responses: Literal["lazy", "loaded"] = "lazy"
    keep: Literal["sync", "both", "async"] = "sync"
    keep_sync: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    target_sqlalchemy: Literal["2.0", "2.1"] = "2.0"
    cache_dir: str = ".migrate-async/cache"
    max_file_size: int = 5_000_000
    reach: Literal["database", "all"] = "database"
    status_file: str = "migration-status.jsonl"
    profile: str = ""
    test_classes: tuple[str, ...] = ()
    lint: LintSettings = LintSettings()


def find_root(start: Path) -> Path:
    """The project that `start` is in: the nearest folder with a `pyproject.toml` or `.git`.

    `start` itself (or its folder, if it is a file) when there is none.
    """
    folder = start if start.is_dir() else start.parent
    for candidate in (folder, *folder.parents):
        if _is_project(candidate):
            return candidate
    return folder


def projects_below(root: Path) -> tuple[str, ...]:
    """The projects directly in `root`, by name, if it is none itself; fewer than two are none."""
    if find_root(root) != root or _is_project(root):
        return ()
    found = sorted(path.name for path in root.iterdir() if path.is_dir() and _is_project(path))
    return tuple(found) if len(found) > 1 else ()


def _is_project(folder: Path) -> bool:
    return (folder / FILE_NAME).is_file() or (folder / ".git").exists()


def load(root: Path, file: Path | None = None) -> Settings:
    """The settings in `file`, by default those in `root/pyproject.toml` if there is one.

    The scripts that the package in there installs are `commands`, too.

    Raises `ConfigurationError` when the file cannot be read, is not TOML, or holds a key or a
    value that `Settings` does not know.
    """
    if file is None:
        file = root / FILE_NAME
        if not file.is_file():
            return Settings()
    document = _read(file)
    settings = parse(_table(document, file), file)
    commands = (*settings.commands, *_scripts(document))
    return msgspec.structs.replace(settings, commands=commands) if commands else settings


def _scripts(document: dict[str, Any]) -> Iterator[str]:
    """What `[project.scripts]` and its like name: `package.module:function`."""
    for table in ("project.scripts", "project.gui-scripts", "tool.poetry.scripts"):
        found: Any = document
        for part in table.split("."):
            found = found.get(part, {}) if isinstance(found, Mapping) else {}
        values: Iterable[Any] = found.values() if isinstance(found, Mapping) else ()
        yield from (value for value in values if isinstance(value, str) and ":" in value)


def parse(table: Mapping[str, Any], file: Path) -> Settings:
    """The settings in `table`; `file` is named in errors.

    Raises `ConfigurationError` for an unknown key or a value of the wrong type.
    """
    values = _values(table, Settings, "", file)
    settings = Settings(**values)
    _check_values(settings, file)
    return settings


def _values(
    table: Mapping[str, Any], kind: type[msgspec.Struct], prefix: str, file: Path
) -> dict[str, Any]:
    """The values in `table` by field of `kind`; `prefix` names the table in errors."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in fields:
            raise ConfigurationError(_unknown(key, list(fields), prefix, file))
        field = fields[key]
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            values[field.name] = field.type(
                **_values(_subtable(value, key, file), field.type, f"{key}.", file)
            )
            continue
        try:
            values[field.name] = msgspec.convert(value, field.type)
        except msgspec.ValidationError as error:
            problem = _choices(field.type, value) or str(error)
            raise ConfigurationError(_wrong(prefix + key, problem, file)) from None
    return values


def _subtable(value: Any, key: str, file: Path) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(_wrong(key, "expected a table", file))
    return cast("Mapping[str, Any]", value)


def _read(file: Path) -> dict[str, Any]:
    try:
        return msgspec.toml.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from None


def _table(document: dict[str, Any], file: Path) -> Mapping[str, Any]:
    _refuse_misspelt(document.get("tool", {}), file)
    table: Any = document
    for part in TABLE.split("."):
        table = table.get(part, {})
        if not isinstance(table, Mapping):
            raise ConfigurationError(f"[{TABLE}] in {file} has to be a table")
    return cast("Mapping[str, Any]", table)


def _refuse_misspelt(tools: Any, file: Path) -> None:
    """A table that means this tool and is called otherwise would have no effect."""
    name = TABLE.rpartition(".")[2]
    for key in tools if isinstance(tools, Mapping) else ():
        if key != name and key.lower().replace("_", "").replace("-", "") == name.replace("-", ""):
            raise ConfigurationError(f"[tool.{key}] in {file} is not read: call it [{TABLE}]")


def _unknown(key: str, known: list[str], prefix: str, file: Path) -> str:
    nearest = difflib.get_close_matches(key.replace("_", "-"), known, n=1, cutoff=0.5)
    advice = f"did you mean `{nearest[0]}`?" if nearest else f"the keys are {', '.join(known)}"
    return f"unknown key `{prefix}{key}` in [{TABLE}] of {file}: {advice}"


def _choices(kind: Any, value: Any) -> str:
    """What may be given instead of `value`, if `kind` is a choice."""
    if get_origin(kind) is not Literal:
        return ""
    return f"expected one of {', '.join(get_args(kind))}, got {value!r}"


def _wrong(key: str, problem: str, file: Path) -> str:
    """`problem` is msgspec's text: it ends in ` - at `$[1]`` where an item is wrong."""
    text, _, place = problem.partition(" - at `$")
    where = f"{key}{place.rstrip('`')}"
    return f"wrong value for `{where}` in [{TABLE}] of {file}: {text[:1].lower()}{text[1:]}"


def _check_values(settings: Settings, file: Path) -> None:
    if settings.get_db and not all(part.isidentifier() for part in settings.get_db.split(".")):
        raise ConfigurationError(
            _wrong(
                "get-db", f"{settings.get_db!r} is not a dotted name such as app.db.get_db", file
            )
        )
    for number, resolver in enumerate(settings.session_resolvers):
        if not _is_call(resolver):
            problem = f"{resolver!r} is not a call such as Container.resolve('db_session')"
            raise ConfigurationError(_wrong(f"session-resolvers[{number}]", problem, file))
    if settings.max_file_size <= 0:
        raise ConfigurationError(_wrong("max-file-size", "expected a number above 0", file))


def _is_call(code: str) -> bool:
    try:
        return isinstance(ast.parse(code, mode="eval").body, ast.Call)
    except (SyntaxError, ValueError):
        return False
