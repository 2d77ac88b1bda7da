"""`--step tests`: what the names of a suite hold, and which suites are left, with the reason."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model import plan as p
from migrate_async.plan.planner import make_plan
from support.projects import project

_HEAD = "import pytest\nfrom fastapi.testclient import TestClient\nfrom app.main import app\n\n"
_CONFTEST = (
    f"{_HEAD}@pytest.fixture\ndef client():\n    with TestClient(app) as found:\n"
    "        yield found\n"
)


def planned(*, conftest: str = _CONFTEST, **files: str) -> p.Plan:
    """The plan for a suite; `test_a="..."` is the file `tests/test_a.py`."""
    named = {f"tests/{name}.py": text for name, text in files.items()}
    return make_plan(project({"tests/conftest.py": conftest, **named}), p.Step.TESTS, Settings())


def async_lines(plan: p.Plan, path: str) -> list[int]:
    """The lines at which something becomes async."""
    found = [file for file in plan.files if file.path == path]
    return [e.span[0] for file in found for e in file.edits if isinstance(e, p.MakeAsync)]


def awaited_lines(plan: p.Plan, path: str) -> list[int]:
    """The lines at which something is awaited."""
    found = [file for file in plan.files if file.path == path]
    return [e.span[0] for file in found for e in file.edits if isinstance(e, p.AwaitCall)]


def test_a_client_is_followed_through_fixtures_and_arguments() -> None:
    test = """\
def login(http, name):
    return http.post("/login", json={"name": name})


def twice(http):
    login(http, "a")
    return login(http, "b")


def test_login(client):
    alias = client
    assert twice(alias).status_code == 200


def test_other(monkeypatch):
    assert monkeypatch
"""
    plan = planned(test_login=test)
    assert async_lines(plan, "tests/conftest.py") == [6, 7]
    assert async_lines(plan, "tests/test_login.py") == [1, 5, 10]
    assert awaited_lines(plan, "tests/test_login.py") == [2, 6, 7, 12]


def test_the_nearest_fixture_counts() -> None:
    """One of the module, with another meaning, hides that of `conftest.py`."""
    test = """\
import pytest


@pytest.fixture
def client():
    return {}


def test_get(client):
    assert client.get("a") is None
"""
    assert async_lines(planned(test_a=test), "tests/test_a.py") == []


def test_a_fixture_with_another_name_and_a_class_of_tests() -> None:
    conftest = _CONFTEST.replace("@pytest.fixture", '@pytest.fixture(name="http")')
    test = """\
class TestIndex:
    def test_get(self, http):
        assert http.get("/").status_code == 200
"""
    plan = planned(conftest=conftest, test_a=test)
    assert async_lines(plan, "tests/test_a.py") == [2]


def test_a_fixture_that_only_makes_a_client_stays_sync() -> None:
    """Tests of both kinds can take it."""
    conftest = f"{_HEAD}@pytest.fixture\ndef client():\n    yield TestClient(app)\n"
    plan = planned(conftest=conftest, test_a='def test_a(client):\n    client.get("/")\n')
    assert async_lines(plan, "tests/conftest.py") == []
    assert async_lines(plan, "tests/test_a.py") == [1]
    assert ("MA572", "note") in [(d.code, d.severity) for d in plan.diagnostics]


def test_a_fixture_that_is_imported_under_another_name() -> None:
    """pytest knows it by the name that it has in the module."""
    shared = f"{_HEAD}@pytest.fixture\ndef test_client():\n    yield TestClient(app)\n"
    test = "from tests.shared import test_client as http\n\ndef test_a(http):\n    http.get('/')\n"
    plan = planned(conftest="", shared=shared, test_a=test)
    assert async_lines(plan, "tests/test_a.py") == [3]


def test_a_client_of_the_module_and_one_that_is_imported() -> None:
    module = f'{_HEAD}client = TestClient(app)\n\ndef test_a():\n    client.get("/")\n'
    other = 'from tests.test_a import client\n\ndef test_b():\n    client.get("/")\n'
    plan = planned(conftest="", test_a=module, test_b=other)
    assert async_lines(plan, "tests/test_a.py") == [7]
    assert async_lines(plan, "tests/test_b.py") == [3]


LEFT = [
    pytest.param(
        "def test_a(client):\n    with client.websocket_connect('/ws') as socket:\n"
        "        socket.send_text('a')\n",
        "client.websocket_connect has no async form",
        id="websocket",
    ),
    pytest.param(
        "def test_a(client):\n    with client.stream('GET', '/') as answer:\n"
        "        answer.read()\n",
        "client.stream has no async form",
        id="stream",
    ),
    pytest.param(
        'def test_a(client):\n    for send in [client.get, client.post]:\n        send("/")\n',
        "client.get is handed on as a value",
        id="method as a value",
    ),
    pytest.param(
        "class Api:\n    def __init__(self, client):\n        self.client = client\n\n"
        "def test_a(client):\n    Api(client)\n",
        "a client is kept in an object",
        id="kept in an object",
    ),
    pytest.param(
        "from helpers import check\n\ndef test_a(client):\n    check(client)\n",
        "a client is handed to a function that cannot be followed",
        id="another package",
    ),
    pytest.param(
        'def test_a(client):\n    assert all(client.get(path) for path in ["/"])\n',
        "a call inside a generator cannot be awaited",
        id="generator expression",
    ),
    pytest.param(
        'def test_a(client):\n    read = lambda: client.get("/")\n    read()\n',
        "a lambda calls a client",
        id="lambda",
    ),
    pytest.param(
        "import threading\n\ndef test_a(client):\n    def hit():\n        client.get('/')\n"
        "    threading.Thread(target=hit).start()\n",
        "hit is handed on as a value",
        id="thread",
    ),
    pytest.param(
        "import unittest\nfrom fastapi.testclient import TestClient\nfrom app.main import app\n\n"
        "class TestA(unittest.TestCase):\n    def test_a(self):\n"
        "        TestClient(app).get('/')\n",
        "test_a cannot be awaited: unittest calls it",
        id="unittest",
    ),
    pytest.param(
        "from tests.tools import retried\n\n@retried\ndef test_a(client):\n    client.get('/')\n",
        "its decorator may not await test_a: decorator:tests.tools.retried",
        id="decorator",
    ),
]


@pytest.mark.parametrize(("test", "reason"), LEFT)
def test_a_suite_with_one_use_that_is_not_understood_is_left_whole(test: str, reason: str) -> None:
    plan = planned(test_a=test, test_b='def test_b(client):\n    client.get("/")\n')
    assert plan.files == ()
    (found,) = plan.diagnostics
    assert (found.code, found.path) == ("MA571", "tests/test_a.py")
    assert found.message == f"the tests stay on TestClient: {reason}"
