"""The names under which files are imported."""

from __future__ import annotations

import pytest

from migrate_async.source.homes import Homes
from migrate_async.source.modules import ModuleName, module_names


def names(
    *paths: str, roots: tuple[str, ...] = (), imported: tuple[str, ...] = ()
) -> dict[str, str]:
    """Names of the modules at `paths`, where `main.py` imports the modules `imported`."""
    found = module_names(paths, roots, {"main.py": [(0, name) for name in imported]})
    return {path: name.dotted for path, name in found.items()}


def test_packages() -> None:
    """The root is above the outermost package."""
    paths = ("backend/app/__init__.py", "backend/app/api/__init__.py", "backend/app/api/items.py")
    assert list(names(*paths).values()) == ["app", "app.api", "app.api.items"]
    assert module_names(paths)["backend/app/__init__.py"] == ModuleName("app", True)
    assert module_names(paths)["backend/app/api/items.py"].is_package is False


@pytest.mark.parametrize(
    ("path", "imported", "name"),
    [
        ("main.py", (), "main"),
        ("app/main.py", (), "app.main"),
        ("app/main.py", ("app",), "app.main"),
        ("app/main.py", ("main",), "main"),
        ("src/app/main.py", (), "app.main"),
        ("src/app/main.py", ("app",), "app.main"),
        ("src/main.py", (), "main"),
        ("my-app/src/x.py", (), "src.x"),
        ("backend/app/api/x.py", ("app",), "app.api.x"),
        ("tests/test_x.py", (), "tests.test_x"),
    ],
)
def test_without_packages(path: str, imported: tuple[str, ...], name: str) -> None:
    """What the project imports tells where names begin; else the whole path does."""
    assert names(path, imported=imported) == {path: name}


def test_namespace_package_around_packages() -> None:
    """`app` has no `__init__.py`, but is what everybody imports from."""
    paths = ("app/api/__init__.py", "app/api/items.py")
    assert list(names(*paths, imported=("app",)).values()) == ["app.api", "app.api.items"]
    assert list(names(*paths).values()) == ["api", "api.items"]


@pytest.mark.parametrize(
    ("path", "imports", "name"),
    [
        # A library that is called like a folder or a module of the project.
        ("app/clients/github/api.py", ["github", "app.clients.github.api"], ""),
        ("app/clients/github/__init__.py", ["github", "app.clients.github"], ""),
        ("app/clients/github/api.py", ["github.Repository", "app.clients.github.api"], ""),
        ("app/utils/jwt.py", ["jwt", "app.utils.jwt"], ""),
        # Folders that are both a root and a package.
        ("src/app/x.py", ["app.x", "src.app.x"], "app.x"),
        ("src/models/user.py", ["src.models", "models.user"], "models.user"),
        # Nothing else is known of the folder.
        ("services/github/api.py", ["github"], "github.api"),
    ],
)
def test_a_library_of_the_same_name(path: str, imports: list[str], name: str) -> None:
    """What is imported through a folder is not named from there for the sake of a library."""
    expected = name or path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert names(path, imported=tuple(imports)) == {path: expected}


@pytest.mark.parametrize(
    ("importer", "named", "name"),
    [
        ("src/main.py", (0, "database"), "database"),
        ("src/api/items.py", (0, "database"), "database"),
        ("tests/conftest.py", (0, "database"), "src.database"),
        ("src/database.py", (0, "database"), "src.database"),
        ("src/main.py", (1, "database"), "src.database"),
    ],
)
def test_a_module_beside_a_script(importer: str, named: tuple[int, str], name: str) -> None:
    """Tests import `src.main`, which imports what is beside it."""
    imports = {"tests/test_main.py": [(0, "src.main")], importer: [named]}
    found = module_names(("src/database.py", "src/main.py"), (), imports)
    assert found["src/database.py"].dotted == name


@pytest.mark.parametrize(
    "paths",
    [
        ("a/app/__init__.py", "a/app/db.py", "b/app/__init__.py", "b/app/db.py"),
        ("a/app/db/__init__.py", "b/app/db.py", "c/db.py", "db.py"),
        ("my-app/v2.db.py", "my-app/v1/db.py", "v1/__init__.py", "v1/db.py"),
        ("__init__.py", "app/__init__.py", "app/__init__/__init__.py", "src/__init__.py"),
    ],
)
def test_names_of_some_files_are_those_among_all(paths: tuple[str, ...]) -> None:
    """A second file of a name is called by its whole path, whichever names are wanted."""
    everything = module_names(paths)
    assert len({name.dotted for name in everything.values()}) == len(paths)
    for path in paths:
        assert module_names(paths, wanted=(path,))[path] == everything[path]


def test_relative_imports_tell_packages() -> None:
    """`app/email` is no root for `import email`: its module looks at what is around the folder."""
    paths = ("app/email/sender.py", "app/models.py", "main.py")
    imports = {"main.py": [(0, "email"), (0, "app.models")], paths[0]: [(2, "models")]}
    assert module_names(paths, (), imports)[paths[0]].dotted == "app.email.sender"


_BOTH = ("app/__init__.py", "app/main.py", "app/db/__init__.py", "app/db/session.py")


@pytest.mark.parametrize(
    ("imports", "name"),
    [
        ({"app/main.py": [(0, "db.session")], "app/x.py": [(0, "db")]}, "db.session"),
        ({"app/main.py": [(0, "db")]}, "db.session"),
        ({"app/main.py": [(0, "app.db.session")]}, "app.db.session"),
        ({"app/main.py": [(0, "db")], "t.py": [(0, "app.db"), (0, "app.main")]}, "app.db.session"),
        # Whoever imports relatively is not at a root.
        ({"app/main.py": [(0, "db")], "app/x.py": [(1, "main")]}, "app.db.session"),
    ],
)
def test_a_package_may_be_a_root(imports: dict[str, list[tuple[int, str]]], name: str) -> None:
    """With `app` in its path a process imports `db`: the most frequent way names the modules."""
    found = module_names(_BOTH, (), imports)
    assert found["app/db/session.py"].dotted == name


def test_both_names_lead_to_the_module() -> None:
    """The other one says the whole path."""
    paths = {"db": "app/db/__init__.py", "db.session": "app/db/session.py", "main": "app/main.py"}
    homes = Homes({"db": True, "db.session": False, "main": False}, paths)
    assert homes.find("app.db.session", "main") == "db.session"
    assert homes.find("app.main", "db") == "main"
    assert homes.find("app.other", "main") == ""


@pytest.mark.parametrize("roots", [("backend",), ("./backend/",), (".", "backend")])
def test_configured_roots(roots: tuple[str, ...]) -> None:
    """The nearest one counts."""
    paths = ("backend/app/x.py", "tools/y.py")
    found = names(*paths, roots=roots)
    assert found["backend/app/x.py"] == "app.x"
    assert found["tools/y.py"] == "tools.y"


def test_names_are_unique() -> None:
    """A second project of the same name is told apart by its path."""
    paths = ("one/app/__init__.py", "one/app/x.py", "two/app/__init__.py", "two/app/x.py")
    assert list(names(*paths).values()) == ["app", "app.x", "two.app", "two.app.x"]


def test_root_package() -> None:
    """A project whose root is a package has no better name for it."""
    assert names("__init__.py", "x.py") == {"__init__.py": "__init__", "x.py": "x"}
