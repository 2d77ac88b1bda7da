"""Public names of `migrate_async` that stay in an application when its migration is done."""

from __future__ import annotations

LAZY_RESPONSE = "lazy_response"
"""The decorator of routes whose response model loads what it reads."""
AWAITABLE_CACHED_PROPERTY = "awaitable_cached_property"
"""The decorator of a `cached_property` whose value takes an `await`."""
