"""SQL texts without the labels of columns, and what they are about.

`Query` labels columns `users.id AS users_id`, a 2.0 statement does not, or calls them `id`.
"""

from __future__ import annotations

import functools
import re

_NAME = r'(?:\w+|"[^"]+"|`[^`]+`)'
_LABELLED = re.compile(rf"(?P<owner>{_NAME})\.(?P<column>{_NAME}) AS (?P<label>{_NAME})")
_QUALIFIED = re.compile(rf"(?P<owner>{_NAME})\.(?P<column>{_NAME})")
_TABLE = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE) (?P<table>{_NAME}(?:\.{_NAME})?)")
_LIST = re.compile(r"\(\?(?:, \?)*\)")
_LIMIT = re.compile(r" LIMIT \?(?: OFFSET \?)?$")
_WRITES = (
    "INSERT ",
    "UPDATE ",
    "DELETE ",
    "CREATE ",
    "DROP ",
    "ALTER ",
    "TRUNCATE ",
    "MERGE ",
    "REPLACE ",
)
_BOUNDARIES = frozenset(
    {"COMMIT", "ROLLBACK", "SAVEPOINT", "ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT"}
)
_KNOWN = 10_000


@functools.lru_cache(maxsize=_KNOWN)
def comparable(sql: str) -> str:
    """`sql` without labels of plain columns; what names them names the column itself."""
    labels: dict[str, str] = {}

    def unlabelled(match: re.Match[str]) -> str:
        labels[match["label"]] = match["column"]
        return f"{match['owner']}.{match['column']}"

    text = _LABELLED.sub(unlabelled, sql)
    return _QUALIFIED.sub(
        lambda match: f"{match['owner']}.{labels.get(match['column'], match['column'])}", text
    )


@functools.lru_cache(maxsize=_KNOWN)
def tables(sql: str) -> frozenset[str]:
    """The tables that a statement names."""
    return frozenset(match["table"] for match in _TABLE.finditer(sql))


def without_limit(sql: str) -> str:
    """`sql` without a LIMIT, and OFFSET, at its end."""
    return _LIMIT.sub("", sql)


def without_length(sql: str) -> str:
    """`sql` with lists of parameters, `IN (?, ?)`, that do not say how many these are."""
    return _LIST.sub("(...)", sql)


def is_write(sql: str) -> bool:
    """Whether it changes rows or tables."""
    return sql.startswith(_WRITES) or (sql.startswith("WITH ") and _writes_in_with(sql))


def _writes_in_with(sql: str) -> bool:
    return any(f") {word}" in sql or f"({word}" in sql for word in _WRITES[:3])


def is_boundary(sql: str) -> bool:
    """Whether it ends a transaction, or is about a savepoint."""
    return sql in _BOUNDARIES
