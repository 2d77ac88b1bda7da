"""The dotted names under which a project's files are imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple


class ModuleName(NamedTuple):
    """`dotted` is what an import statement says; a package is named by its `__init__.py`."""

    dotted: str
    is_package: bool


def module_names(
    paths: Sequence[str], roots: Sequence[str] = (), imported: Collection[str] = ()
) -> dict[str, ModuleName]:
    """The module name of each of `paths`, relative to the project root.

    `roots` are the folders that imports start from. Where they do not say, the root of a file is
    the folder above its outermost package; `imported`, the first parts of all names that the
    project imports, tells packages without `__init__.py` apart from mere folders. Names are
    unique: a second file of a name is called by its whole path.
    """
    packages = {path.rpartition("/")[0] for path in paths if _is_init(path)}
    names: dict[str, ModuleName] = {}
    taken: set[str] = set()
    for path in paths:
        parts = _parts(path)
        depth = _root_depth(parts, packages, roots, frozenset(imported))
        name = ".".join(parts[depth:])
        if not name or name in taken:
            name = ".".join(parts)
        taken.add(name)
        names[path] = ModuleName(name or "__init__", _is_init(path))
    return names


def _is_init(path: str) -> bool:
    return path == "__init__.py" or path.endswith("/__init__.py")


def _parts(path: str) -> list[str]:
    parts = path.removesuffix(".py").split("/")
    return parts[:-1] if parts[-1] == "__init__" else parts


def _root_depth(
    parts: Sequence[str],
    packages: Collection[str],
    roots: Iterable[str],
    imported: Collection[str],
) -> int:
    """How many of the folders in `parts` are above the module's root."""
    configured = [[part for part in root.split("/") if part not in {"", "."}] for root in roots]
    depths = [len(root) for root in configured if list(parts[: len(root)]) == root]
    if depths:
        return max(depths)
    depth = _above_packages(parts, packages)
    if depth < 0:  # `__init__.py` of the project root
        return 0
    for candidate in range(depth, -1, -1):
        names = parts[candidate:]
        if names and names[0] in imported and all(name.isidentifier() for name in names):
            return candidate
    is_packaged = depth < len(parts) - 1 or "/".join(parts) in packages
    return depth if is_packaged or not depth else _outermost(parts)


def _above_packages(parts: Sequence[str], packages: Collection[str]) -> int:
    """How many folders are above the outermost of the packages around the module."""
    depth: int = len(parts) - 1
    while depth > 0 and "/".join(parts[:depth]) in packages:
        depth -= 1
    return depth


def _outermost(parts: Sequence[str]) -> int:
    """The depth from which all parts can be in a dotted name; a leading `src` is not part."""
    depth = 1 if parts[0] == "src" and len(parts) > 1 else 0
    bad: list[int] = [i + 1 for i, part in enumerate(parts[:-1]) if not part.isidentifier()]
    return max([depth, *bad])
