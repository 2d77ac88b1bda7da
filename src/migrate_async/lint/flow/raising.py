"""Which pieces of syntax can raise, and which calls never return.

Almost everything can raise in Python. A path is only worth following where an exception is to be
expected in practice: calls, awaits and yields, but not logging, and not the builtins that are
safe on what they are usually given.
"""

from __future__ import annotations

from migrate_async.model import syntax as s

_QUIET_NAMES = frozenset(
    {
        *("bool", "callable", "dict", "enumerate", "frozenset", "hasattr", "id", "isinstance"),
        *("issubclass", "len", "list", "print", "repr", "set", "str", "super", "tuple", "type"),
        *(
            "dir",
            "locals",
            "vars",
            "zip",
            "range",
            "object",
            "HTTPException",
            "Depends",
            "defaultdict",
            "OrderedDict",
        ),
    }
)
_LOGGERS = frozenset({"log", "logger", "logging", "_logger", "_log", "LOG", "LOGGER", "console"})
_LOG_METHODS = frozenset(
    {"critical", "debug", "error", "exception", "info", "log", "print", "warn", "warning"}
)
_QUIET_METHODS = frozenset(
    {
        *("append", "add_done_callback", "capitalize", "copy", "endswith", "get", "items", "keys"),
        *(
            "isoformat",
            "lower",
            "lstrip",
            "monotonic",
            "now",
            "perf_counter",
            "rstrip",
            "setdefault",
        ),
        *("split", "startswith", "strip", "time", "title", "upper", "utcnow", "values"),
    }
)
"""Methods of plain values; `get` of a session is told apart by its receiver's type elsewhere."""
_NEVER_RETURN = frozenset(
    {
        *("sys.exit", "exit", "quit", "os._exit", "os.abort", "pytest.fail", "pytest.skip"),
        *("pytest.exit", "typing.assert_never", "assert_never", "parser.error"),
    }
)


def can_raise(node: s.AnyNode | None) -> bool:
    """Whether evaluating `node` (not nested functions in it) may raise in practice."""
    if node is None or isinstance(node, s.Lambda):
        return False
    if isinstance(node, s.FunctionDef | s.ClassDef):
        return any(map(can_raise, node.decorators))
    return _raises_itself(node) or any(map(can_raise, s.children(node)))


def _raises_itself(node: s.AnyNode) -> bool:
    if isinstance(node, s.Call):
        return not _is_quiet(node)
    if isinstance(node, s.Simple):
        return node.keyword == "assert"
    return isinstance(node, s.Await | s.Yield | s.Raise)


def never_returns(node: s.AnyNode | None) -> bool:
    """Whether the statement `node` is a call that ends the program or raises for certain."""
    if not isinstance(node, s.ExpressionStatement) or not isinstance(node.value, s.Call):
        return False
    return s.dotted_name(node.value.func) in _NEVER_RETURN


def _is_quiet(call: s.Call) -> bool:
    func = call.func
    if isinstance(func, s.Name):
        return func.id in _QUIET_NAMES
    if not isinstance(func, s.Attribute):
        return False
    owner = s.dotted_name(func.value).rpartition(".")[2]
    if func.attr in _LOG_METHODS:
        return owner in _LOGGERS or owner.endswith("logger")
    # What looks like a session's or a query's `get` can raise.
    return func.attr in _QUIET_METHODS and not (func.attr == "get" and "session" in owner.lower())
