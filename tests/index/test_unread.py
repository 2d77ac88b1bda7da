"""Imports that mean a file which could not be read, in all spellings."""

from __future__ import annotations

import pytest

from migrate_async.index.unread import importers
from support.projects import project

UNREAD = "backend/app/api/deps.py"


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("backend/app/main.py", "from app.api.deps import get_db"),
        ("backend/app/main.py", "from app.api import deps"),
        ("backend/app/main.py", "from app.api.deps import *"),
        ("backend/app/main.py", "import app.api.deps as d"),
        ("backend/app/main.py", "from .api import deps"),
        ("backend/app/api/users.py", "from .deps import get_db"),
        ("backend/app/api/users.py", "import deps"),
        ("backend/app/main.py", "def f():\n    from app.api.deps import get_db"),
    ],
)
def test_an_import_of_it(importer: str, statement: str) -> None:
    linked = project({importer: statement, "backend/app/__init__.py": ""})
    assert importers(linked.functions, [UNREAD]) == {UNREAD: (importer,)}


@pytest.mark.parametrize(
    "statement",
    ["import deps", "from app.deps import x", "from api.deps.more import x", "deps = 1"],
)
def test_another_module(statement: str) -> None:
    linked = project({"backend/app/main.py": statement})
    assert importers(linked.functions, [UNREAD]) == {}


def test_a_package_is_meant_by_its_folder() -> None:
    linked = project({"main.py": "from shop import db"})
    assert importers(linked.functions, ["shop/__init__.py"]) == {"shop/__init__.py": ("main.py",)}
