"""What decides how related objects are loaded: loader options, and methods of statements."""

from __future__ import annotations

LOADERS = frozenset(
    {
        "contains_eager",
        "defaultload",
        "defer",
        "immediateload",
        "joinedload",
        "joinedload_all",
        "lazyload",
        "load_only",
        "Load",
        "noload",
        "raiseload",
        "selectin_polymorphic",
        "selectinload",
        "selectinload_all",
        "subqueryload",
        "subqueryload_all",
        "undefer",
        "undefer_group",
        "with_expression",
        "with_loader_criteria",
    }
)
"""Functions and methods that make a loader option."""

KEEPS_OPTIONS = frozenset(
    {
        "add_columns",
        "correlate",
        "distinct",
        "except_",
        "execution_options",
        "filter",
        "filter_by",
        "group_by",
        "having",
        "intersect",
        "join",
        "join_from",
        "limit",
        "offset",
        "order_by",
        "outerjoin",
        "outerjoin_from",
        "params",
        "prefix_with",
        "select_from",
        "slice",
        "union",
        "union_all",
        "where",
        "with_for_update",
        "with_hint",
        "with_only_columns",
    }
)
"""Methods of a statement that leave its loader options as they are."""

RESULT_METHODS = frozenset(
    {
        "all",
        "fetchall",
        "fetchone",
        "first",
        "one",
        "one_or_none",
        "scalar",
        "scalar_one",
        "scalar_one_or_none",
        "scalars",
        "unique",
    }
)
"""Methods of a result that hand on the objects of the statement."""

EXECUTES = frozenset({"exec", "execute", "scalar", "scalars", "stream", "stream_scalars"})
GETS = frozenset({"get", "get_one"})
