"""Columns of bytes, which aiomysql cannot write beside PyMySQL 1.2.

    data = Column(LargeBinary)

See `migrate_async.runtime.mysql_parameters`.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.plan.typed_columns import has_columns_of

_BYTES = frozenset(
    {
        *("BINARY", "BLOB", "LONGBLOB", "LargeBinary", "MEDIUMBLOB", "PickleType", "TINYBLOB"),
        *("VARBINARY", "bytes"),
    }
)


def has_byte_columns(project: Project) -> bool:
    """Whether a model of `project` has such a column."""
    return has_columns_of(project, _BYTES)
