"""Which line length a project asks its formatter for."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.source.formatters import written_limit


def project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"pyproject.toml": "[tool.ruff]\nline-length = 120\n"}, 120),
        ({"pyproject.toml": "[tool.black]\nline-length = 79\n"}, 79),
        ({"pyproject.toml": "[tool.black]\nline_length = 79\n"}, 79),
        ({"pyproject.toml": '[tool.black]\ntarget-version = ["py312"]\n'}, 88),
        ({"ruff.toml": '[format]\nquote-style = "double"\n'}, 88),
        ({"pyproject.toml": "[tool.ruff.format]\npreview = true\n"}, 88),
        ({"ruff.toml": "line-length = 99\n[format]\npreview = true\n"}, 99),
        ({"ruff.toml": 'exclude = ["docs"]\n'}, None),
        (
            {"pyproject.toml": "[tool.black]\nline-length = 79\n[tool.ruff]\nline-length = 99\n"},
            99,
        ),
        ({"pyproject.toml": '[tool.ruff]\nselect = ["E"]\n[tool.black]\nline-length = 99\n'}, 99),
        ({"ruff.toml": "line-length = 110\n"}, 110),
        (
            {
                ".ruff.toml": "line-length = 90\n",
                "ruff.toml": "line-length = 110\n",
                "pyproject.toml": "[tool.ruff]\nline-length = 120\n",
            },
            90,
        ),
        (
            {
                "pyproject.toml": '[tool.ruff]\nextend = "tools/ruff.toml"\n',
                "tools/ruff.toml": "line-length = 132\n",
            },
            132,
        ),
        ({"pyproject.toml": '[tool.ruff]\nextend = "pyproject.toml"\n'}, None),
        ({"pyproject.toml": "[project]\nname = 'x'\n"}, None),
        ({"pyproject.toml": "[tool.ruff]\nline-length = true\n"}, None),
        ({"pyproject.toml": "[tool]\nruff = 5\n"}, None),
        ({"ruff.toml": "line-length = \n"}, None),
        ({}, None),
    ],
)
def test_settings(files: dict[str, str], limit: int | None, tmp_path: Path) -> None:
    assert written_limit(project(tmp_path, files)) == limit


def test_a_folder_of_a_repository(tmp_path: Path) -> None:
    """The nearest settings count, and none from outside of the repository."""
    outside = {"ruff.toml": "line-length = 70\n", "all/.git/HEAD": ""}
    root = project(tmp_path, outside) / "all"
    (root / "backend").mkdir()
    assert written_limit(root / "backend") is None
    project(root, {"ruff.toml": "line-length = 111\n"})
    assert written_limit(root / "backend") == 111
    project(root, {"backend/pyproject.toml": "[tool.ruff]\nline-length = 79\n"})
    assert written_limit(root / "backend") == 79
