"""Signs of database code in the text of a file."""

from __future__ import annotations

import re
from functools import cached_property

from migrate_async.config import Settings
from migrate_async.knowledge.resources import DRIVER_CONNECTS

DATABASE_PACKAGES = frozenset(
    {"alembic", "databases", "flask_migrate", "flask_sqlalchemy", "mysql", "sqlalchemy", "sqlmodel"}
    | {name.partition(".")[0] for name in DRIVER_CONNECTS}
)
"""First parts of the names of modules that talk to a database."""

_EVERYWHERE = ("sqlalchemy", "sqlmodel")
_OPERATIONS = ("query", "commit", "rollback", "flush")


class Needles:
    """What to look for with these settings."""

    def __init__(self, settings: Settings) -> None:
        resolvers = (text.partition("(")[0] for text in settings.session_resolvers)
        self._words = tuple(dict.fromkeys((*_EVERYWHERE, *settings.registry_keys, *resolvers)))
        self._bytes = tuple(word.encode() for word in self._words)
        self._calls = tuple(f".{operation}(".encode() for operation in _OPERATIONS)
        self._names = [re.escape(name) for name in settings.session_names]

    def in_bytes(self, data: bytes) -> bool:
        """Whether the file `data` uses a database by itself, its imports not looked at."""
        for needle in self._bytes:
            if needle in data:
                return True
        for call in self._calls:
            if call in data:
                return self._used.search(data) is not None
        return False

    def in_text(self, text: str) -> bool:
        """Whether a part of a file mentions a database."""
        return any(word in text for word in self._words)

    def has_session(self, text: str) -> bool:
        """Whether a session's name is in `text`, also as an attribute."""
        return self._session.search(text) is not None

    @cached_property
    def _used(self) -> re.Pattern[bytes]:
        operations = "|".join(_OPERATIONS)
        return re.compile(rf"\b(?:{self._any_name})\.(?:{operations})\(".encode())

    @cached_property
    def _session(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{self._any_name})\b")

    @property
    def _any_name(self) -> str:
        return "|".join(self._names) or r"(?!)"


def is_database(module: str) -> bool:
    """Whether importing `module` is a sign of database code."""
    return module.partition(".")[0] in DATABASE_PACKAGES
