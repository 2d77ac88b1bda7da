"""Errors carry what went wrong, across processes too, and name the remedy."""

from __future__ import annotations

import pickle

import pytest

from migrate_async.runtime import errors


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (errors.DatabaseNotInitialised("a"), "init_db"),
        (errors.DatabaseAlreadyInitialised("a"), "close_db"),
        (errors.MissingDependencyError("fastapi", "fastapi"), "pip install"),
        (errors.UnsupportedURLArgument("a", "asyncpg", "leave it out"), "leave it out"),
    ],
)
def test_an_error_survives_pickling(error: Exception, remedy: str) -> None:
    """With its attributes and its message."""
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    assert remedy in str(copy)
