"""What an expression can be: frozen, hashable atoms; a value's type is a set of them.

An empty set means "unknown". Types hold no types of the standard library apart from containers:
whatever comes from outside the project is `External` (the name), `ExternalInstance` (a value of
that class) or `ExternalResult` (what an external function gave).
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from migrate_async.knowledge.sqlalchemy import BASES_OF_ALL_MODELS

if TYPE_CHECKING:
    from migrate_async.index.scopes import Class, Function


class Type(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """Base of all types below."""


Types: TypeAlias = frozenset[Type]
UNKNOWN: Types = frozenset()


class Instance(Type, frozen=True, cache_hash=True, gc=False):
    """A value of a project class; `args` are its generic arguments in the class's order.

    `is_self` marks the first parameter of a method: the receiver of a call takes its place.
    """

    cls: Class
    args: tuple[Types, ...] = ()
    is_self: bool = False


class ClassObject(Type, frozen=True, cache_hash=True, gc=False):
    """A project class itself."""

    cls: Class
    args: tuple[Types, ...] = ()
    is_self: bool = False


class AliasedClass(Type, frozen=True, cache_hash=True, gc=False):
    """`aliased(Model)`."""

    cls: Class


class FunctionObject(Type, frozen=True, cache_hash=True, gc=False):
    """A project function, or a method bound to `receiver`."""

    fn: Function
    receiver: Type | None = None


class ContextFunction(Type, frozen=True, cache_hash=True, gc=False):
    """What `contextmanager(fn)` gives: called, it gives a context manager around the generator."""

    fn: Function
    receiver: Type | None = None


class ModuleObject(Type, frozen=True, cache_hash=True, gc=False):
    """A project module or package, by its dotted name."""

    name: str


class External(Type, frozen=True, cache_hash=True, gc=False):
    """A name from outside the project, as its canonical dotted path."""

    dotted: str


class ExternalInstance(Type, frozen=True, cache_hash=True, gc=False):
    """A value of an external class.

    `heuristic` marks a session known by its parameter's name only.
    """

    dotted: str
    heuristic: bool = False


class ExternalMethod(Type, frozen=True, cache_hash=True, gc=False):
    """An attribute or method of an external instance."""

    owner: str
    name: str
    heuristic: bool = False


class ExternalResult(Type, frozen=True, cache_hash=True, gc=False):
    """What a call of an external function gave; nothing is known about it."""

    dotted: str


class ListOf(Type, frozen=True, cache_hash=True, gc=False):
    """Anything that iterates over `items`: lists, sets, generators, collections."""

    items: Types


class PageOf(ListOf, frozen=True, cache_hash=True, gc=False):
    """A page of `items` that a pagination library made."""


class DictOf(Type, frozen=True, cache_hash=True, gc=False):
    """A dict. Of one that holds sessions beside other things, `items` are what its `names` mean."""

    keys: Types
    values: Types
    names: tuple[str, ...] = ()
    items: tuple[Types, ...] = ()


class TupleOf(Type, frozen=True, cache_hash=True, gc=False):
    items: tuple[Types, ...]


class ContextOf(Type, frozen=True, cache_hash=True, gc=False):
    """A context manager that enters as `value`."""

    value: Types


class TypeVariable(Type, frozen=True, cache_hash=True, gc=False):
    """A `TypeVar`; with `is_class` the type itself (`Type[T]`), not a value of it."""

    name: str
    is_class: bool = False
    bound: Types = UNKNOWN


class Entity(Type, frozen=True, cache_hash=True, gc=False):
    """One element of `query(...)` or `select(...)`.

    `kind` is `class`, `alias`, `column`, `expression`, `table`, `class-variable` (a class known
    only at run time, such as `self.model` or a `Type[Model]` parameter), `bundle` or `unknown`.
    `value` is what a result row holds for it; `name` is a column's attribute name.
    """

    kind: str
    model: Class | None = None
    name: str = ""
    value: Types = UNKNOWN


COLUMNS = Entity("table")
"""What a text of SQL selects: nothing but columns."""


class QueryOf(Type, frozen=True, cache_hash=True, gc=False):
    """A `Query`; no entities means unknown ones. `session` is `sync`, `async` or empty."""

    entities: tuple[Entity, ...] = ()
    session: str = ""


class SelectOf(Type, frozen=True, cache_hash=True, gc=False):
    entities: tuple[Entity, ...] = ()


class ResultOf(Type, frozen=True, cache_hash=True, gc=False):
    """A `Result`; `shape` is `rows`, `scalars` or `mappings`."""

    entities: tuple[Entity, ...] = ()
    shape: str = "rows"


class RowOf(Type, frozen=True, cache_hash=True, gc=False):
    entities: tuple[Entity, ...] = ()


class SessionFactory(Type, frozen=True, cache_hash=True, gc=False):
    """`sessionmaker(...)`: calling it gives `session`."""

    session: Type
    is_async: bool = False


class ProviderOf(Type, frozen=True, cache_hash=True, gc=False):
    """A provider of dependency-injector: calling it gives `value`, and so does injecting it."""

    value: Types


class ProvidedOf(Type, frozen=True, cache_hash=True, gc=False):
    """`provider.provided.x`: injecting it gives `value`."""

    value: Types


class Method(Type, frozen=True, cache_hash=True, gc=False):
    """A method of a query, result, select, factory or container."""

    owner: Type
    name: str


class Super(Type, frozen=True, cache_hash=True, gc=False):
    """`super()` inside a method of `cls`."""

    cls: Class


def of(*types: Type) -> Types:
    """A set of types."""
    return frozenset(types)


def union(parts: Iterable[Types]) -> Types:
    """All types of `parts`."""
    found: set[Type] = set()
    for part in parts:
        found |= part
    return frozenset(found)


class InOrder(frozenset[Type]):
    """Types that come in an order which does not change from run to run (hashes do)."""

    __slots__ = ("_order",)
    _order: tuple[Type, ...]

    def __iter__(self) -> Iterator[Type]:
        try:
            return iter(self._order)
        except AttributeError:
            self._order = tuple(sorted(super().__iter__(), key=describe))
            return iter(self._order)


def in_order(types: Types) -> Types:
    """The same types, in that order from now on."""
    return types if len(types) < 2 or isinstance(types, InOrder) else InOrder(types)


def ordered(types: Types) -> Iterable[Type]:
    """`types` in that order, of which they may be a passing set."""
    if len(types) < 2 or isinstance(types, InOrder):
        return types
    return _in_order(types)


@functools.lru_cache(maxsize=4_096)
def _in_order(types: Types) -> tuple[Type, ...]:
    return tuple(sorted(types, key=describe))


def elements(types: Types) -> Iterator[Type]:
    """`types` in that order, with what lists hold, at any depth, in the place of the lists."""
    for item in ordered(types):
        if isinstance(item, ListOf):
            yield from elements(item.items)
        else:
            yield item


def inside(types: Types) -> Iterator[Type]:
    """`types`, and what they hold, at any depth."""
    for item in ordered(types):
        yield item
        if isinstance(item, ListOf):
            yield from inside(item.items)
        elif isinstance(item, DictOf):
            yield from inside(item.values)
        elif isinstance(item, TupleOf):
            yield from inside(union(parts(item)))


def held(types: Types, models: Collection[Class]) -> list[Class]:
    """The classes of the objects that `types` are, or lists of them hold, which are in `models`."""
    objects = (item for item in elements(types) if isinstance(item, Instance))
    return list(dict.fromkeys(item.cls for item in objects if item.cls in models))


def forget_orders() -> None:
    """Let go of the types of an earlier project."""
    _in_order.cache_clear()


def describe(value: Type) -> str:
    """A stable, readable text; equal types have equal texts."""
    return f"{type(value).__name__}({', '.join(_texts(value))})"


def _texts(value: Type) -> Iterator[str]:
    for field in value.__struct_fields__:
        yield _text(getattr(value, field))


def _text(part: object) -> str:
    if isinstance(part, Type):
        return describe(part)
    if isinstance(part, frozenset):
        return "{" + ", ".join(sorted(describe(item) for item in part)) + "}"
    if isinstance(part, tuple):
        return "[" + ", ".join(_text(item) for item in part) + "]"
    return str(getattr(part, "qualname", part))


def parts(item: TupleOf | RowOf) -> tuple[Types, ...]:
    """Types of the places of a tuple or a row."""
    if isinstance(item, TupleOf):
        return item.items
    return tuple(entity.value for entity in item.entities)


def entity_rows(entities: tuple[Entity, ...]) -> Types:
    """What iterating over a query or an ORM result gives: the entity itself, or rows."""
    if not entities:
        return UNKNOWN
    if len(entities) == 1 and entities[0].kind in ("class", "alias", "class-variable"):
        return entities[0].value
    return of(RowOf(entities))


def result_rows(result: ResultOf) -> Types:
    """What iterating over `result` gives."""
    if not result.entities:
        return UNKNOWN
    if result.shape == "scalars":
        return result.entities[0].value
    if result.shape == "mappings":
        return of(DictOf(UNKNOWN, union(entity.value for entity in result.entities)))
    return of(RowOf(result.entities))


def iterated(types: Types, *, is_table: bool = False) -> Types:
    """`types` with what they give in the place of results and queries, for who iterates over these.

    Who takes it for a table, as it `is_table`, `dict[str, UserOut]`, reads the values of a dict.
    """
    found: set[Type] = set()
    for item in types:
        if isinstance(item, ResultOf):
            found.add(ListOf(result_rows(item)))
        elif isinstance(item, QueryOf):
            found.add(ListOf(entity_rows(item.entities)))
        elif isinstance(item, DictOf) and is_table:
            found |= iterated(item.values, is_table=True)
        else:
            found.add(item)
    return frozenset(found)


def as_instance(value: Type) -> Type:
    """The type of a value of the class `value`, for classes; other types come back as they are."""
    if isinstance(value, ClassObject):
        return Instance(value.cls, value.args, value.is_self)
    if isinstance(value, TypeVariable):
        return TypeVariable(value.name, False, value.bound)
    if isinstance(value, AliasedClass):
        return Instance(value.cls)
    if isinstance(value, External):
        return ExternalInstance(value.dotted)
    return value


def as_class(value: Type) -> Type:
    """The reverse of `as_instance`: what `Type[value]` is."""
    if isinstance(value, Instance):
        return ClassObject(value.cls, value.args, value.is_self)
    if isinstance(value, TypeVariable):
        return TypeVariable(value.name, True, value.bound)
    if isinstance(value, ExternalInstance):
        return External(value.dotted)
    return value


def is_open(types: Types) -> bool:
    """Whether `types` say too little to rule out objects of a model."""
    known = False
    for item in types:
        if isinstance(item, TypeVariable | ExternalResult) or _is_vague(item):
            return True
        known = known or not (isinstance(item, ListOf) and is_open(item.items))
    return not known


def _is_vague(item: Type) -> bool:
    """Whether it is a row of a query of which nobody knows what it selects, or any model's."""
    if isinstance(item, ExternalInstance):
        return item.dotted in BASES_OF_ALL_MODELS
    return isinstance(item, RowOf) and not all(entity.value for entity in item.entities)
