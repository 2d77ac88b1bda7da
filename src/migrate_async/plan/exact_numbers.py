"""Columns of exact numbers, for which asyncpg stores a float as another number than psycopg2 did.

    price = Column(Numeric)

See `migrate_async.runtime.exact_numbers`.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import last_name
from migrate_async.model import syntax as s
from migrate_async.plan.aware_times import columns

_EXACT = frozenset({"DECIMAL", "Decimal", "NUMERIC", "Numeric"})


def has_exact_numbers(project: Project) -> bool:
    """Whether a model of `project` has such a column."""
    return any(
        isinstance(part, s.Name | s.Attribute) and last_name(part) in _EXACT
        for cls in project.classes
        for _, typed in columns(project, cls)
        for part in typed
    )
