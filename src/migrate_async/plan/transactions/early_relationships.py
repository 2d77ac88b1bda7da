"""Relationships that the mapping loads with their object from a run on."""

from __future__ import annotations

from dataclasses import dataclass

from migrate_async.index.project import Relationship
from migrate_async.index.scopes import Class, Function
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at


@dataclass(frozen=True)
class EarlyRelationship:
    """`model` objects get `name`, objects of `target`, as soon as they are loaded.

    `leads_on` if a query says what to load with these: loaded again, they would lack it.
    """

    model: Class
    name: str
    target: Class
    relationship: Relationship
    leads_on: bool = False


def rows_come_later(function: Function, statement: s.Stmt, early: EarlyRelationship) -> Diagnostic:
    """The report of a `statement` of `function` that changes what `early` has to show."""
    return at(
        function.module.path,
        statement.span,
        "MA511",
        f"{early.model.name}.{early.name} is now loaded with its object, and {function.qualname} "
        f"adds, deletes or moves {early.target.name} rows: an object loaded before may be read "
        "without that",
        f'`session.refresh(obj, ["{early.name}"])` where the rows have been flushed',
    )
