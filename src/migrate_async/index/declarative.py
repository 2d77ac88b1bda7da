"""Class bodies of declarative models, and what inference has to be told about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.infer import Inference
from migrate_async.index.library import related_types
from migrate_async.index.made_bases import given_bases
from migrate_async.index.mapped import note_mapped
from migrate_async.index.relationship_calls import RELATIONSHIP_CALLS
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

COLUMN_CALLS = frozenset({"Column", "mapped_column"})
_MAPPED_CALLS = COLUMN_CALLS | RELATIONSHIP_CALLS
_BASE = "sqlalchemy.orm.DeclarativeBase"
_BASE_CALLS = frozenset(name.rpartition(".")[2] for name in sqlalchemy.BASE_FACTORIES)


class Attribute(NamedTuple):
    """One name of a class body; expressions are to be read in `scope`."""

    name: str
    annotation: s.Expr | None
    value: s.Expr | None
    scope: sc.Scope


def prepare(inference: Inference) -> None:
    """Teach inference what no binding says: declarative bases and backrefs."""
    for cls in inference.symbols.classes:
        names = {sc.last_name(decorator) for decorator in cls.node.decorators}
        if names & _BASE_CALLS or any(_is_meta(keyword) for keyword in cls.node.keywords):
            cls.extra_bases.append(_BASE)
    for fn in inference.symbols.functions:
        for call in fn.calls:
            if call.name in _BASE_CALLS:
                _mark_base(call, inference)
    inference.forget()
    note_mapped(inference)
    inference.forget()
    for cls in inference.symbols.classes:
        for node, scope in _relationship_calls(cls):
            _bind_backref(cls, node, scope, inference)
    inference.forget()


def _is_meta(keyword: s.Keyword) -> bool:
    return keyword.arg == "metaclass" and sc.last_name(keyword.value) == "DeclarativeMeta"


def _mark_base(call: sc.RawCall, inference: Inference) -> None:
    """`declarative_base(cls=X)`: X is a declarative base from now on."""
    for base in given_bases(call.node):
        for item in t.ordered(inference.infer(base, call.scope)):
            if isinstance(item, t.ClassObject):
                item.cls.extra_bases.append(_BASE)


def _bind_backref(cls: sc.Class, call: s.Call, scope: sc.Scope, inference: Inference) -> None:
    name, backref = backref_of(call)
    if not name:
        return
    lazy = keyword(backref, "lazy") if backref is not None else None
    uselist = keyword(backref, "uselist") if backref is not None else None
    types = related_types([cls], lazy, uselist)
    for target in inference.library.related(call, scope):
        target.instance.setdefault(name, []).append(sc.FixedBinding(scope, types))


def backref_of(call: s.Call) -> tuple[str, s.Call | None]:
    """Name of the backref and the `backref(...)` call, if it is one."""
    value = keyword(call, "backref")
    if isinstance(value, s.Constant):
        return str(value.value), None
    if isinstance(value, s.Call) and value.args and isinstance(value.args[0], s.Constant):
        return str(value.args[0].value), value
    return "", None


def attributes(cls: sc.Class) -> Iterator[Attribute]:
    """Attributes that the body of `cls` sets; a `declared_attr` sets what it returns."""
    for name, bindings in cls.scope.names.items():
        for binding in bindings:
            if isinstance(binding, sc.ValueBinding):
                yield Attribute(name, None, binding.value, binding.scope)
            elif isinstance(binding, sc.AnnotatedBinding):
                value = _mapped_by_field(binding.value)
                yield Attribute(name, binding.annotation, value, binding.scope)
            elif isinstance(binding, sc.FunctionBinding):
                yield from _declared(binding.function)


def _mapped_by_field(value: s.Expr | None) -> s.Expr | None:
    """`relationship(...)` of `field(metadata={"sa": relationship(...)})`, else `value` itself."""
    given = keyword(value, "metadata") if isinstance(value, s.Call) else None
    for item in given.values if isinstance(given, s.Mapping) else ():
        if isinstance(item, s.Call) and sc.last_name(item.func) in _MAPPED_CALLS:
            return item
    return value


def is_expression(item: Attribute) -> bool:
    """Whether an attribute is mapped to an SQL expression, by `column_property(select(...))`."""
    return _is_expression(item.value)


def is_deferred(value: s.Expr | None) -> bool:
    """Whether an attribute is mapped by a call with `deferred=True`."""
    return isinstance(value, s.Call) and is_true(keyword(value, "deferred"))


def added_expressions(inference: Inference) -> dict[sc.Class, list[Attribute]]:
    """Those that are set below a class: `User.number = column_property(...)`."""
    found: dict[sc.Class, list[Attribute]] = {}
    for fn in inference.symbols.functions:
        for call in fn.calls if fn.is_module else ():
            if call.name != "column_property" or not _is_expression(call.node):
                continue
            statement = inference.symbols.parents[call.node]
            for target in statement.targets if isinstance(statement, s.Assign) else ():
                if isinstance(target, s.Attribute):
                    for item in t.ordered(inference.infer(target.value, call.scope)):
                        if isinstance(item, t.ClassObject):
                            added = Attribute(target.attr, None, call.node, call.scope)
                            found.setdefault(item.cls, []).append(added)
    return found


def _is_expression(value: s.Expr | None) -> bool:
    return (
        isinstance(value, s.Call)
        and sc.last_name(value.func) == "column_property"
        and bool(value.args)
        and not (
            isinstance(value.args[0], s.Call) and sc.last_name(value.args[0].func) in COLUMN_CALLS
        )
    )


def _declared(fn: sc.Function) -> Iterator[Attribute]:
    if isinstance(fn.node, s.FunctionDef) and "declared_attr" in _all_names(fn):
        for value in fn.returns[:1]:
            yield Attribute(fn.name, fn.node.returns, value, fn.scope)


def _all_names(fn: sc.Function) -> frozenset[str]:
    """Every component of the decorators' names: `declared_attr.cascading` has two."""
    decorators = fn.node.decorators if isinstance(fn.node, s.FunctionDef) else ()
    return frozenset(part for item in decorators for part in s.dotted_name(item).split("."))


def _relationship_calls(cls: sc.Class) -> Iterator[tuple[s.Call, sc.Scope]]:
    for item in attributes(cls):
        value = item.value
        if isinstance(value, s.Call) and sc.last_name(value.func) in RELATIONSHIP_CALLS:
            yield value, item.scope


def keyword(call: s.Call, name: str) -> s.Expr | None:
    """The value of the keyword argument `name`."""
    return keyword_of(call.keywords, name)


def keyword_of(keywords: tuple[s.Keyword, ...], name: str) -> s.Expr | None:
    return next((item.value for item in keywords if item.arg == name), None)


def class_value(cls: sc.Class, name: str) -> s.Expr | None:
    """What a class body assigns to `name`."""
    for binding in cls.scope.names.get(name, ()):
        if isinstance(binding, sc.ValueBinding | sc.AnnotatedBinding):
            return binding.value
    return None


def is_true(expr: s.Expr | None) -> bool:
    return isinstance(expr, s.Constant) and expr.kind == "bool" and bool(expr.value)


def string(expr: s.Expr | None) -> str:
    return str(expr.value) if isinstance(expr, s.Constant) and expr.kind == "str" else ""
