"""What loader options load: sequences of attribute names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_async.index.scopes import last_name
from migrate_async.model import syntax as s
from migrate_async.plan.loads.origins import chain

_LOADS = frozenset(
    {"contains_eager", "immediateload", "joinedload", "selectinload", "subqueryload", "undefer"}
)

Names = tuple[str, ...]


def loaded(options: Sequence[s.Expr]) -> frozenset[Names] | None:
    """The attributes that `options` load, each with the way to it; None: not known."""
    found: set[Names] = set()
    for option in options:
        if not isinstance(option, s.Call):
            return None
        ways = list(_ways(option, ()))
        if not ways:
            return None
        found.update(ways)
    return frozenset(found)


def _ways(option: s.Call, start: Names) -> Iterator[Names]:
    """`("items",)` and `("items", "product")` of `joinedload(A.items).joinedload(B.product)`."""
    way = start
    for call in reversed(list(chain(option))):
        name = last_name(call.func)
        if name == "options":
            for inner in call.args:
                if isinstance(inner, s.Call):
                    yield from _ways(inner, way)
            continue
        attributes = [part for argument in call.args for part in _attributes(argument)]
        if name in _LOADS:
            for attribute in attributes:
                way = (*way, attribute)
                yield way
        else:
            # What restricts or forbids loading has been written on purpose.
            way = (*way, *attributes)
            yield (*way, f"<{name}>")


def _attributes(argument: s.Expr) -> Iterator[str]:
    if isinstance(argument, s.Attribute):
        yield argument.attr
    elif isinstance(argument, s.Constant) and argument.kind == "str":
        yield from str(argument.value).split(".")
    elif isinstance(argument, s.Call):  # Order.items.and_(...), Order.items.of_type(...)
        yield from (
            _attributes(argument.func.value) if isinstance(argument.func, s.Attribute) else ()
        )
