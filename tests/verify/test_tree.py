"""`verify` finds the mistakes that were made on purpose, and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from migrate_async.model.diagnostic import Diagnostic
from migrate_async.verify.findings import CHECKS
from migrate_async.verify.tree import check_text, verify_tree
from support.projects import project

MISTAKES = Path(__file__).parent / "mistakes"
EXPECTED = re.compile(r"# error: (MA\d+) (\d+)$", re.MULTILINE)


def verify(files: Mapping[str, str]) -> list[Diagnostic]:
    return verify_tree(project(files), files, exists=lambda _path: False)


def application() -> dict[str, str]:
    return {
        path.relative_to(MISTAKES).as_posix(): path.read_text("utf-8")
        for path in sorted(MISTAKES.rglob("*.py"))
    }


def test_every_mistake_is_found_on_its_line_and_nothing_else() -> None:
    """The first twenty-eight are more than any of four type checkers found."""
    files = application()
    expected = {
        (path, number, match[1])
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), start=1)
        for match in [EXPECTED.search(line)]
        if match
    }
    assert len(expected) == 34
    assert {(item.path, item.line, item.code) for item in verify(files)} == expected


@pytest.mark.parametrize(
    ("title", "code", "text"),
    [
        ("await in a plain function", "MA280", "def f(x):\n    await x\n"),
        ("a syntax error", "MA280", "def f(:\n"),
        ("a name that is nowhere", "MA272", "def f():\n    return missing\n"),
        ("a deleted global is defined", "", "x = 1\ndel x\n"),
        ("a name from a star import", "", "from os.path import *\nprint(join)\n"),
        ("a name that may fail", "", "try:\n    unicode\nexcept NameError:\n    pass\n"),
        ("a global bound in a function", "", "def f():\n    global x\n    x = 1\nprint(x)\n"),
    ],
)
def test_text_alone(title: str, code: str, text: str) -> None:
    """What the compiler and its symbol tables say."""
    assert {found.code for found in check_text("a.py", text)} == ({code} if code else set()), title


@pytest.mark.parametrize(
    ("title", "files"),
    [
        (
            "a file that was not read",
            {"app/__init__.py": "", "app/a.py": "from app.big import x\nfrom .big import y\n"},
        ),
        (
            "names made at run time",
            {
                "app/__init__.py": "",
                "app/lazy.py": "def __getattr__(name):\n    return name\n",
                "app/a.py": "from app.lazy import anything\n",
            },
        ),
        (
            "a re-export through a star",
            {
                "app/__init__.py": "from app.models import *\n",
                "app/models.py": "from app.user import *\n",
                "app/user.py": "class User:\n    pass\n",
                "main.py": "from app import User\n",
            },
        ),
        (
            "a star import of a library",
            {"shim.py": "from os.path import *\n", "a.py": "from shim import join\n"},
        ),
        ("a namespace package", {"ns/a.py": "x = 1\n", "b.py": "from ns import later\n"}),
        ("a library", {"app/__init__.py": "", "a.py": "import sqlalchemy.orm\nimport nowhere\n"}),
        (
            "a library that is called like a folder",
            {
                "app/clients/github/__init__.py": "from .api import Client\n",
                "app/clients/github/api.py": "from github import Github\nclass Client: ...\n",
                "app/main.py": "from app.clients.github import Client\nimport github\n"
                "from github.Auth import Token\nprint(github.Github(Token()))\n",
            },
        ),
        (
            "a library that is called like a module",
            {
                "app/utils/jwt.py": "import jwt\ndef make(data):\n    return jwt.encode(data)\n",
                "app/main.py": "import jwt\nfrom app.utils.jwt import make\n"
                "print(jwt.decode(make(1)))\n",
            },
        ),
        (
            "a submodule as an attribute",
            {
                "app/__init__.py": "",
                "app/a.py": "x = 1\n",
                "b.py": "import app.a\nprint(app.a.x)\n",
            },
        ),
    ],
)
def test_imports_that_are_no_finding(title: str, files: dict[str, str]) -> None:
    """What the index cannot see is not said to be missing."""
    found = verify_tree(project(files), files, exists=lambda path: path == "app/big")
    assert [item for item in found if item.code == "MA271"] == [], title


def test_a_name_that_another_root_lacks_is_found() -> None:
    """`tasks` is a module of the project: others get from it what it has."""
    files = {
        "worker/tasks.py": "def send(): ...\n",
        "worker/a.py": "from tasks import gone\n",
        "b.py": "import tasks\ntasks.send()\n",
    }
    found = [(item.path, item.code) for item in verify(files)]
    assert found == [("worker/a.py", "MA271")]


def test_an_attribute_of_what_is_a_module_and_something_else_is_no_finding() -> None:
    files = {
        "db/__init__.py": "",
        "db/tables.py": "from db.base import Session\n",
        "db/base.py": "class Session: ...\n",
        "seed.py": (
            "def seed():\n    from db.base import Session\n    import db.tables\n\n"
            "    db = Session()\n    db.add(1)\n\n\n"
            "def other():\n    import db\n\n    db.gone()\n"
        ),
    }
    assert [(item.path, item.line) for item in verify(files)] == [("seed.py", 12)]


def test_a_relative_import_of_nothing_is_found() -> None:
    """Also where there is no `__init__.py`."""
    files = {"app/a.py": "from .gone import x\nfrom . import b\n", "app/b.py": ""}
    assert [(item.line, item.code) for item in verify(files)] == [(1, "MA271")]


def test_a_sync_session_in_an_async_test_is_left_alone() -> None:
    """Tests prepare their data as they like."""
    text = "from sqlalchemy.orm import Session\nasync def test(db: Session):\n    db.commit()\n"
    assert verify({"tests/test_a.py": text}) == []
    assert [item.code for item in verify({"app/a.py": text})] == ["MA276"]


def test_a_coroutine_that_awaits_implicitly_blocks_nothing() -> None:
    text = (
        "from migrate_async import implicit_io\nfrom sqlalchemy.orm import Session\n"
        "@implicit_io\nasync def late(db: Session):\n    db.commit()\n"
    )
    assert verify({"app/a.py": text}) == []


def test_a_decorator_can_take_the_colour_away() -> None:
    """A project's wrapper that is plain makes a plain function of a coroutine function."""
    text = """
import asyncio, functools

def run(function):
    @functools.wraps(function)
    def wrapper(*args):
        return asyncio.run(function(*args))
    return wrapper

def log(function):
    @functools.wraps(function)
    async def wrapper(*args):
        return await function(*args)
    return wrapper

def either(function):
    if asyncio.iscoroutinefunction(function):
        @functools.wraps(function)
        async def wrapper(*args):
            return await function(*args)
        return wrapper
    @functools.wraps(function)
    def plain(*args):
        return function(*args)
    return plain

@contextlib.asynccontextmanager
async def timed():
    yield

@run
async def command():
    pass

@log
async def logged():
    pass

@either
async def checked():
    pass

@timed()
async def measured():
    pass

def script():
    command()
    logged()
    checked()
    measured()
"""
    files = {"a.py": text.replace("import asyncio", "import contextlib, asyncio")}
    lines = text.splitlines()
    found = [lines[item.line - 1].strip() for item in verify(files)]
    assert found == ["logged()", "checked()", "measured()"]


def test_every_code_is_documented() -> None:
    """docs/verify.md has a row for each, with its title."""
    page = (Path(__file__).parents[2] / "docs/verify.md").read_text("utf-8")
    rows = re.findall(r"^\| `(MA2\d\d)` \| (.+?) \|", page, re.MULTILINE)
    expected = [(check.code, check.title) for check in CHECKS]
    assert [row for row in rows if row[0] != "MA290"] == expected


def test_a_function_called_top_is_no_module() -> None:
    """`symtable` takes the names in it for those of the module."""
    text = "class User:\n    def top(self):\n        db = self\n        return [db for _ in self]\n"
    assert not verify({"app.py": text})
    found = verify({"app.py": "def top():\n    return missing\n"})
    assert [item.code for item in found] == ["MA272"]
