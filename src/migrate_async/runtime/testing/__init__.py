"""Tests on a real database: each in one transaction, which is rolled back, committed or not.

With pytest, use the fixtures of `migrate_async.runtime.pytest_plugin`; everything here is what they
are made of, for other test frameworks and for fixtures of one's own.
"""

from migrate_async.runtime.testing.scratch import ScratchDatabase, SharedTransaction
from migrate_async.runtime.testing.virtual import LostWorkWarning

__all__ = ["LostWorkWarning", "ScratchDatabase", "SharedTransaction"]
