"""Floats that asyncpg shows, or sends, otherwise than psycopg2 did.

    ratio = Column(REAL)  # 0.1 is 0.10000000149011612
    func.round(Item.price * 1.5, 2)  # no function round(double precision, integer)

See `migrate_async.runtime.short_floats` and `migrate_async.runtime.number_parameters`.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan.typed_columns import has_columns_of

_SHORT = frozenset({"REAL"})
_SHORT_FUNCTIONS = frozenset({"similarity", "ts_rank", "ts_rank_cd", "word_similarity"})
"""Functions of PostgreSQL that give a `real`."""


def has_other_floats(project: Project) -> bool:
    """Whether `project` has short floats, or gives floats to functions of the database."""
    return has_columns_of(project, _SHORT) or any(map(_has_function, project.functions))


def _has_function(function: Function) -> bool:
    """Whether it says `func.ts_rank(...)`, or `func.round(x * 1.5, 2)`."""
    for call in function.nodes(s.Call):
        owner, _, name = s.dotted_name(call.func).rpartition(".")
        if owner.rpartition(".")[2] != "func":
            continue
        if name in _SHORT_FUNCTIONS or any(
            map(_is_float, (p for a in call.args for p in s.walk(a)))
        ):
            return True
    return False


def _is_float(part: s.AnyNode) -> bool:
    return isinstance(part, s.Constant) and part.kind == "float"
