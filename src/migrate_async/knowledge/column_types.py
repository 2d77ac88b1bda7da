"""The Python type of what a column of each SQL type holds.

Sources: the `python_type` and result processing of SQLAlchemy's types and dialects, 2.0 and 2.1.
Names are the last components of the type's dotted name; the packages that they are known from are
in `PACKAGES`. Types are `module.name`, or a builtin's name; `Any` where a value may be anything.
"""

from __future__ import annotations

ANY = "typing.Any"

PACKAGES = ("sqlalchemy", "sqlmodel")
"""Top-level packages whose types of these names are meant."""

PYTHON_TYPES: dict[str, str] = {
    **dict.fromkeys(("Integer", "BigInteger", "SmallInteger"), "int"),
    **dict.fromkeys(("INTEGER", "INT", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT"), "int"),
    **dict.fromkeys(("OID", "YEAR"), "int"),
    **dict.fromkeys(("String", "Text", "Unicode", "UnicodeText"), "str"),
    **dict.fromkeys(("CHAR", "NCHAR", "VARCHAR", "NVARCHAR", "TEXT", "NTEXT", "CLOB"), "str"),
    **dict.fromkeys(("LONGTEXT", "MEDIUMTEXT", "TINYTEXT", "CITEXT", "NAME"), "str"),
    **dict.fromkeys(("INET", "CIDR", "MACADDR", "MACADDR8", "TSVECTOR", "TSQUERY"), "str"),
    **dict.fromkeys(("Boolean", "BOOLEAN"), "bool"),
    **dict.fromkeys(("Float", "Double", "FLOAT", "REAL", "DOUBLE", "DOUBLE_PRECISION"), "float"),
    **dict.fromkeys(("Numeric", "NUMERIC", "DECIMAL", "MONEY"), "decimal.Decimal"),
    **dict.fromkeys(("Date", "DATE"), "datetime.date"),
    **dict.fromkeys(("DateTime", "DATETIME", "TIMESTAMP"), "datetime.datetime"),
    **dict.fromkeys(("Time", "TIME"), "datetime.time"),
    **dict.fromkeys(("Interval", "INTERVAL"), "datetime.timedelta"),
    **dict.fromkeys(("LargeBinary", "BINARY", "VARBINARY", "BLOB", "BYTEA"), "bytes"),
    **dict.fromkeys(("LONGBLOB", "MEDIUMBLOB", "TINYBLOB"), "bytes"),
    **dict.fromkeys(("Uuid", "UUID"), "uuid.UUID"),
    **dict.fromkeys(("JSON", "JSONB", "PickleType"), ANY),
}

OF_ANNOTATIONS: dict[str, str] = {
    **{name: name for name in ("bool", "bytes", "float", "int", "str")},
    **{name: f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta")},
    "Decimal": "decimal.Decimal",
}
"""What the type of a column that another refers to is, where an annotation gives it."""

KEPT_OTHERWISE = frozenset(
    {
        *("Numeric", "NUMERIC", "DECIMAL", "Decimal", "MONEY", "Float", "FLOAT", "REAL", "float"),
        *("DateTime", "DATETIME", "TIMESTAMP", "datetime", "Time", "TIME", "time", "CHAR", "NCHAR"),
    }
)
"""Types in which a database may keep another value than it is given: rounded, or without a zone."""

WITHOUT_DECIMALS = "asdecimal"
"""The argument of numeric types that decides between `Decimal` and `float`."""
WITHOUT_UUID = "as_uuid"
"""The argument of UUID types that decides between `UUID` (the default since 2.0) and `str`."""

WITHOUT_TYPE = frozenset(
    {"CheckConstraint", "Computed", "DefaultClause", "FetchedValue", "Identity", "Sequence"}
)
"""What a column takes beside its type."""

COLUMN_ONLY = frozenset(
    {
        *("autoincrement", "cast", "comment", "comparator", "compile", "computed", "constraints"),
        *("copy", "default", "description", "doc", "expression", "identity", "index", "info"),
        *("key", "nullable", "onupdate", "params", "primary_key", "references", "self_group"),
        *("server_default", "server_onupdate", "table", "type", "unique"),
    }
)
"""What a `Column` has and a `MappedColumn` has not; operators work on both."""
