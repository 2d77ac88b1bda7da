"""The table of blocking calls names what exists."""

from __future__ import annotations

import importlib
import sys

import pytest

from migrate_async.knowledge import blocking

_OWN = sorted(
    name
    for name in blocking.FUNCTIONS
    if name.partition(".")[0] in sys.stdlib_module_names or name.startswith("builtins.")
)
_CLASSES = sorted(
    name for name in blocking.CLASSES if name.partition(".")[0] in sys.stdlib_module_names
)


@pytest.mark.parametrize("name", _OWN)
def test_functions_of_the_standard_library_exist(name: str) -> None:
    """A misspelt name would never be found in any code."""
    module, _, function = name.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("name", _CLASSES)
def test_methods_of_standard_classes_exist(name: str) -> None:
    """So would a misspelt method."""
    module, _, cls = name.rpartition(".")
    methods, _ = blocking.CLASSES[name]
    owner = getattr(importlib.import_module(module), cls)
    assert all(callable(getattr(owner, method)) for method in methods or ())


def test_a_client_blocks_except_for_what_only_prepares() -> None:
    """`redis.Redis.pipeline()` talks to nobody yet, `get()` does."""
    assert blocking.method_of("redis.Redis", "get") is not None
    assert blocking.method_of("redis.Redis", "pipeline") is None
    assert blocking.method_of("unknown.Client", "get") is None
    assert blocking.made_method("boto3.client", "upload_file") is not None
    assert blocking.made_method("boto3.session", "upload_file") is None
