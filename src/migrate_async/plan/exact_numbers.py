"""Columns of exact numbers, for which asyncpg stores a float as another number than psycopg2 did.

    price = Column(Numeric)

See `migrate_async.runtime.exact_numbers`.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.plan.typed_columns import has_columns_of

_EXACT = frozenset({"DECIMAL", "Decimal", "NUMERIC", "Numeric"})


def has_exact_numbers(project: Project) -> bool:
    """Whether a model of `project` has such a column."""
    return has_columns_of(project, _EXACT)
