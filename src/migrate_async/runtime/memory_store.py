"""The tables of the in-memory repositories: dictionaries of objects by primary key."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar, cast

from sqlalchemy import Column, Table, UniqueConstraint, inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapper

ModelT = TypeVar("ModelT")
Snapshot = dict[type[Any], list[tuple[Any, dict[str, Any]]]]


class _Parameters:
    """What a context-sensitive column default may ask for: the other values of the row."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def get_current_parameters(self, isolate_multiinsert_groups: bool = True) -> dict[str, Any]:  # noqa: ARG002
        return self._values


class InMemoryStore:
    """Objects of any number of models. `rows(Model)` shows a test what is stored."""

    def __init__(self) -> None:
        self._tables: dict[type[Any], list[Any]] = {}
        self._numbers = itertools.count(1)

    def rows(self, model: type[ModelT]) -> list[ModelT]:
        """Return the stored objects of a model and its subclasses, oldest first, deleted ones too.

        The list is a copy, the objects are the stored ones.
        """
        found = (rows for kind, rows in self._tables.items() if issubclass(kind, model))
        return [cast("ModelT", row) for rows in found for row in rows]

    def insert(self, instance: Any) -> None:
        """Store an object as an INSERT does: defaults, then constraints.

        :raises sqlalchemy.exc.IntegrityError: NOT NULL, the primary key or a unique constraint.
        """
        self._set_defaults(instance)
        self.check(instance)
        rows = self._tables.setdefault(type(instance), [])
        if not any(row is instance for row in rows):
            rows.append(instance)

    def remove(self, instance: Any) -> None:
        rows = self._tables.get(type(instance), [])
        self._tables[type(instance)] = [row for row in rows if row is not instance]

    def touch(self, instance: Any) -> None:
        """Set the columns which an UPDATE sets by itself (`onupdate`)."""
        for name, column in _columns(instance):
            if column.onupdate is not None:
                setattr(instance, name, _default(column.onupdate, _values(instance)))

    def check(self, instance: Any) -> None:
        """:raises sqlalchemy.exc.IntegrityError: a constraint of the table is violated."""
        values = _values(instance)
        for name, column in _columns(instance):
            if values[name] is None and not column.nullable and column.server_default is None:
                _violated("NOT NULL", [name], instance)
        others = [row for row in self.rows(_root(instance)) if row is not instance]
        for names in _unique_keys(instance):
            key = [values[name] for name in names]
            if None not in key and any(key == [getattr(o, n) for n in names] for o in others):
                _violated("UNIQUE", names, instance)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the body of the `with` statement did, if it raises."""
        snapshot = self.snapshot()
        try:
            yield
        except BaseException:
            self.roll_back(snapshot)
            raise

    def snapshot(self) -> Snapshot:
        return {
            model: [(row, _values(row)) for row in rows] for model, rows in self._tables.items()
        }

    def roll_back(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot: which objects there are, and the values of their columns."""
        self._tables = {model: [row for row, _ in rows] for model, rows in snapshot.items()}
        for row, values in itertools.chain.from_iterable(snapshot.values()):
            for name, value in values.items():
                setattr(row, name, value)

    def _set_defaults(self, instance: Any) -> None:
        for name, column in _columns(instance):
            if getattr(instance, name) is not None:
                continue
            if column.default is not None:
                setattr(instance, name, _default(column.default, _values(instance)))
            elif _is_serial(column):
                setattr(instance, name, next(self._numbers))

    def __getattr__(self, name: str) -> NoReturn:
        raise NotImplementedError(
            f"a method of the repository uses `session.{name}`: the in-memory repository has no "
            "session. Build the method on `find`, `add` and so on, or test it on a database"
        )


def key_of(instance: Any) -> tuple[Any, ...]:
    """Return the primary key of an object."""
    return tuple(inspect(type(instance)).primary_key_from_instance(instance))


def _mapper(instance: Any) -> Mapper[Any]:
    mapper: Mapper[Any] = inspect(type(instance))
    return mapper


def _root(instance: Any) -> type[Any]:
    return _mapper(instance).base_mapper.class_


def _columns(instance: Any) -> Iterator[tuple[str, Column[Any]]]:
    for attribute in _mapper(instance).column_attrs:
        column = attribute.columns[0]
        if isinstance(column, Column):
            yield attribute.key, column


def _values(instance: Any) -> dict[str, Any]:
    return {name: getattr(instance, name) for name, _ in _columns(instance)}


def _unique_keys(instance: Any) -> Iterator[list[str]]:
    """Yield the attribute names of the primary key and of each unique constraint and index."""
    mapper = _mapper(instance)
    for table in mapper.tables:
        if not isinstance(table, Table):
            continue
        groups: list[Any] = [table.primary_key.columns]
        groups += [c.columns for c in table.constraints if isinstance(c, UniqueConstraint)]
        # A partial index has a condition that only the database knows.
        groups += [i.columns for i in table.indexes if i.unique and not i.dialect_kwargs]
        for columns in groups:
            yield [mapper.get_property_by_column(column).key for column in columns]


def _is_serial(column: Column[Any]) -> bool:
    """Whether databases number this column themselves: an integer primary key of one column."""
    return column is column.table.autoincrement_column


def _default(default: Any, values: dict[str, Any]) -> Any:
    if default.is_callable:
        return default.arg(_Parameters(values))
    if default.is_scalar:
        return default.arg
    return None


def _violated(kind: str, names: list[str], instance: Any) -> NoReturn:
    detail = f"{kind} constraint failed: {_mapper(instance).local_table}: {', '.join(names)}"
    raise IntegrityError(None, None, Exception(detail))
