"""Mapped columns: `Column`, `mapped_column`, `Mapped[...]`, SQLModel fields, tables, keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.index.annotations import Annotations
from migrate_async.index.classes import subscript_items
from migrate_async.index.declarative import (
    COLUMN_CALLS,
    Attribute,
    attributes,
    is_true,
    keyword,
    string,
)
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

_WRAPPERS = frozenset({"deferred", "column_property", "synonym", "composite", "query_expression"})


class Column(msgspec.Struct, frozen=True, eq=False):
    """A mapped column.

    `name` is the attribute, `column` the name in the table. `type` is the source name of the SQL
    or Python type (`Integer`, `str`), empty when unknown. `foreign_key` is `table.column`.
    `generated`: the database gives it a new value when its row is changed; `defaulted`: it does
    when the row is new.
    """

    name: str
    column: str
    primary_key: bool = False
    unique: bool = False
    nullable: bool = True
    type: str = ""
    foreign_key: str = ""
    deferred: bool = False
    generated: bool = False
    defaulted: bool = False


def column_of(item: Attribute, annotations: Annotations, is_sqlmodel: bool) -> Column | None:
    """The column that a class attribute maps, if it maps one."""
    call = column_call(item.value)
    inner = mapped_inner(item.annotation)
    if item.annotation is not None and call is None:
        call = _annotated_column(inner or item.annotation, item.scope, annotations)
    if call is not None:
        return _from_call(item.name, call, inner, is_deferred=_is_deferred(item.value, call))
    if is_sqlmodel and item.annotation is not None:
        return _from_field(item.name, item.annotation, item.value)
    if inner is not None and not isinstance(item.value, s.Call):
        kind = _type_name(inner)
        return Column(item.name, item.name, nullable=_is_optional(inner), type=kind)
    return None


def _annotated_column(
    annotation: s.Expr, scope: sc.Scope, annotations: Annotations
) -> s.Call | None:
    """`mapped_column(...)` inside `Annotated[int, ...]`, which may be an alias."""
    expr, _ = annotations.unaliased(annotation, scope)
    if isinstance(expr, s.Subscript) and sc.last_name(expr.value) == "Annotated":
        for item in subscript_items(expr)[1:]:
            if isinstance(item, s.Call) and sc.last_name(item.func) in COLUMN_CALLS:
                return item
    return None


def column_call(value: s.Expr | None) -> s.Call | None:
    """The `Column(...)` in a class attribute's value, also inside `deferred(...)`."""
    if not isinstance(value, s.Call):
        return None
    name = sc.last_name(value.func)
    if name in _WRAPPERS and value.args:
        return column_call(value.args[0])
    return value if name in COLUMN_CALLS else None


def _is_deferred(value: s.Expr | None, call: s.Call) -> bool:
    wrapped = isinstance(value, s.Call) and sc.last_name(value.func) == "deferred"
    return wrapped or is_true(keyword(call, "deferred"))


def mapped_inner(annotation: s.Expr | None) -> s.Expr | None:
    """`X` of `Mapped[X]`."""
    if isinstance(annotation, s.Subscript) and sc.last_name(annotation.value) in sqlalchemy.MAPPED:
        return annotation.index
    return None


def _from_call(
    name: str, call: s.Call, inner: s.Expr | None, *, is_deferred: bool = False
) -> Column:
    args = list(call.args)
    column = string(args[0]) if args else ""
    if column:
        args = args[1:]
    types = [arg for arg in args if not _is_foreign_key(arg)]
    kind = _type_name(types[0]) if types else _type_name(inner)
    primary_key = is_true(keyword(call, "primary_key"))
    nullable = keyword(call, "nullable")
    return Column(
        name=name,
        column=column or string(keyword(call, "name")) or name,
        primary_key=primary_key,
        unique=is_true(keyword(call, "unique")),
        nullable=_nullable(nullable, inner, primary_key),
        type=kind,
        foreign_key=next((_foreign_key(arg) for arg in args if _is_foreign_key(arg)), ""),
        deferred=is_deferred,
        generated=any(map(_is_computed, args)) or _is_generated(call.keywords),
        defaulted=any(map(_is_computed, args)) or _is_defaulted(call.keywords),
    )


def _is_computed(arg: s.Expr) -> bool:
    return isinstance(arg, s.Call) and sc.last_name(arg.func) == "Computed"


def _is_generated(keywords: Iterable[s.Keyword]) -> bool:
    """Whether an UPDATE sets it to an SQL expression, or a trigger of the database does.

    `onupdate=func.now()` is one; `onupdate=datetime.utcnow` is called in Python.
    """
    given = {word.arg: word.value for word in keywords}
    on_update = given.get("onupdate")
    is_sql = isinstance(on_update, s.Call) and not _is_of_python(on_update)
    return is_sql or "server_onupdate" in given


def _is_defaulted(keywords: Iterable[s.Keyword]) -> bool:
    """Whether an INSERT that does not say it leaves it to the database, or to an SQL expression."""
    given = {word.arg: word.value for word in keywords}
    default = given.get("default", given.get("insert_default"))
    is_sql = isinstance(default, s.Call) and s.dotted_name(default.func).startswith("func.")
    return is_sql or not _is_nothing(given.get("server_default"))


def _is_nothing(value: s.Expr | None) -> bool:
    return value is None or _is_none(value)


