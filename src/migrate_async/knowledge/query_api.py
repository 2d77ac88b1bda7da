"""Every public member of `sqlalchemy.orm.Query` and what becomes of it on `select()`.

One row each. Facts are those of SQLAlchemy 2.0 and 2.1; members that only 1.x had are here to be
refused by name. Templates use the placeholders of `model.plan.Link.args`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What calling (or reading) the member gives."""

    BUILD = "build"
    """A query: one more step of the chain."""
    VALUE = "value"
    """Something made of the query that is not executed: a subquery, an EXISTS, its text."""
    EXECUTE = "execute"
    """Rows: it talks to the database."""
    REFUSE = "refuse"
    """Nothing that `select()` could give."""


class Effect(enum.Enum):
    """What a member does to the query as far as a later decision asks for it."""

    ROWS = "rows"
    """Elements become rows, even with one entity."""
    ENTITIES = "entities"
    """The arguments replace the entities."""
    WHERE = "where"
    """Adds criteria."""
    JOIN = "join"
    """Adds a source of rows; `filter_by()` is about it from now on."""
    SOURCE = "source"
    """Sets the sources of rows."""
    LIMIT = "limit"
    OPTIONS = "options"
    NO_UNIQUE = "no-unique"
    """Rows are not made unique."""
    SET = "set"
    """UNION and its relatives: the query is now about their result."""
    STATEMENT = "statement"
    """The rows come from a statement given whole."""


@dataclass(frozen=True)
class Member:
    """One row.

    `becomes` is the method of `select()`; empty drops the call (of a BUILD) or means that code
    decides (`plan.queries`). `arguments` replaces the arguments. `before_limit` says that `Query`
    refuses the member after `limit()` or `offset()`. `before_statement` says so for
    `from_statement()`. `imports` are names of `sqlalchemy` that `arguments` uses. `reason` and
    `advice` are for REFUSE.
    """

    kind: Kind
    becomes: str = ""
    arguments: str | None = None
    effects: frozenset[Effect] = frozenset()
    before_limit: bool = False
    before_statement: bool = True
    imports: tuple[str, ...] = ()
    is_property: bool = False
    reason: str = ""
    advice: str = ""


def _build(
    becomes: str,
    *effects: Effect,
    arguments: str | None = None,
    before_limit: bool = False,
    before_statement: bool = True,
) -> Member:
    return Member(
        Kind.BUILD,
        becomes,
        arguments,
        frozenset(effects),
        before_limit=before_limit,
        before_statement=before_statement,
    )


def _value(becomes: str = "", *, is_property: bool = False) -> Member:
    return Member(Kind.VALUE, becomes, is_property=is_property)


def _execute(*effects: Effect, before_statement: bool = False) -> Member:
    return Member(Kind.EXECUTE, effects=frozenset(effects), before_statement=before_statement)


def _refuse(reason: str, advice: str) -> Member:
    return Member(Kind.REFUSE, reason=reason, advice=advice)


_LABELS = "LABEL_STYLE_TABLENAME_PLUS_COL"
_INTERNAL = _refuse("it is part of how queries work inside", "use the public methods")
_ALIAS = "name the subquery: `aliased(Model, subquery)`"

STATEMENT_MEMBERS = frozenset(
    {"add_cte", "columns_clause_froms", "correlate_except", "get_final_froms", "join_from"}
    | {"outerjoin_from", "reduce_columns", "selected_columns", "with_only_columns"}
)
"""Members of `Select` that no `Query` has, nor a class that a plug-in derives of it."""

