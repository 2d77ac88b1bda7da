"""Columns of bytes, which aiomysql cannot write beside PyMySQL 1.2.

    data = Column(LargeBinary)

See `migrate_async.runtime.mysql_parameters`.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import last_name
from migrate_async.model import syntax as s
from migrate_async.plan.aware_times import columns

_BYTES = frozenset(
    {
        *("BINARY", "BLOB", "LONGBLOB", "LargeBinary", "MEDIUMBLOB", "PickleType", "TINYBLOB"),
        *("VARBINARY", "bytes"),
    }
)


def has_byte_columns(project: Project) -> bool:
    """Whether a model of `project` has such a column."""
    return any(
        isinstance(part, s.Name | s.Attribute) and last_name(part) in _BYTES
        for cls in project.classes
        for _, typed in columns(project, cls)
        for part in typed
    )
