"""Names reach what they stand for across modules."""

from __future__ import annotations

import pytest

from migrate_async.index.types import External, ModuleObject, describe
from support.projects import callees, infer_name, project

SESSION = "ExternalInstance(sqlalchemy.orm.Session, False)"


@pytest.mark.parametrize(
    "line",
    [
        "from sqlalchemy.orm import Session",
        "from sqlalchemy.orm.session import Session",
        "from sqlalchemy import orm\nSession = orm.Session",
        "import sqlalchemy.orm\nSession = sqlalchemy.orm.Session",
        "import sqlalchemy.orm as o\nSession = o.session.Session",
        "from app.db import Session",
        "from .db import Session",
        "from . import db\nSession = db.Session",
        "from app.star import Session",
        "if True:\n    from app.db import Session\nelse:\n    Session = None",
    ],
)
def test_every_way_to_import_a_session_class_means_the_same(line: str) -> None:
    found = project(
        {
            "app/__init__.py": "",
            "app/db.py": "from sqlalchemy.orm import Session",
            "app/star.py": "from app.db import *",
            "app/use.py": line + "\ndef f(db: Session): ...",
        }
    )
    assert SESSION in {describe(item) for item in infer_name(found, "app.use.f", "db")}


def test_names_are_followed_through_a_package_that_re_exports_them() -> None:
    found = project(
        {
            "app/crud/__init__.py": "from .user import create as create_user\nfrom . import user",
            "app/crud/user.py": "def create(): ...",
            "app/api.py": """
                from app import crud
                import app.crud
                def a(): crud.create_user()
                def b(): app.crud.user.create()
            """,
        }
    )
    assert callees(found, "app.api.a") == {"app.crud.user.create"}
    assert callees(found, "app.api.b") == {"app.crud.user.create"}


def test_import_cycles_end() -> None:
    found = project(
        {
            "a.py": "from b import x\nfrom b import *\ny = x",
            "b.py": "from a import x\nfrom a import *",
            "c.py": "from a import x, y\ndef f(): return x, y",
        }
    )
    assert infer_name(found, "c.f", "x") == frozenset()


def test_a_folder_that_is_no_package_can_be_an_import_root() -> None:
    found = project(
        {
            "backend/app/__init__.py": "",
            "backend/app/crud.py": "def get(): ...",
            "backend/app/api.py": "from app.crud import get\ndef f(): get()",
            "scripts/seed.py": "from app import crud\ndef g(): crud.get()",
        }
    )
    assert callees(found, "backend.app.api.f") == {"backend.app.crud.get"}
    assert callees(found, "scripts.seed.g") == {"backend.app.crud.get"}


def test_a_module_of_the_project_does_not_hide_a_library_of_the_same_name() -> None:
    found = project(
        {
            "app/__init__.py": "",
            "app/celery.py": "from celery import Celery\ncelery = Celery('x')",
            "app/httpx.py": "",
            "app/use.py": "import httpx\ndef f(): return httpx",
        }
    )
    assert infer_name(found, "app.use.f", "httpx") == {External("httpx")}


def test_functions_inside_a_class_do_not_see_its_names() -> None:
    found = project(
        {
            "m.py": """
                def get(): ...
                class A:
                    def get(self): ...
                    def use(self): get()
            """
        }
    )
    assert callees(found, "m.A.use") == {"m.get"}


def test_global_statements_bind_in_the_module() -> None:
    found = project(
        {
            "m.py": """
                from sqlalchemy import create_engine
                engine = None
                def start():
                    global engine
                    engine = create_engine("sqlite://")
                def use(): return engine
            """
        }
    )
    function = found.function("m.use")
    assert function is not None
    assert found.engine_or_connection(function.returns[0], function.scope) == "engine"


def test_submodules_are_found_as_attributes_of_their_package() -> None:
    found = project({"a/b/c.py": "", "m.py": "import a.b.c\ndef f(): return a.b"})
    function = found.function("m.f")
    assert function is not None
    assert found.infer(function.returns[0], function.scope) == {ModuleObject("a.b")}
