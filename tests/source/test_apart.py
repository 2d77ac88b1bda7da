"""Files that stand apart are those that no name connects with what matters."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from migrate_async.cli import loading, use_cases
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import open_workspace
from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.report.json import plan_document
from migrate_async.source import apart
from migrate_async.source.apart import signs_of, traits_of

SMALL = Path(__file__).parents[2] / "fixtures" / "small"
HOT = "from sqlalchemy.orm import Session\n\n\ndef find(db: Session):\n    return db.query(int)\n"


def _apart(texts: Mapping[str, str], settings: Settings | None = None) -> set[str]:
    contents = {path: text.encode() for path, text in texts.items()}
    signs = signs_of(settings or Settings())
    traits = {path: traits_of(data, signs) for path, data in contents.items()}
    return set(apart.apart(traits, contents.__getitem__))


@pytest.mark.parametrize(
    "text",
    [
        "import json\n\n\ndef f(x):\n    return json.dumps(x)\n",
        "from app.lonely import thing\n",
        "class Find:\n    pass\n",
        "class find:\n    pass\n",
        "# nothing to see\n",
    ],
)
def test_what_stands_apart(text: str) -> None:
    """Whatever it does, there is no way from here to there."""
    files = {"app/__init__.py": "", "app/hot.py": HOT, "app/lonely.py": "thing = 1\n"}
    assert "app/cold.py" in _apart({**files, "app/cold.py": text})


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("from app.hot import find\n", ""),
        ("from app import hot\n", ""),
        ("from . import hot\n", ""),
        ("from .hot import *\n", ""),
        ("from app import (\n    lonely,\n    hot,\n)\n", ""),
        ("def f():\n    import app.hot as x\n", ""),
        ("import app\n\napp.hot.find(1)\n", ""),
        ("import app.lonely\n\napp.hot.find(1)\n", ""),
        ("def f(db):\n    db.flush()\n", ""),
        ("def f(x):\n    x.app.state.pool = f\n", ""),
        ("@fixture\ndef client():\n    pass\n", ""),
        ("URL = 'postgresql://'\n", ""),
        ("import importlib\n", ""),
        ("f = 1\n", "from app.cold import f\n"),
        ("f = 1\n", "from app import cold\n"),
        ("f = 1\n", "# as in cold.py\n"),
        ("class User:\n    pass\n", "x = relationship('User')\n"),
        ("from app.between import x\n", "import app.between\n"),
        ("from app.between import x\n", "y = 'app.between'\n"),
        ("# -*- coding: latin-1 -*-\n", ""),
        ("class \u00fc:\n    pass\n", ""),
    ],
)
def test_what_does_not(text: str, other: str) -> None:
    """It names what matters, or what matters names it."""
    files = {
        "app/__init__.py": "",
        "app/hot.py": HOT + other,
        "app/lonely.py": "thing = 1\n",
        "app/between.py": "x = 1\n",
    }
    assert "app/cold.py" not in _apart({**files, "app/cold.py": text})


def test_names_are_followed_as_far_as_they_go() -> None:
    """Through packages that hand on, and folders that are namespaces."""
    files = {
        "app/hot.py": HOT + "from app.parts import thing\nimport space\n",
        "app/parts/__init__.py": "from .inner import thing\n",
        "app/parts/inner.py": "thing = 1\n",
        "app/parts/caller.py": "from app.parts import thing\n",
        "space/one.py": "x = 1\n",
        "space/two.py": "x = 1\n",
        "other/alone.py": "x = 1\n",
    }
    assert _apart(files) == {"space/two.py", "other/alone.py"}


def test_tests_and_what_the_settings_name() -> None:
    """Fixtures come by the names of parameters, sessions by those of the settings."""
    settings = Settings(session_names=("store",), get_db="b.provide")
    files = {
        "hot.py": HOT,
        "tests/unit.py": "def f(client): ...\n",
        "a.py": "STORE = 1\n",
        "b.py": "def provide():\n    yield\n",
    }
    assert _apart(files, settings) == set()
    assert _apart(files) == {"a.py", "b.py"}


MODULE = """\
{imports}

class {title}:
    def __init__(self, value):
        self.value = value

    def {method}(self, other):
        return {body}


def {name}(first, second=None):
    for item in first:
        {title}(item).{method}(second)
    return {body}
"""
BODIES = ("other_{n}", "{title}(1)", "get(1)", "'app.{word}'", "len([])", "{word}.all()", "None")


def _module(number: int, words: list[str], chance: random.Random) -> str:
    """A module of which nobody knows whether it matters."""
    word, title = chance.choice(words), chance.choice((f"Thing{number}", "User", "Item", "Config"))
    imports = chance.choice(
        (
            *("", "import json", "from __future__ import annotations"),
            *(f"from .part_{chance.randrange(9)} import make", "from . import models"),
            *(f"import {word}", f"from {word} import *", f"from app import {word}"),
        )
    )
    body = chance.choice(BODIES).format(n=number, title=title, word=word)
    method, name = chance.choice(("get", "find", "work")), chance.choice(("make", "more", "run"))
    return MODULE.format(imports=imports, title=title, method=method, name=name, body=body)


@pytest.mark.parametrize("app", ["tutorial", "services_over_repositories"])
@pytest.mark.parametrize("seed", range(4))
def test_the_plan_is_the_same(
    app: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an application among files that name it, that it names, and that do neither."""
    root = tmp_path / "project"
    shutil.copytree(SMALL / app, root)
    (root / "pyproject.toml").touch()
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    folders = sorted({path.parent for path in root.rglob("*.py")})
    stems = sorted({path.stem for path in root.rglob("*.py")} - {"__init__"})
    for number in range(30):
        folder = chance.choice((*folders, root / "side", root / "side" / "deep"))
        folder.mkdir(exist_ok=True, parents=True)
        text = _module(number, [*stems, f"part_{number - 1}"], chance)
        (folder / f"part_{number}.py").write_text(text)
    (root / "side" / "broken.py").write_text("def (\n")
    workspace = open_workspace([root], cache=False)
    for step in (Step.ALL, Step.QUERIES):
        whole = use_cases.show_plan(workspace, step, Progress())
        with monkeypatch.context() as patched:
            patched.setattr(apart, "SMALL", 0)
            files = loading.find_files(workspace, Progress())
            assert apart.files_apart(root, files, workspace.settings)
            found = use_cases.show_plan(workspace, step, Progress())
        assert plan_document(found) == plan_document(whole)
