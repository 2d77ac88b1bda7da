"""Which files are in reach of database code: names are followed, files are not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.lint.engine import check
from migrate_async.lint.registry import rules
from migrate_async.source.reach import SMALL, files_in_reach, in_reach
from support.projects import project

SEED = """\
from sqlalchemy.orm import Session

LIMIT = 3


def save(db: Session, thing):
    db.add(thing)
    db.commit()


def plain(text):
    return text.strip()
"""
USER = "def use(thing):\n    return {call}(None, thing)\n"
COLD = {f"cold/m{number}.py": f"import os\nVALUE = {number}\n" for number in range(SMALL)}


def reached(files: dict[str, str], settings: Settings | None = None) -> set[str]:
    """The files in reach, of `files` among many that use no database."""
    contents = {path: text.encode() for path, text in (COLD | files).items()}
    found = in_reach(contents, settings or Settings())
    assert found == sorted(found)
    return set(found)


IMPORTS = {
    "a name": "from pkg.store import save\n" + USER.format(call="save"),
    "a name under an alias": "from pkg.store import save as put\n" + USER.format(call="put"),
    "a name from a relative module": "from .store import save\n",
    "a module relative to the package": "from . import store\n" + USER.format(call="store.save"),
    "a module": "import pkg.store\n" + USER.format(call="pkg.store.save"),
    "a module under an alias": "import pkg.store as s\n" + USER.format(call="s.save"),
    "a module from its package": "from pkg import store\n" + USER.format(call="store.save"),
    "the package alone": "import pkg\n" + USER.format(call="pkg.store.save"),
    "everything": "from pkg.store import *\n",
    "a name for type checking": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .store import save\n"
    ),
    "a name in one line": "from typing import TYPE_CHECKING\nif TYPE_CHECKING: import pkg.store\n"
    + USER.format(call="pkg.store.save"),
    "a name within a function": "def f():\n    from pkg.store import save\n    save(1, 2)\n",
    "a name in parentheses": "from pkg.store import (\n    plain,  # comment\n    save,\n)\n",
    "a name after a backslash": "from pkg.store \\\n    import plain, \\\n    save\n",
    "a name with Windows line ends": "import os\r\nfrom pkg.store import save\r\n",
    "a name after a byte order mark": "\ufefffrom pkg.store import save\n",
    "a name after a semicolon": "import os; from pkg.store import save\n",
}


@pytest.mark.parametrize("text", IMPORTS.values(), ids=IMPORTS)
def test_a_file_that_imports_database_code_is_in_reach(text: str) -> None:
    files = {"pkg/__init__.py": "", "pkg/store.py": SEED, "pkg/user.py": text}
    assert reached(files) == set(files)


NOT_IMPORTS = {
    "a name without a database": "from pkg.store import plain, LIMIT\n",
    "a module of which nothing is used": "import pkg.store\n\nprint(pkg.store.plain('x'))\n",
    "the same name from elsewhere": "from pkg.other import save\n",
    "a method of the same name": "def f(x):\n    x.save()\n",
}


@pytest.mark.parametrize("text", NOT_IMPORTS.values(), ids=NOT_IMPORTS)
def test_a_file_that_imports_no_database_code_is_not(text: str) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg/store.py": SEED,
        "pkg/other.py": "def save():\n    pass\n",
        "pkg/user.py": text,
    }
    assert reached(files) == {"pkg/__init__.py", "pkg/store.py"}


REEXPORTS = {
    "by name": ("from .store import save\n", "from pkg import save\n"),
    "under an alias": ("from .store import save as put\n", "from pkg import put\n"),
    "everything": ("from .store import *\n", "from pkg import save\n"),
    "everything twice": ("from .store import *\n", "from pkg import *\n"),
    "a module": ("from . import store as s\n", "from pkg import s\n\ns.save(1, 2)\n"),
    "as an attribute": ("from .store import save\n", "import pkg\n\npkg.save(1, 2)\n"),
}


@pytest.mark.parametrize(("init", "text"), REEXPORTS.values(), ids=REEXPORTS)
def test_reexports_are_followed(init: str, text: str) -> None:
    files = {"pkg/__init__.py": init, "pkg/store.py": SEED, "app/user.py": text}
    assert reached(files) == set(files)


CHAIN = {
    "pkg/__init__.py": "",
    "pkg/store.py": SEED,
    "pkg/one.py": "from pkg.store import save\n\n\ndef one(x):\n    save(None, x)\n",
    "pkg/two.py": "from pkg import one as first\n\n\nclass Two:\n    do = first.one\n",
    "pkg/three.py": "from .two import Two\n\n\ndef three():\n    Two().do(1)\n",
    "pkg/four.py": "from .three import three\n\nthree()\n",
}
ASIDE = {
    "pkg/aside.py": "from .two import unknown\nfrom .three import other\n",
    "pkg/late.py": "from .one import cold\n",
}


def test_calls_are_followed_over_files_but_not_to_other_names() -> None:
    assert reached(CHAIN | ASIDE) == set(CHAIN)


def test_modules_that_import_each_other_come_to_an_end() -> None:
    files = {
        "pkg/__init__.py": "from . import store, user\n",
        "pkg/store.py": "from . import user\nimport pkg\n" + SEED,
        "pkg/user.py": "from . import store\nimport pkg\n\npkg.store.save(1)\nstore.save(1)\n",
    }
    assert reached(files) == set(files)


def test_the_order_of_files_does_not_matter() -> None:
    files = list((COLD | CHAIN | ASIDE).items())
    expected = reached(CHAIN | ASIDE)
    for seed in range(5):
        random.Random(seed).shuffle(files)  # noqa: S311 - no secret
        contents = {path: text.encode() for path, text in files}
        assert set(in_reach(contents, Settings())) == expected


def test_bases_annotations_and_callees_of_database_code_are_read() -> None:
    """So that types resolve: one step, and one more where a package hands the name on."""
    files = {
        "pkg/__init__.py": "",
        "pkg/store.py": "from .lib import Base, shape\nfrom .kinds import Kind\n"
        "from sqlalchemy.orm import Session\n\n\nclass Store(Base):\n"
        "    def save(self, db: Session, kind: Kind):\n        return db.scalars(shape(kind))\n",
        "pkg/lib/__init__.py": "from .base import Base\nfrom .shapes import shape\n",
        "pkg/lib/base.py": "class Base:\n    pass\n",
        "pkg/lib/shapes.py": "from .deep import deeper\n\n\ndef shape(x):\n    return deeper(x)\n",
        "pkg/kinds.py": "class Kind:\n    pass\n",
    }
    aside = {"pkg/lib/deep.py": "def deeper(x):\n    return x\n", "pkg/lib/more.py": "X = 1\n"}
    assert reached(files | aside) == set(files)


SEEDS = {
    "SQLAlchemy in a string": "DIALECT = 'sqlalchemy'\n",
    "a driver": "import asyncpg\n",
    "Alembic": "from alembic import op\n",
    "a registry key": "db = registry['db_session']\n",
    "a session by its name": "def f(session):\n    session.commit()\n",
    "a session on an object": "class A:\n    def f(self):\n        self.db.query(1)\n",
}


@pytest.mark.parametrize("text", SEEDS.values(), ids=SEEDS)
def test_files_that_mention_databases_are_the_start(text: str) -> None:
    assert reached({"pkg/a.py": text}) == {"pkg/a.py"}


def test_the_settings_name_sessions_and_registries() -> None:
    settings = Settings(
        session_names=("dbs",),
        session_resolvers=("Registry.get('x')",),
        registry_keys=("unit_of_work",),
    )
    files = {
        "pkg/a.py": "def f(dbs):\n    dbs.flush()\n",
        "pkg/b.py": 'db = Registry.get("x")\n',
        "pkg/c.py": "KEY = 'unit_of_work'\n",
    }
    assert reached(files, settings) == set(files)
    assert not reached(files)


def test_a_commit_of_something_else_is_no_start() -> None:
    assert not reached({"pkg/a.py": "def f(repository):\n    repository.commit()\n"})


def test_a_small_project_is_read_as_a_whole(tmp_path: Path) -> None:
    """Not even looked into: the files need not be there."""
    paths = sorted(COLD)[: SMALL - 1]
    assert files_in_reach(tmp_path, paths, Settings()) == paths


def test_a_dense_project_is_read_as_a_whole() -> None:
    seeds = {f"pkg/s{number}.py": SEED for number in range(SMALL // 2)}
    assert reached(seeds) == set(COLD | seeds)
    few = dict(list(seeds.items())[: SMALL // 4])
    assert reached(few) == set(few)


def _written(root: Path, files: dict[str, str]) -> list[str]:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return list(files)


def test_files_are_read_from_disk_unless_all_are_wanted(tmp_path: Path) -> None:
    paths = _written(tmp_path, COLD | CHAIN)
    assert files_in_reach(tmp_path, paths, Settings()) == sorted(CHAIN)
    assert files_in_reach(tmp_path, paths, Settings(reach="all")) == sorted(paths)


def test_files_that_cannot_be_read_or_are_too_large_stay_in(tmp_path: Path) -> None:
    """Reading them again tells the user what is wrong."""
    paths = _written(tmp_path, {**COLD, "large.py": "#" * 400})
    found = files_in_reach(tmp_path, ["gone.py", *paths], Settings(max_file_size=300))
    assert found == ["gone.py", "large.py"]


LEAKS = {
    "pkg/__init__.py": "from .engine import make\n",
    "pkg/engine.py": "from sqlalchemy import create_engine\n"
    "from sqlalchemy.orm import sessionmaker\n\n"
    "SessionLocal = sessionmaker(create_engine('sqlite://'))\n\n\n"
    "def make():\n    return SessionLocal()\n",
    "pkg/closer.py": "def finish(thing):\n    thing.close()\n",
    "app/good.py": "from pkg import make\nfrom pkg.closer import finish\n\n\n"
    "def good():\n    db = make()\n    try:\n        db.scalars('x')\n"
    "    finally:\n        finish(db)\n",
    "app/bad.py": "import pkg\n\n\ndef bad():\n    db = pkg.make()\n    return db.query(1).all()\n",
    "app/user.py": "from app import bad\n\n\ndef user():\n    return bad.bad()\n",
}


def test_rules_find_the_same_with_and_without_the_filter() -> None:
    files = COLD | LEAKS
    near = reached(files)
    assert near == set(LEAKS)
    whole = check(project(files), rules())
    assert whole
    assert check(project({path: files[path] for path in sorted(near)}), rules()) == whole
