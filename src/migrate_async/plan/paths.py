"""What a path says about a module."""

from __future__ import annotations


def is_under(path: str, roots: tuple[str, ...]) -> bool:
    """Whether `path` is one of `roots` or below one; no roots mean everything."""
    if not roots:
        return True
    return any(root in ("", ".") or path == root or path.startswith(f"{root}/") for root in roots)
