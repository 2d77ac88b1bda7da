"""Imports of files that could not be read: nobody knows what they define."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from migrate_async.index import scopes as sc


def importers(
    functions: Iterable[sc.Function], unread: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Of each path in `unread` that is imported, the paths of the modules that do, sorted.

    `functions` are those of the project, bodies of modules included: an import may stand in any.
    """
    parts = {path: _parts(path) for path in unread}
    found: dict[str, set[str]] = {}
    for function in functions:
        importer = function.module.path
        for dotted in _imported(function):
            for path, names in parts.items():
                if _means(dotted.split("."), names, _parts(importer)[:-1]):
                    found.setdefault(path, set()).add(importer)
    return {path: tuple(sorted(paths)) for path, paths in sorted(found.items())}


def _parts(path: str) -> list[str]:
    return path.removesuffix(".py").removesuffix("/__init__").split("/")


def _imported(function: sc.Function) -> Iterator[str]:
    """All that may be a module in the imports of a function: of `from a import b` both parts."""
    if function.is_module:
        yield from function.module.stars
    for bindings in function.scope.names.values():
        for binding in bindings:
            if isinstance(binding, sc.FromBinding):
                yield from (binding.module, f"{binding.module}.{binding.name}")
            elif isinstance(binding, sc.ImportBinding):
                yield binding.dotted


def _means(dotted: list[str], names: list[str], folder: list[str]) -> bool:
    """Whether `dotted` may be the module at `names`, imported in `folder`.

    A name without dots is looked for at the top and beside the importer only: `import database`.
    """
    if names[-len(dotted) :] != dotted:
        return False
    return len(dotted) > 1 or names[:-1] in ([], ["src"], folder)
