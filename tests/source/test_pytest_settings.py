"""Where `python_classes` of pytest is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.source.pytest_settings import python_classes

TABLES = {
    "pytest.toml": '[pytest]\npython_classes = ["Test", "*Checks"]\n',
    "pyproject.toml": '[tool.pytest.ini_options]\npython_classes = ["Test", "*Checks"]\n',
    "pytest.ini": "[pytest]\npython_classes = Test *Checks\n",
    "tox.ini": "[tox]\nenvlist = py\n\n[pytest]\npython_classes =\n    Test\n    *Checks\n",
    "setup.cfg": "[metadata]\nname = shop\n\n[tool:pytest]\npython_classes = Test *Checks\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_every_file_that_pytest_reads_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(TABLES[name])
    assert python_classes(tmp_path) == ("Test", "*Checks")


def test_the_table_of_pytest_9_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.pytest]\npython_classes = ["Suite"]\n')
    assert python_classes(tmp_path) == ("Suite",)


def test_the_first_file_with_a_table_counts(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (tmp_path / "setup.cfg").write_text(TABLES["setup.cfg"])
    assert python_classes(tmp_path) == ()


def test_a_file_without_the_table_or_in_no_form_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    (tmp_path / "tox.ini").write_text("no section\n")
    (tmp_path / "setup.cfg").write_text(TABLES["setup.cfg"])
    assert python_classes(tmp_path) == ("Test", "*Checks")
