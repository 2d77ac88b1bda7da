"""The declarative base: automatic table names and a representation that never touches the database.

`Base` is ready to use. A project that has its own base keeps it and adds the parts it wants::

    class Base(AutomaticTableName, SafeRepresentation, AsyncAttrs, DeclarativeBase):
        metadata = MetaData(naming_convention=NAMING_CONVENTION)
"""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from sqlalchemy import Column, MetaData, inspect
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, InstanceState, MappedColumn, has_inherited_table

from migrate_async.runtime.naming import NAMING_CONVENTION, table_name

_SECRET_WORDS = ("password", "passwd", "secret", "token", "api_key", "private_key")

_VALUES = reprlib.Repr()
_VALUES.maxstring = _VALUES.maxother = 120


class AutomaticTableName:
    """Gives each mapped class a table name made from its own name: `HTTPLog` -> `http_logs`.

    Left alone: a class that sets `__tablename__` or `__table__` (or inherits a `__tablename__` from
    a mixin), and abstract classes. A subclass of a mapped class shares its table (single-table
    inheritance) unless it has a primary key of its own (joined-table) or is concrete.

    `__pluralise__ = False` on a base class keeps the singular: `http_log`.
    """

    __pluralise__: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if _needs_table_name(cls):
            name = table_name(cls.__name__, pluralise=cls.__pluralise__)
            # None makes SQLAlchemy use the table of the mapped parent.
            cls.__tablename__ = name if _has_own_table(cls) else None  # type: ignore[attr-defined]
        super().__init_subclass__(**kwargs)


def _needs_table_name(cls: type) -> bool:
    own = vars(cls)
    if own.get("__abstract__") or "__tablename__" in own or "__table__" in own:
        return False
    if DeclarativeBase in cls.__bases__ or not hasattr(cls, "registry"):
        return False  # a declarative base itself, or a mixin
    if has_inherited_table(cls):
        return True
    return not hasattr(cls, "__tablename__")


def _has_own_table(cls: type) -> bool:
    if not has_inherited_table(cls):
        return True
    own = vars(cls)
    arguments = own.get("__mapper_args__")
    if isinstance(arguments, Mapping) and arguments.get("concrete"):
        return True
    return any(_is_primary_key(value) for value in own.values())


def _is_primary_key(value: object) -> bool:
    if isinstance(value, MappedColumn):
        return value.column.primary_key
    return isinstance(value, Column) and value.primary_key


class SafeRepresentation:
    """`to_dict()` and `repr()` of what is in memory: neither loads anything, neither raises.

    What is not loaded (deferred, expired, never set) is left out, except the primary key of a
    persistent object, which SQLAlchemy remembers even when the attributes are expired. So both are
    safe on detached, expired and deleted objects, in a log line and in an exception handler.
    """

    __repr_exclude__: ClassVar[Collection[str]] = ()
    """Columns that `repr()` leaves out; names that say password, token or secret are masked."""

    def to_dict(
        self, *, exclude: Collection[str] = (), relationships: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Return the loaded column values by attribute name, in the order of the mapping.

        Values are not converted or masked: exclude the columns that must not leave the process.
        A name in `relationships` adds the related objects, one level deep, when they are loaded
        already; those that are not are left out.
        """
        state = _state_of(self)
        if state is None:
            return {}
        loaded = _loaded_columns(state)
        result = {name: value for name, value in loaded.items() if name not in exclude}
        result |= {
            name: _related(state.dict[name])
            for name in relationships
            if name in state.mapper.relationships and name in state.dict
        }
        return result

    def __repr__(self) -> str:
        state = _state_of(self)
        if state is None:
            return f"<{type(self).__name__} without state>"
        loaded = _loaded_columns(state)
        shown = [
            f"{name}={self._shown(name, value)}"
            for name, value in loaded.items()
            if name not in self.__repr_exclude__
        ]
        missing = [name for name in _column_names(state) if name not in loaded]
        if missing:
            shown.append(f"<not loaded: {', '.join(missing)}>")
        return f"{type(self).__name__}({', '.join(shown)})"

    @staticmethod
    def _shown(name: str, value: object) -> str:
        if value is not None and any(word in name.lower() for word in _SECRET_WORDS):
            return "'***'"
        return _VALUES.repr(value)


def _state_of(instance: object) -> InstanceState[Any] | None:
    """Return the state, or None for an object made without `__init__` (copy, pickle, debugger)."""
    state: InstanceState[Any] | None = inspect(instance, raiseerr=False)
    return state


def _loaded_columns(state: InstanceState[Any]) -> dict[str, Any]:
    """Return the column values in memory, and the primary key even if it is expired."""
    values = state.dict
    identity = _identity(state)
    return {
        name: values[name] if name in values else identity[name]
        for name in _column_names(state)
        if name in values or name in identity
    }


def _column_names(state: InstanceState[Any]) -> list[str]:
    return [attribute.key for attribute in state.mapper.column_attrs]


def _identity(state: InstanceState[Any]) -> dict[str, Any]:
    if state.identity is None:
        return {}
    mapper = state.mapper
    keys = (mapper.get_property_by_column(column).key for column in mapper.primary_key)
    return dict(zip(keys, state.identity, strict=True))


def _related(value: Any) -> Any:
    """Return the columns of a related object, or of each object of a loaded collection."""
    if isinstance(value, Mapping):
        return {key: _related(item) for key, item in value.items()}
    if isinstance(value, (list, set, frozenset, tuple)):
        return [_related(item) for item in value]
    state = None if value is None else _state_of(value)
    return value if state is None else _loaded_columns(state)


class Base(AutomaticTableName, SafeRepresentation, AsyncAttrs, DeclarativeBase):
    """The base of an application's models.

    Constraint names follow `NAMING_CONVENTION`. From `AsyncAttrs`: `await user.awaitable_attrs.x`
    loads a relationship or an expired column where plain `user.x` would raise `MissingGreenlet`.
    """

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