MEMBERS: dict[str, Member] = {
    # --- steps -----------------------------------------------------------------------------
    "add_column": _build("add_columns", Effect.ROWS),
    "add_columns": _build("add_columns", Effect.ROWS),
    "add_entity": _build("add_columns", Effect.ROWS),
    "apply_labels": Member(
        Kind.BUILD, "set_label_style", _LABELS, imports=(_LABELS,), before_statement=False
    ),
    "with_labels": Member(
        Kind.BUILD, "set_label_style", _LABELS, imports=(_LABELS,), before_statement=False
    ),
    "autoflush": _build("execution_options", arguments="autoflush={0}", before_statement=False),
    "correlate": _build("correlate"),
    "distinct": _build("distinct"),
    "execution_options": _build("execution_options", before_statement=False),
    "ext": _build("ext"),
    "filter": _build("where", Effect.WHERE, before_limit=True),
    "where": _build("where", Effect.WHERE, before_limit=True),
    "filter_by": _build("filter_by", Effect.WHERE, before_limit=True),
    "from_statement": _build("from_statement", Effect.STATEMENT),
    "group_by": _build("group_by", before_limit=True),
    "having": _build("having", before_limit=True),
    "join": _build("join", Effect.JOIN, before_limit=True),
    "outerjoin": _build("outerjoin", Effect.JOIN, before_limit=True),
    "limit": _build("limit", Effect.LIMIT),
    "offset": _build("offset", Effect.LIMIT),
    "slice": _build("slice", Effect.LIMIT),
    "only_return_tuples": _build("", Effect.ROWS, before_statement=False),
    "tuples": _build("", Effect.ROWS, before_statement=False),
    "options": _build("options", Effect.OPTIONS, before_statement=False),
    "order_by": _build("order_by", before_limit=True),
    "params": _build("params", before_statement=False),
    "populate_existing": _build(
        "execution_options", arguments="populate_existing=True", before_statement=False
    ),
    "prefix_with": _build("prefix_with"),
    "suffix_with": _build("suffix_with"),
    "with_hint": _build("with_hint"),
    "with_statement_hint": _build("with_statement_hint"),
    "select_from": _build("select_from", Effect.SOURCE),
    "set_label_style": _build("set_label_style", before_statement=False),
    "with_entities": _build("with_only_columns", Effect.ENTITIES),
    "with_for_update": _build("with_for_update"),
    "with_parent": _build("where", Effect.WHERE, before_limit=True),
    "yield_per": _build(
        "execution_options",
        Effect.NO_UNIQUE,
        arguments="yield_per={0}",
        before_statement=False,
    ),
    "union": _build("union", Effect.SET),
    "union_all": _build("union_all", Effect.SET),
    "intersect": _build("intersect", Effect.SET),
    "intersect_all": _build("intersect_all", Effect.SET),
    "except_": _build("except_", Effect.SET),
    "except_all": _build("except_all", Effect.SET),
    # --- made of a query, not executed -----------------------------------------------------
    "as_scalar": _value("scalar_subquery"),
    "scalar_subquery": _value("scalar_subquery"),
    "cte": _value("cte"),
    "exists": _value(),
    "label": _value("label"),
    "subquery": _value("subquery"),
    "get_execution_options": _value("get_execution_options"),
    "column_descriptions": _value("column_descriptions", is_property=True),
    "get_label_style": _value("get_label_style()", is_property=True),
    "selectable": _value(is_property=True),
    "statement": _value(is_property=True),
    "whereclause": _value("whereclause", is_property=True),
    # --- executed --------------------------------------------------------------------------
    "__iter__": _execute(),
    "__getitem__": _execute(Effect.LIMIT, before_statement=True),
    "all": _execute(),
    "count": _execute(before_statement=True),
    "delete": _execute(before_statement=True),
    "first": _execute(),
    "get": _execute(before_statement=True),
    "one": _execute(),
    "one_or_none": _execute(),
    "scalar": _execute(),
    "update": _execute(before_statement=True),
    "value": _execute(Effect.ENTITIES, before_statement=True),
    "values": _execute(Effect.ENTITIES, before_statement=True),
    # --- no counterpart --------------------------------------------------------------------
    "dispatch": _refuse(
        "`before_compile` events do not fire for `select()`",
        "listen to `do_orm_execute` of the session",
    ),
    "enable_assertions": _refuse("`select()` asserts nothing", "drop the call"),
    "enable_eagerloads": _refuse(
        "it switches off all eager loading", 'add `.options(lazyload("*"))` instead'
    ),
    "from_self": _refuse("the query becomes a subquery of itself", _ALIAS),
    "instances": _refuse("rows of a cursor are turned into objects", "use `from_statement()`"),
    "is_single_entity": _refuse("a `select()` cannot be asked", "decide where it is built"),
    "lazy_loaded_from": _refuse(
        "it belongs to an execution", "read `ORMExecuteState.lazy_loaded_from`"
    ),
    "merge_result": _refuse("it merges cached rows", "use `merge_frozen_result()`"),
    "reset_joinpoint": _refuse(
        "it moves the target of `filter_by()`", "name the target in `where()`"
    ),
    "select_entity_from": _refuse("entities are re-targeted in silence", _ALIAS),
    "with_lockmode": _refuse("it is gone since 1.4", "use `with_for_update()`"),
    "with_polymorphic": _refuse(
        "entities are re-targeted in silence", "query `with_polymorphic(Model, ...)`"
    ),
    "with_session": _refuse(
        "a statement belongs to no session", "execute the statement on that session"
    ),
    "session": _refuse("a statement belongs to no session", "pass the session along"),
    "with_transformation": _refuse(
        "the function gets a `Query`", "call the function with the statement"
    ),
    **dict.fromkeys(
        (
            "allows_lambda",
            "get_children",
            "is_delete",
            "is_dml",
            "is_from_statement",
            "is_insert",
            "is_select",
            "is_text",
            "is_update",
            "load_options",
            "logger",
            "logging_name",
            "memoized_attribute",
            "memoized_instancemethod",
            "supports_execution",
            "uses_inspection",
        ),
        _INTERNAL,
    ),
}

BULK_STEPS = frozenset({"filter", "where", "filter_by", "params", "execution_options"})
"""Steps that a bulk UPDATE or DELETE may follow; `Query` refuses or ignores the others."""

GET_STEPS = frozenset(
    {"options", "populate_existing", "with_for_update", "execution_options"}
    | {"order_by", "distinct", "autoflush"}
)
"""Steps that `get()` may follow; `order_by` and `distinct` have no effect on it."""

AFTER_SET = frozenset({"limit", "offset", "slice", "execution_options", "params", "options"})
"""Steps that mean the same on the result of a UNION as on a query of it."""

COLUMN_OPERATORS = frozenset(
    {"in_", "not_in", "notin_", "any_", "all_", "has", "any", "contains", "of_type"}
)
"""Methods of columns and relationships that take a query as a subquery."""

CRITERION_CONSUMERS = COLUMN_OPERATORS | frozenset(
    {
        "and_",
        "or_",
        "from_select",
        "values",
        "select_from",
        "join",
        "outerjoin",
        "where",
        "filter",
        "having",
        "union",
        "union_all",
        "intersect",
        "intersect_all",
        "except_",
        "except_all",
        "correlate",
        "add_columns",
        "label",
        "execute",
        "scalars",
        "scalar",
    }
)
"""Methods of expressions and statements that take a `select()` wherever they take a `Query`."""
