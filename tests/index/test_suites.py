"""Which modules are tests: by their names, unless the application imports them."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from support.projects import project


def suite_of(files: dict[str, str]) -> set[str]:
    return {module.path for module in project(files).modules.values() if module.is_test}


@pytest.mark.parametrize(
    "imports",
    [
        "from app import start_test",
        "from . import start_test",
        "from app.start_test import router",
        "from .start_test import *",
        "import app.start_test as routes",
        "def run():\n    from app.start_test import router",
    ],
)
def test_what_the_application_imports_is_no_test(imports: str) -> None:
    files = {"app/main.py": imports, "app/start_test.py": "router = 1\n"}
    assert suite_of(files) == set()


def test_what_it_imports_in_steps_is_none() -> None:
    files = {
        "app/main.py": "from app.test_results import router\n",
        "app/test_results.py": "from app.lab_test import check\n\nrouter = 1\n",
        "app/lab_test.py": "def check():\n    pass\n",
    }
    assert suite_of(files) == set()


def test_names_of_tests_and_folders_of_tests_are_tests() -> None:
    files = {
        "seed.py": "from tests.factories import make\n",
        "tests/factories.py": "def make():\n    pass\n",
        "tests/routes/conftest.py": "",
        "test_app.py": "from test_helpers import check\n",
        "test_helpers.py": "def check():\n    pass\n",
    }
    assert suite_of(files) == set(files) - {"seed.py"}


PLUGIN = "import pytest\n\n\n@pytest.fixture\ndef db():\n    yield 1\n"


def test_modules_of_fixtures_are_tests() -> None:
    files = {
        "app/main.py": "import app.models\n",
        "app/models.py": "def fixture(f): ...\n\n\n@fixture\ndef db():\n    yield 1\n",
        "app/testing/fixtures.py": PLUGIN,
        "app/testing/more.py": PLUGIN.replace(
            "import pytest", "from pytest import fixture"
        ).replace("@pytest.", "@"),
        "tests/conftest.py": 'pytest_plugins = "app.testing.fixtures"\n',
    }
    assert suite_of(files) == {
        "app/testing/fixtures.py",
        "app/testing/more.py",
        "tests/conftest.py",
    }


def test_fixtures_that_the_application_imports_are_its_own() -> None:
    files = {"app/main.py": "from app.fixtures import db\n", "app/fixtures.py": PLUGIN}
    assert suite_of(files) == set()


def collected_in(files: dict[str, str], classes: tuple[str, ...] = ()) -> set[str]:
    found = project(files, Settings(test_classes=classes))
    return {fn.qualname for fn in found.functions if fn.is_test}


def test_methods_of_the_application_are_no_tests() -> None:
    files = {
        "app/services.py": """\
            class Service:
                def test_connection(self, db): ...

            class TestRun:
                def test_all(self, db): ...

            def test_route(db): ...
            """,
        "tests/test_services.py": """\
            from app.services import Service

            class FakeService(Service): ...

            def test_service(db):
                def test_later(): ...
            """,
    }
    assert collected_in(files) == {"tests.test_services.test_service"}


def test_tests_are_methods_of_the_classes_that_pytest_collects() -> None:
    files = {
        "test_a.py": """\
            import unittest

            class TestPlain:
                def test_one(self): ...
                def helper(self): ...
                class TestInside:
                    def test_two(self): ...
                class Inside:
                    def test_no(self): ...

            class Old(unittest.TestCase):
                def test_three(self): ...

            class TestMade:
                def __init__(self, db): ...
                def test_no(self): ...

            class Checks:
                def test_no(self): ...
                class TestInside:
                    def test_no(self): ...

            def make():
                class TestLocal:
                    def test_no(self): ...
            """,
    }
    assert collected_in(files) == {
        "test_a.TestPlain.test_one",
        "test_a.TestPlain.TestInside.test_two",
        "test_a.Old.test_three",
    }


def test_a_base_class_has_the_tests_of_its_subclasses() -> None:
    files = {
        "app/testing.py": """\
            class CrudChecks:
                def test_create(self, db): ...
                def test_delete(self, db): ...
            """,
        "tests/base.py": """\
            from app.testing import CrudChecks

            class Base(CrudChecks):
                def test_list(self, db): ...
            """,
        "tests/test_users.py": """\
            from tests.base import Base

            class TestUsers(Base):
                def test_delete(self, db): ...
            """,
    }
    assert collected_in(files) == {
        "app.testing.CrudChecks.test_create",
        "tests.base.Base.test_list",
        "tests.test_users.TestUsers.test_delete",
    }


def test_classes_of_tests_may_have_other_names() -> None:
    files = {
        "test_a.py": """\
            class UserChecks:
                def test_one(self): ...

            class SuiteOfItems:
                def test_two(self): ...

            class TestNoMore:
                def test_no(self): ...
            """,
    }
    assert collected_in(files, ("*Checks", "Suite")) == {
        "test_a.UserChecks.test_one",
        "test_a.SuiteOfItems.test_two",
    }
