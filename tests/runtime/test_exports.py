"""The names of the package: lazy, complete, the same for the type checker and at run time."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import migrate_async
from migrate_async.runtime import errors

HEAVY = ("sqlalchemy", "fastapi", "libcst", "click", "alembic", "greenlet")


def declared() -> dict[str, str]:
    """Name -> module, as the imports for the type checker say."""
    tree = ast.parse(Path(migrate_async.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {
        alias.name: str(node.module).removeprefix("migrate_async.runtime.")
        for node in imports
        for alias in node.names
        if str(node.module).startswith("migrate_async.runtime")
    }


def test_the_type_checker_sees_the_same_names() -> None:
    """The table is written twice, so it is compared."""
    assert declared() == migrate_async._EXPORTS


@pytest.mark.parametrize("name", sorted(migrate_async._EXPORTS))
def test_every_name_can_be_loaded(name: str) -> None:
    """And is then an ordinary attribute, listed by `dir()`."""
    assert getattr(migrate_async, name) is vars(migrate_async)[name]
    assert name in dir(migrate_async)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no_such_name"):
        migrate_async.no_such_name  # noqa: B018


def test_importing_the_package_imports_nothing_heavy() -> None:
    """Neither half of it pays for the other."""
    code = f"import sys, migrate_async; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_the_runtime_imports_nothing_of_the_tooling() -> None:
    """What runs in production has no parser in it."""
    code = (
        "import sys; from migrate_async import get_db, Database; "
        "print(*[m for m in ('libcst', 'click', 'rich', 'msgspec') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def documented() -> set[str]:
    """The names in the tables of names of docs/runtime.md."""
    page = Path(__file__).parents[2] / "docs" / "runtime.md"
    tables = page.read_text(encoding="utf-8").split("| name | what it is |\n")[1:]
    rows = [row for table in tables for row in table.split("\n\n")[0].splitlines()[1:]]
    return {name for row in rows for name in re.findall(r"`([A-Za-z_]\w*)", row.split("|")[1])}


def test_what_is_documented_is_exported() -> None:
    """And at least that: the classes which the functions return need no table."""
    assert documented() <= set(migrate_async._EXPORTS)
    assert {"run_async", "SessionLocal", "register_prometheus"} <= documented()


def test_errors_and_warnings_are_exported() -> None:
    """Whoever catches them should not look for their module."""
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert defined <= set(migrate_async._EXPORTS)
