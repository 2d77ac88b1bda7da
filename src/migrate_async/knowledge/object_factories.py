"""factory_boy: which of its methods make objects, and which of those run SQL."""

from __future__ import annotations

SYNC = "factory.alchemy.SQLAlchemyModelFactory"
ASYNC_HOME = "migrate_async.runtime.testing.factories"
ASYNC_NAME = "AsyncSQLAlchemyModelFactory"

SQLALCHEMY = frozenset({SYNC, f"{ASYNC_HOME}.{ASYNC_NAME}"})
"""The bases of factories that make objects on a session."""

CREATES = frozenset({"create", "create_batch"})
"""The methods that add what they make to the session; a call of the factory does, too."""

MAKE_ONE = frozenset({"build", "create"})
MAKE_MANY = frozenset({"build_batch", "create_batch"})

QUIET = frozenset(
    {"__name__", "_meta", "build", "build_batch", "reset_sequence", "stub", "stub_batch"}
)
"""Attributes of a factory that need no session."""

DECLARATIONS = frozenset({"Maybe", "RelatedFactory", "RelatedFactoryList", "SubFactory", "Trait"})
"""Declarations of a factory that take another one, and run it within their own creation."""

INNER = frozenset(
    {
        *("_after_postgeneration", "_create", "_generate", "_get_or_create", "_save"),
        *("_setup_next_sequence", "create", "create_batch"),
    }
)
"""Methods that a factory may override to work on the session, or on what is created."""
