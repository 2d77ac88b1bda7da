"""The names under which files are imported."""

from __future__ import annotations

import pytest

from migrate_async.source.modules import ModuleName, module_names


def names(
    *paths: str, roots: tuple[str, ...] = (), imported: tuple[str, ...] = ()
) -> dict[str, str]:
    found = module_names(paths, roots, imported)
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
