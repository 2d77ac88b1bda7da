"""Imports: exactly those asked for come and go, every other line stays."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from textwrap import dedent

import pytest

from migrate_async.model.plan import FilePlan, ImportChange
from migrate_async.rewrite.imports import change_imports

PATH = "app/api/items.py"
SELECT = ("sqlalchemy", "select")


def change(
    text: str,
    imports: Sequence[ImportChange] = (),
    unneeded: Sequence[str] = (),
    limit: int | None = None,
) -> str:
    file = FilePlan(PATH, "", imports=tuple(imports), unneeded=tuple(unneeded))
    return change_imports(text, file, limit)


def changed(
    before: str,
    *added: tuple[str, ...],
    unneeded: tuple[str, ...] = (),
    path: str = PATH,
    first_party: tuple[str, ...] = (),
) -> str:
    imports = tuple(ImportChange("test", *change) for change in added)
    file = FilePlan(path, "", (), imports, unneeded, first_party)
    result = change_imports(dedent(before).lstrip("\n"), file)
    ast.parse(result)
    again = change_imports(result, file)
    assert again == result, "a second run changes nothing"
    return result


def expect(before: str, after: str, *added: tuple[str, ...], **options: object) -> None:
    assert changed(before, *added, **options) == dedent(after).lstrip("\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "from sqlalchemy import select\n"),
        ("x = 1\n", "from sqlalchemy import select\n\nx = 1\n"),
        ("def f(): ...\n", "from sqlalchemy import select\n\n\ndef f(): ...\n"),
        ("@d\ndef f(): ...\n", "from sqlalchemy import select\n\n\n@d\ndef f(): ...\n"),
        ('"""Doc."""\n', '"""Doc."""\n\nfrom sqlalchemy import select\n'),
        ('"""Doc."""', '"""Doc."""\n\nfrom sqlalchemy import select\n'),
        ('"""Doc."""\nx = 1\n', '"""Doc."""\n\nfrom sqlalchemy import select\n\nx = 1\n'),
        (
            '"""Doc."""\nfrom __future__ import annotations\n',
            '"""Doc."""\nfrom __future__ import annotations\n\nfrom sqlalchemy import select\n',
        ),
        ("import os\n", "import os\n\nfrom sqlalchemy import select\n"),
        ("import os\nx = 1\n", "import os\n\nfrom sqlalchemy import select\n\nx = 1\n"),
        ("import fastapi\n", "import fastapi\nfrom sqlalchemy import select\n"),
        ("from . import crud\n", "from sqlalchemy import select\n\nfrom . import crud\n"),
        ("from app import crud\n", "from sqlalchemy import select\n\nfrom app import crud\n"),
        (
            "from fastapi import x\nfrom starlette import y\n",
            "from fastapi import x\nfrom sqlalchemy import select\nfrom starlette import y\n",
        ),
        (
            "# licence\n\nfrom starlette import y\n",
            "# licence\n\nfrom sqlalchemy import select\nfrom starlette import y\n",
        ),
        ("# only a comment", "# only a comment\nfrom sqlalchemy import select\n"),
    ],
)
def test_new_line(before: str, after: str) -> None:
    """A line of its own goes where a sorter would put it."""
    expect(before, after, SELECT)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from sqlalchemy import func", "from sqlalchemy import func, select"),
        ("from sqlalchemy import text", "from sqlalchemy import select, text"),
        ("from sqlalchemy import Column, text", "from sqlalchemy import Column, select, text"),
        ("from sqlalchemy import text, func", "from sqlalchemy import text, func, select"),
        ("from sqlalchemy import func  # noqa", "from sqlalchemy import func, select  # noqa"),
        ("from sqlalchemy import (func)", "from sqlalchemy import (func, select)"),
        ("from sqlalchemy import func as f", "from sqlalchemy import func as f, select"),
        (
            "from sqlalchemy import (\n    func,\n    text,  # raw\n)",
            "from sqlalchemy import (\n    func,\n    select,\n    text,  # raw\n)",
        ),
        (
            "from sqlalchemy import (\n    and_,\n    func  # f\n)",
            "from sqlalchemy import (\n    and_,\n    func,  # f\n    select,\n)",
        ),
        (
            "from sqlalchemy import (and_,\n    func)",
            "from sqlalchemy import (and_,\n    func, select)",
        ),
    ],
)
def test_joined(before: str, after: str) -> None:
    """A name joins an import of the same module, in its order."""
    expect(f"{before}\n", f"{after}\n", SELECT)


def test_joined_line_that_gets_too_long() -> None:
    """It goes over several lines, as a formatter would break it."""
    names = ["a" * 30, "b" * 30]
    expect(
        f"from sqlalchemy import {', '.join(names)}\n",
        f"from sqlalchemy import (\n    {names[0]},\n    {names[1]},\n    select,\n)\n",
        SELECT,
    )


@pytest.mark.parametrize(
    "before",
    [
        "from sqlalchemy import select\n",
        "from sqlalchemy import func, select as select\n",
        "import os\nfrom sqlalchemy import (\n    func,\n    select,\n)\n",
    ],
)
def test_already_there_is_left_alone(before: str) -> None:
    """What is imported is not imported again."""
    expect(before, before, SELECT)


@pytest.mark.parametrize(
    "before",
    [
        "if TYPE_CHECKING:\n    from sqlalchemy import select\n",
        "try:\n    from sqlalchemy import func\nexcept ImportError:\n    func = None\n",
        "def f():\n    from sqlalchemy import select\n",
    ],
)
def test_conditional_imports_are_left_alone(before: str) -> None:
    """An import that may not be executed neither counts nor changes."""
    result = changed(before, SELECT)
    assert result.endswith(before)
    assert result.startswith("from sqlalchemy import select\n")


def test_alias_and_module() -> None:
    """`import module` and `as`."""
    expect(
        "import sqlalchemy.orm\n",
        "import asyncio\n\nimport sqlalchemy as sa\nimport sqlalchemy.orm\n"
        "from sqlalchemy import select as s\n",
        ("asyncio",),
        ("sqlalchemy", "", "sa"),
        ("sqlalchemy", "select", "s"),
    )


def test_relative_imports_are_kept() -> None:
    """A name of a first-party module joins its relative import."""
    expect(
        "from ..database import SessionLocal\nfrom .deps import b\n",
        "from ..database import get_db\nfrom .deps import a, b\n",
        ("app.database", "get_db"),
        ("app.api.deps", "a"),
        unneeded=("SessionLocal",),
    )


def test_names_that_are_asked_for_relatively_take_the_place_of_others() -> None:
    """Wherever that is, among imports that nobody has sorted."""
    expect(
        "from ..models import User\nfrom ..database import get_db\nfrom ..core import x\n",
        "from ..models import User\nfrom ..database import get_sync_db\nfrom ..core import x\n",
        ("..database", "get_sync_db"),
        unneeded=("get_db",),
    )


def test_relative_imports_below_a_source_root() -> None:
    """The path may have folders above the package."""
    expect(
        "from ..database import X\n",
        "from ..database import X, get_db\n",
        ("app.database", "get_db"),
        path="backend/app/api/items.py",
    )


def test_star_is_not_joined() -> None:
    """It can take no other name."""
    result = changed("from sqlalchemy import *\n", SELECT)
    assert "from sqlalchemy import select\n" in result
    assert "from sqlalchemy import *\n" in result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from a import Session\nx = 1\n", "x = 1\n"),
        ("import os\n\nfrom a import Session\n\nx = 1\n", "import os\n\nx = 1\n"),
        ("from a import b, Session\n", "from a import b\n"),
        ("from a import Session, b\n", "from a import b\n"),
        ("from a import b as Session, c\n", "from a import c\n"),
        ("from a import (\n    b,\n    Session,  # gone\n)\n", "from a import (\n    b,\n)\n"),
        ("from a import (\n    Session,\n    b,\n)\n", "from a import (\n    b,\n)\n"),
        ("from a import (Session,\n    b)\n", "from a import (b)\n"),
        ("import Session\n", ""),
        ("import Session.b, c\n", "import c\n"),
        ("def f():\n    from a import Session\n", "def f():\n    pass\n"),
        ("def f():\n    from a import Session\n\n    return 1\n", "def f():\n    return 1\n"),
        ("from a import Session; x = 1\n", "x = 1\n"),
        ("from a import Session\nclass Session: ...\n", "class Session: ...\n"),
        ("from a import Session\nx = 'Session'\n", "x = 'Session'\n"),
        ("from a import Session\n# Session is gone\n", "# Session is gone\n"),
    ],
)
def test_removed(before: str, after: str) -> None:
    """A name that nothing uses goes, and its statement when it was the last."""
    expect(before, after, unneeded=("Session",))


@pytest.mark.parametrize(
    "before",
    [
        "from a import Session\nx: Session\n",
        "from a import Session\nx: 'list[Session]'\n",
        "from a import Session\ndef f(db: 'Session'): ...\n",
        "from a import Session\ndef f() -> 'Session': ...\n",
        "from a import Session\nx = f()  # type: Session\n",
        "from a import Session\nx = cast('Session', y)\n",
        "from a import Session\nx: TypeAlias = 'Session'\n",
        "from a import Session\nx = Depends[list['Session']]\n",
        "from a import Session\n__all__ = ['Session']\n",
        "from a import Session\n__all__ += ['Session']\n",
        "from a import Session as Session\n",
        "from a import Session\nSession.x = 1\n",
        "from a import Session\ndel Session\n",
        "from a import Session\nx = f'{Session}'\n",
        "from b import Other\n",
        "if TYPE_CHECKING:\n    from a import Session\n",
        "try:\n    from a import Session\nexcept ImportError:\n    pass\n",
    ],
)
def test_still_needed_is_left_alone(before: str) -> None:
    """A use in a string annotation, a type comment or `__all__` is a use."""
    expect(before, before, unneeded=("Session",))


def test_replaced_binding() -> None:
    """A name that comes from another module now is not imported from both."""
    expect(
        "from app.db import Session\n\nx: Session\n",
        "from sqlalchemy.ext.asyncio import AsyncSession as Session\n\nx: Session\n",
        ("sqlalchemy.ext.asyncio", "AsyncSession", "Session"),
        unneeded=("Session",),
    )


def test_line_ends_are_kept() -> None:
    """New lines end as the others do."""
    result = change("import os\r\n\r\nx = 1\r\n", [ImportChange("t", *SELECT)])
    assert result == "import os\r\n\r\nfrom sqlalchemy import select\r\n\r\nx = 1\r\n"


def test_nothing_asked_is_left_alone() -> None:
    """Not even parsed: the text may be anything."""
    assert change("not python (") == "not python ("


def taking_turns(before: str, *, limit: int = 100) -> tuple[str, str]:
    """`before` while `sync_engine` stands for `engine`, and when `engine` is back."""
    there = ImportChange("test", "app.db", "sync_engine", beside="engine", passing=True)
    back = ImportChange("test", "app.db", "engine", beside="sync_engine")
    half = change(before, [there], ["engine"], limit)
    return half, change(half, [back], ["sync_engine"], limit)


@pytest.mark.parametrize(
    ("before", "half"),
    [
        (
            "from app.db import Base\nfrom app.db import engine\n",
            "from app.db import Base\nfrom app.db import sync_engine\n",
        ),
        (
            "from app.db import engine\nfrom app.db import a, b\n",
            "from app.db import sync_engine\nfrom app.db import a, b\n",
        ),
        (
            "from app.db import session as session_\nfrom app.db import engine  # noqa\n",
            "from app.db import session as session_\nfrom app.db import sync_engine  # noqa\n",
        ),
        (
            "from app.db import settings, engine, Base\n",
            "from app.db import settings, sync_engine, Base\n",
        ),
        (
            "from app.db import settings, engine\n",
            "from app.db import sync_engine, settings\n",
        ),
        (
            "from app.db import (\n    settings,\n    engine,\n)\n",
            "from app.db import (\n    sync_engine,\n    settings,\n)\n",
        ),
        (
            "from app.db import aaaaaaaa, bbbbbbbb, engine\n",
            "from app.db import sync_engine\nfrom app.db import aaaaaaaa, bbbbbbbb\n",
        ),
        (
            "from ..db import aaaaaaaaa, bbbbbbbbb, engine\n",
            "from ..db import sync_engine\nfrom ..db import aaaaaaaaa, bbbbbbbbb\n",
        ),
        (
            "from app.db import aaaaaaaa, bbbbbbbbbbbbbb\nfrom app.db import engine\n",
            "from app.db import aaaaaaaa, bbbbbbbbbbbbbb\nfrom app.db import sync_engine\n",
        ),
    ],
)
def test_a_name_comes_back_to_where_it_was(before: str, half: str) -> None:
    assert taking_turns(before, limit=46) == (half, before)


def test_names_that_come_back_for_other_reasons_do_so_where_they_were() -> None:
    half = "from app.db import sync_engine, SyncSessionLocal\n"
    back = [ImportChange("test", "app.db", name) for name in ("SessionLocal", "engine")]
    after = change(half, back, ["sync_engine", "SyncSessionLocal"], 100)
    assert after == "from app.db import engine, SessionLocal\n"


ASYNC = """
    from sqlalchemy.ext.asyncio import (
        AsyncAttrs,
        AsyncSession,
        async_sessionmaker,
        create_async_engine,
    )

    x = AsyncAttrs, async_sessionmaker, create_async_engine
    """


def test_what_a_name_that_is_gone_had_made_too_long_is_joined() -> None:
    names = "AsyncAttrs, async_sessionmaker, create_async_engine"
    after = f"from sqlalchemy.ext.asyncio import {names}\n\nx = {names}\n"
    expect(ASYNC, after, unneeded=("AsyncSession",))


@pytest.mark.parametrize(
    "before",
    [
        ASYNC.replace("sqlalchemy.ext.asyncio", "sqlalchemy.orm"),
        ASYNC.replace("AsyncAttrs,\n", "AsyncAttrs,  # why\n"),
        ASYNC.replace("AsyncAttrs,\n", "AsyncAttrs as A,\n").replace("= AsyncAttrs", "= A"),
    ],
    ids=["a module that sync code imports from", "a comment", "an alias"],
)
def test_the_lines_of_authors_stay(before: str) -> None:
    expect(before, before.replace("        AsyncSession,\n", ""), unneeded=("AsyncSession",))


def test_lines_of_an_import_that_keeps_its_names_stay() -> None:
    before = ASYNC.replace("        AsyncSession,\n", "")
    expect(f"import os\n{dedent(before)}", dedent(before), unneeded=("os",))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "from fastapi import x\n\nfrom database import y\n",
            "from fastapi import x\nfrom sqlalchemy import select\n\nfrom database import y\n",
        ),
        ("from database import y\n", "from sqlalchemy import select\n\nfrom database import y\n"),
        (
            "import os\n\nfrom database import y\n",
            "import os\n\nfrom sqlalchemy import select\n\nfrom database import y\n",
        ),
    ],
)
def test_modules_beside_the_file_are_first_party(before: str, after: str) -> None:
    """In a folder that is no package nothing but the project tells."""
    expect(before, after, SELECT, path="main.py", first_party=("database", "main"))
