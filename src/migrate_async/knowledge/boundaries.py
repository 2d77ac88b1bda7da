"""Who else calls a function: frameworks that do not await what they call.

A function that such a framework calls cannot become `async def`. Names are last components of a
decorator's dotted name unless they contain a dot.
"""

from __future__ import annotations

import builtins

from migrate_async.knowledge.runtime import AWAITABLE_CACHED_PROPERTY

PROPERTY_DECORATORS = frozenset(
    {
        "property",
        "cached_property",
        AWAITABLE_CACHED_PROPERTY,
        "computed_field",
        "declared_attr",
        "expression",
        "comparator",
        "getter",
        "deleter",
        "hybrid_property",
        "setter",
        "inplace",
        "update_expression",
    }
)
INITIALISERS = frozenset(
    {"__init__", "__new__", "__post_init__", "__init_subclass__", "__attrs_post_init__"}
)
ASYNC_DUNDERS = frozenset(
    {
        "__enter__",
        "__exit__",
        "__iter__",
        "__next__",
        "__call__",
        "__aenter__",
        "__aexit__",
        "__aiter__",
        "__anext__",
    }
)
"""Special methods that have an async counterpart or that project code calls itself."""

CLI_DECORATORS = frozenset({"command", "callback", "result_callback"})
EVENT_DECORATORS = frozenset({"listens_for", "event_listener", "receiver"})
VALIDATOR_DECORATORS = frozenset(
    {
        "validator",
        "field_validator",
        "model_validator",
        "root_validator",
        "field_serializer",
        "model_serializer",
        "validates",
        "reconstructor",
    }
)
TASK_DECORATORS = frozenset(
    {
        "actor",
        "add",
        "background_task",
        "cron",
        "on_after_configure",
        "on_after_finalize",
        "periodic_task",
        "repeat_every",
        "scheduled",
        "scheduled_job",
        "shared_task",
        "task",
    }
)
CACHE_DECORATORS = frozenset(
    {"lru_cache", "cache", "cached", "ttl_cache", "cachedmethod", "memoize", "alru_cache"}
)
TRANSPARENT_DECORATORS = frozenset(
    {
        "abstractmethod",
        "asynccontextmanager",
        "classmethod",
        "contextmanager",
        "deprecated",
        "final",
        "fixture",
        "implicit_io",
        "inject",
        "lazy_response",
        "no_type_check",
        "overload",
        "override",
        "singledispatch",
        "singledispatchmethod",
        "staticmethod",
        "sync_twin",
        "typechecked",
        "wraps",
    }
)
"""Decorators that are right on an `async def` too, or have a known async counterpart."""
RETRY_DECORATORS = frozenset({"retry"})

DEFERRING_CONSUMERS = frozenset(
    {
        "add_done_callback",
        "add_job",
        "add_listener",
        "apply_async",
        "call_later",
        "call_soon",
        "call_soon_threadsafe",
        "connect",
        "include_router",
        "listen",
        "listens_for",
        "register",
        "run_in_executor",
        "signal",
        "start_new_thread",
        "submit",
        "subscribe",
    }
)
"""Functions that keep a function they are given and run it later, or in another thread.

So does whatever is a class.
"""

FRAMEWORK_METHODS: dict[str, frozenset[str]] = {
    "Thread": frozenset({"run"}),
    "Process": frozenset({"run"}),
    "Timer": frozenset({"run"}),
    "Task": frozenset({"run", "on_failure", "on_success", "on_retry", "after_return", "__call__"}),
    "Command": frozenset({"invoke", "main", "format_help", "parse_args"}),
    "Group": frozenset({"get_command", "list_commands", "invoke"}),
    "MultiCommand": frozenset({"get_command", "list_commands", "invoke"}),
    "BaseCommand": frozenset({"handle", "add_arguments"}),
    "Handler": frozenset({"emit", "handle", "flush", "close"}),
    "StreamHandler": frozenset({"emit", "handle", "flush", "close"}),
    "Filter": frozenset({"filter"}),
    "Formatter": frozenset({"format"}),
    "JSONEncoder": frozenset({"default", "encode", "iterencode"}),
    "TypeDecorator": frozenset(
        {
            "bind_processor",
            "coerce_compared_value",
            "compare_values",
            "copy",
            "load_dialect_impl",
            "process_bind_param",
            "process_literal_param",
            "process_result_value",
            "result_processor",
        }
    ),
    "UserDefinedType": frozenset({"get_col_spec", "bind_processor", "result_processor"}),
    "UserDict": frozenset(dir(dict)),
    "UserList": frozenset(dir(list)),
    "BaseModel": frozenset(
        {
            "copy",
            "dict",
            "from_orm",
            "json",
            "model_copy",
            "model_dump",
            "model_dump_json",
            "model_post_init",
            "model_validate",
            "parse_obj",
            "validate",
        }
    ),
    "BaseSettings": frozenset({"customise_sources", "settings_customise_sources"}),
    "TestCase": frozenset(
        {"setUp", "tearDown", "setUpClass", "tearDownClass", "run", "setUpModule"}
    ),
    "SQLAlchemyModelFactory": frozenset({"_create", "_build", "_generate", "_get_or_create"}),
    "Factory": frozenset({"_create", "_build", "_generate"}),
    "APIRoute": frozenset({"get_route_handler"}),
    "HTMLParser": frozenset({"handle_starttag", "handle_endtag", "handle_data"}),
    "NodeVisitor": frozenset({"visit", "generic_visit"}),
    "Executor": frozenset({"submit", "map", "shutdown"}),
    "Action": frozenset({"__call__"}),
    "Session": frozenset({"get_bind", "close", "commit", "flush", "rollback", "execute", "query"}),
    "Query": frozenset({"get", "all", "first", "one", "count", "delete", "update"}),
}
"""Base class (last component of its name) to the methods that its framework calls."""

_BUILTIN_BASES = ("dict", "list", "set", "str", "int", "float", "tuple", "frozenset", "bytes")


def framework_method(base: str, name: str) -> bool:
    """Whether a library class `base` (dotted name) defines or calls the method `name` itself."""
    last = base.rpartition(".")[2]
    if last in _BUILTIN_BASES and base == f"builtins.{last}":
        return not name.startswith("__") and hasattr(getattr(builtins, last), name)
    return name in FRAMEWORK_METHODS.get(last, ())