def _is_of_python(call: s.Call) -> bool:
    """Whether it is `datetime.now()` or the like, which is one time for all rows."""
    return s.dotted_name(call.func).split(".")[-2:-1] in (["date"], ["datetime"])


def _nullable(given: s.Expr | None, inner: s.Expr | None, primary_key: bool) -> bool:
    if given is not None:
        return is_true(given)
    if primary_key:
        return False
    return True if inner is None else _is_optional(inner)


def _from_field(name: str, annotation: s.Expr, value: s.Expr | None) -> Column | None:
    """A field of a SQLModel table."""
    field = value if isinstance(value, s.Call) and sc.last_name(value.func) == "Field" else None
    if field is None:
        return Column(name, name, nullable=_is_optional(annotation), type=_type_name(annotation))
    column = keyword(field, "sa_column")
    if isinstance(column, s.Call):
        return _from_call(name, column, annotation)
    primary_key = is_true(keyword(field, "primary_key"))
    return Column(
        name=name,
        column=name,
        primary_key=primary_key,
        unique=is_true(keyword(field, "unique")),
        nullable=not primary_key and _is_optional(annotation),
        type=_type_name(annotation),
        foreign_key=string(keyword(field, "foreign_key")),
        generated=_is_generated(_column_arguments(field)),
        defaulted=_is_defaulted(_column_arguments(field)),
    )


def _column_arguments(field: s.Call) -> Iterator[s.Keyword]:
    """Those in `Field(sa_column_kwargs={"onupdate": func.now()})`."""
    given = keyword(field, "sa_column_kwargs")
    if isinstance(given, s.Mapping):
        for key, value in zip(given.keys, given.values, strict=True):
            if isinstance(key, s.Constant) and key.kind == "str":
                yield s.Keyword(*value.span, str(key.value), value)


def _is_optional(annotation: s.Expr) -> bool:
    if isinstance(annotation, s.Subscript):
        return sc.last_name(annotation.value) == "Optional" or _is_optional(annotation.index)
    if isinstance(annotation, s.Operation):
        return any(_is_none(operand) for operand in annotation.operands)
    if isinstance(annotation, s.Sequence):
        return any(_is_none(item) for item in annotation.items)
    return isinstance(annotation, s.Constant) and "Optional" in str(annotation.value)


def _is_none(expr: s.Expr) -> bool:
    return isinstance(expr, s.Constant) and expr.kind == "None"


def _type_name(expr: s.Expr | None) -> str:
    """`Integer` of `Integer`, `Integer()` and `sa.Integer`; `int` of `int | None`.

    `BigInteger().with_variant(Integer, "sqlite")` is a `BigInteger` first of all.
    """
    func = expr.func if isinstance(expr, s.Call) else None
    if isinstance(func, s.Attribute) and func.attr == "with_variant":
        return _type_name(func.value)
    if isinstance(expr, s.Operation) and expr.operands:
        return _type_name(expr.operands[0])
    if isinstance(expr, s.Subscript):
        first = subscript_items(expr)[0]
        wrapped = sc.last_name(expr.value) in ("Optional", "Annotated", "Mapped")
        return _type_name(first) if wrapped else sc.last_name(expr.value)
    return sc.last_name(expr) if isinstance(expr, s.Name | s.Attribute | s.Call) else ""


def _is_foreign_key(expr: s.Expr) -> bool:
    return isinstance(expr, s.Call) and sc.last_name(expr.func) == "ForeignKey"


def _foreign_key(expr: s.Expr) -> str:
    if not isinstance(expr, s.Call) or not expr.args:
        return ""
    return string(expr.args[0]) or s.dotted_name(expr.args[0])


def table_columns(table: s.Call) -> Iterator[Column]:
    for arg in table.args:
        if isinstance(arg, s.Call) and sc.last_name(arg.func) in COLUMN_CALLS and arg.args:
            yield _from_call(string(arg.args[0]), arg, None)


def renamed(value: s.Expr | None) -> str:
    """The name of the column that is mapped under another one: `users.c.name`."""
    table = value.value if isinstance(value, s.Attribute) else None
    is_column = isinstance(table, s.Attribute) and table.attr in ("c", "columns")
    return value.attr if isinstance(value, s.Attribute) and is_column else ""


def constraints(cls: sc.Class) -> list[tuple[str, ...]]:
    """Column names of unique constraints and unique indexes in `__table_args__`."""
    found: list[tuple[str, ...]] = []
    for item in attributes(cls):
        if item.name in ("__table_args__", "__table__") and item.value is not None:
            calls = [node for node in s.walk(item.value) if isinstance(node, s.Call)]
            found += [_constrained(call) for call in calls if _is_unique(call)]
    return found


def _constrained(call: s.Call) -> tuple[str, ...]:
    """Names of the columns that a constraint or index is over."""
    args = call.args[1:] if sc.last_name(call.func) == "Index" else call.args
    return tuple(string(arg) or sc.last_name(arg) for arg in args)


def _is_unique(call: s.Call) -> bool:
    name = sc.last_name(call.func)
    if name in ("UniqueConstraint", "PrimaryKeyConstraint"):
        return True
    # A partial unique index says nothing about the rows outside its condition.
    conditions = [k.arg for k in call.keywords if k.arg and k.arg.endswith("_where")]
    return name == "Index" and is_true(keyword(call, "unique")) and not conditions
