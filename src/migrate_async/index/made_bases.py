"""The classes that a declarative base is made of."""

from __future__ import annotations

from migrate_async.model import syntax as s


def given_bases(call: s.Call) -> tuple[s.Expr, ...]:
    """The classes that `declarative_base(cls=...)` names: one, or a tuple of them."""
    for keyword in call.keywords:
        if keyword.arg == "cls":
            given = keyword.value
            return given.items if isinstance(given, s.Sequence) else (given,)
    return ()
