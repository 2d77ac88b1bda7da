"""What a path says about a module."""

from __future__ import annotations

import functools
from pathlib import PurePosixPath


@functools.lru_cache(maxsize=65_536)
def is_test_path(path: str) -> bool:
    """Whether pytest's conventions make `path` part of a test suite."""
    pure = PurePosixPath(path)
    name = pure.name
    return (
        name == "conftest.py"
        or name.startswith("test_")
        or name.endswith("_test.py")
        or bool({"test", "tests"} & set(pure.parts[:-1]))
    )


def is_under(path: str, roots: tuple[str, ...]) -> bool:
    """Whether `path` is one of `roots` or below one; no roots mean everything."""
    if not roots:
        return True
    return any(root in ("", ".") or path == root or path.startswith(f"{root}/") for root in roots)
