"""Which versions of a package a project says that it allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.source.pins import pins_of


@pytest.mark.parametrize(
    ("name", "text", "allows"),
    [
        ("requirements.txt", "sqlalchemy==1.4.27\n", False),
        ("requirements.txt", "fastapi\nSQLAlchemy==2.0.8  # the last one\n", False),
        ("requirements.txt", "sqlalchemy==2.0.36\n", True),
        ("requirements.txt", "sqlalchemy[asyncio]==2.0.40 ; python_version > '3.8'\n", True),
        ("requirements.txt", "sqlalchemy>=1.4,<2\n", False),
        ("requirements.txt", "sqlalchemy>=1.4,<2.1\n", True),
        ("requirements.txt", "sqlalchemy<=2.0.20\n", False),
        ("requirements.txt", "sqlalchemy>=2.0\n", True),
        ("requirements.txt", "sqlalchemy~=2.0.8\n", True),
        ("requirements.txt", "sqlalchemy~=1.4.8\n", False),
        ("requirements/base.in", "sqlalchemy == 1.4.*\n", False),
        ("pyproject.toml", '[project]\ndependencies = ["sqlalchemy[asyncio]==1.4.27"]\n', False),
        ("pyproject.toml", '[tool.poetry.dependencies]\nsqlalchemy = "^1.4.36"\n', False),
        ("pyproject.toml", '[tool.poetry.dependencies]\nSQLAlchemy = "^2.0"\n', True),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nsqlalchemy = {version = "~1.4", extras = ["asyncio"]}\n',
            False,
        ),
        ("Pipfile", '[packages]\nsqlalchemy = "==2.0.12"\n', False),
        ("setup.cfg", "[options]\ninstall_requires =\n    sqlalchemy<2.0\n", False),
    ],
)
def test_what_a_requirement_allows(name: str, text: str, allows: bool, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    [pin] = pins_of("sqlalchemy", tmp_path)
    assert pin.path == name
    assert pin.text.lower().startswith("sqlalchemy")
    assert pin.allows("2.0.36") is allows


@pytest.mark.parametrize(
    "text",
    [
        "sqlalchemy\n",
        "sqlalchemy-utils==0.38.3\n",
        "sqlalchemy2-stubs==0.0.2a27\n",
        "snowflake-sqlalchemy~=1.8.2\n",
        "# sqlalchemy==1.4\n",
        "sqlalchemy @ git+https://example.org/sqlalchemy\n",
        "opentelemetry-instrumentation-sqlalchemy==0.40\n",
    ],
)
def test_what_says_nothing_of_sqlalchemy(text: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(text)
    assert list(pins_of("sqlalchemy", tmp_path)) == []


def test_the_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = [\n    "SQLAlchemy<2",\n]\n'
    )
    [pin] = pins_of("sqlalchemy", tmp_path)
    assert (pin.line, pin.text) == (3, "SQLAlchemy<2")


@pytest.mark.parametrize(
    ("text", "allows"),
    [
        ("fastapi-pagination[sqlalchemy]==0.12.34\n", False),
        ("fastapi_pagination>=0.12\n", True),
        ("FastAPI.Pagination==0.15.12\n", True),
    ],
)
def test_a_package_is_known_under_all_spellings(text: str, allows: bool, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(text + "sqlalchemy==2.0.1\n")
    [pin] = pins_of("fastapi-pagination", tmp_path)
    assert pin.line == 1
    assert pin.allows("0.13.0") is allows


@pytest.mark.parametrize(
    ("pin", "allows"),
    [("^0.12.34", False), ("^0.13", True), ("^0", True), ("^1.0", True), ("^0.0.3", False)],
)
def test_what_a_caret_allows_below_one(pin: str, allows: bool, tmp_path: Path) -> None:
    text = f'[tool.poetry.dependencies]\nfastapi-pagination = "{pin}"\n'
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    (found,) = pins_of("fastapi-pagination", tmp_path)
    assert found.allows("0.13.0") is allows


def test_requirements_of_a_folder_below_are_those_of_its_modules(tmp_path: Path) -> None:
    """A repository with a back end and more in it."""
    for folder in ("backend", "backend/app", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "requirements.txt").write_text("sqlalchemy==1.4.27\n", "utf-8")
    found = pins_of("sqlalchemy", tmp_path, ["backend/app/main.py", "backend/app/models.py"])
    assert [pin.path for pin in found] == [
        "backend/requirements.txt",
        "backend/app/requirements.txt",
    ]
    assert not list(pins_of("sqlalchemy", tmp_path))
