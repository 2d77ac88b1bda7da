"""What rooms above know about the values of names."""

from __future__ import annotations

from typing import Protocol

from migrate_async.index.scopes import Scope
from migrate_async.model import syntax as s


class Values(Protocol):
    """What the code shows of the values of names."""

    def may_be_none(self, name: s.Name, scope: Scope, statement: s.Stmt) -> bool:
        """Whether `name` may hold None at `statement`."""

    def is_list(self, name: s.Name, scope: Scope) -> bool:
        """Whether `name` surely holds something to iterate over twice."""
