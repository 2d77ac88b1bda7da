"""Functions that cannot matter to any other code, nor other code to them.

An inert function is at the top level of its module, and computes with its parameters, its locals
and builtins alone. Nothing in it is a session, a query or a model, because there is nothing that
one could come from: no name of the module or of the project, and nobody calls it (that its name
is said nowhere else has to be looked up by who asks). So it gives no edge to the call graph, no
type to anything, and no place to a planner.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import last_name
from migrate_async.model import syntax as s

_FUNCTION_NAMES = (
    "abs all any bool bytes chr dict divmod enumerate float frozenset int isinstance len list "
    "max min ord pow range repr reversed round set sorted str sum tuple zip"
)
_FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_ERROR_NAMES = (
    "ArithmeticError AssertionError AttributeError Exception IndexError KeyError LookupError "
    "NotImplementedError OverflowError RuntimeError TypeError ValueError ZeroDivisionError"
)
_ERRORS = frozenset(_ERROR_NAMES.split())
_BUILTINS = _FUNCTIONS | _ERRORS | {"object"}
_METHOD_NAMES = (
    "append capitalize casefold copy endswith extend index isalpha isdigit items join keys "
    "lower lstrip replace reverse rsplit rstrip sort split splitlines startswith strip title "
    "upper values zfill"
)
_METHODS = frozenset(_METHOD_NAMES.split())
"""Of strings, lists and dicts; none that means something to a session or a query as well."""

_SPEAKING = ("alembic", "async", "client", "db", "engine", "request", "response", "session", "sync")
"""What is in names that are understood, or made, by the planners."""

_STATEMENTS = (
    s.Assign,
    s.AugmentedAssign,
    s.AnnotatedAssign,
    s.ExpressionStatement,
    s.Return,
    s.Raise,
    s.If,
    s.For,
    s.While,
    s.Simple,
)
_EXPRESSIONS = (
    s.Name,
    s.Attribute,
    s.Call,
    s.Keyword,
    s.Constant,
    s.Subscript,
    s.Slice,
    s.Sequence,
    s.Mapping,
    s.Operation,
    s.Conditional,
    s.Comprehension,
    s.Generator,
    s.Starred,
)
_SIMPLE = frozenset({"assert", "break", "continue", "pass"})


def is_inert(node: s.Stmt, module: s.ModuleSyntax) -> bool:
    """Whether `node`, a statement at the top level of `module`, is an inert function.

    Nothing is known of who mentions its name.
    """
    if not isinstance(node, s.FunctionDef) or node.is_async or node.decorators:
        return False
    if node.returns is not None and not _is_plain_annotation(node.returns):
        return False
    if not all(map(_is_plain_parameter, node.params)):
        return False
    own = {param.name for param in node.params} | set(_bound(node.body))
    if not all(_says_nothing(name) for name in (node.name, *own)):
        return False
    parts = [part for statement in node.body for part in s.walk(statement)]
    builtin = {part.id for part in parts if isinstance(part, s.Name)} - own
    if not builtin <= _BUILTINS or builtin & _names_bound_in(module):
        return False
    return all(map(_is_plain, parts))


def _says_nothing(name: str) -> bool:
    special = name.startswith(("_", "test", "pytest", "setup", "teardown", "get_", "upgrade"))
    private = name.startswith("_") and not name.startswith("__")
    return (private or not special) and not any(word in name.lower() for word in _SPEAKING)


def _is_plain_parameter(param: s.Parameter) -> bool:
    annotation, default = param.annotation, param.default
    if default is not None and not isinstance(default, s.Constant):
        return False
    return annotation is None or _is_plain_annotation(annotation)


def _is_plain_annotation(annotation: s.Expr) -> bool:
    """Of builtin classes; a string may be the name of anything."""
    for part in s.walk(annotation):
        if isinstance(part, s.Name):
            if part.id not in _FUNCTIONS | {"object"}:
                return False
        elif isinstance(part, s.Constant):
            if part.kind not in ("None", "ellipsis"):
                return False
        elif not isinstance(part, s.Subscript | s.Sequence | s.Operation):
            return False
    return True


def _is_plain(part: s.AnyNode) -> bool:
    """Whether `part` of a body, without what is below it, is of a kind that is understood here."""
    if isinstance(part, s.Call):
        return isinstance(part.func, s.Attribute) or last_name(part.func) in _BUILTINS
    if isinstance(part, s.Attribute):
        return part.attr in _METHODS
    if isinstance(part, s.For | s.Generator):
        return not part.is_async
    if isinstance(part, s.Simple):
        return part.keyword in _SIMPLE
    if isinstance(part, s.AnnotatedAssign):
        return isinstance(part.target, s.Name) and _is_plain_annotation(part.annotation)
    return isinstance(part, _STATEMENTS + _EXPRESSIONS)


def _bound(body: tuple[s.Stmt, ...]) -> Iterator[str]:
    """The names that the statements in `body` give a value."""
    for statement in body:
        for part in s.walk(statement):
            for target in _targets(part):
                yield from (name.id for name in s.walk(target) if isinstance(name, s.Name))


def _targets(part: s.AnyNode) -> tuple[s.Expr, ...]:
    if isinstance(part, s.Assign):
        return tuple(t for t in part.targets if isinstance(t, s.Name | s.Sequence))
    if isinstance(part, s.AugmentedAssign | s.AnnotatedAssign):
        return (part.target,) if isinstance(part.target, s.Name) else ()
    if isinstance(part, s.For | s.Generator):
        return (part.target,)
    return ()


def _names_bound_in(module: s.ModuleSyntax) -> set[str]:
    """All names that some scope of `module` binds, parameters left out; `*`: who knows what."""
    found = set(_bound(module.body))
    for statement in module.body:
        for part in s.walk(statement):
            if isinstance(part, s.FunctionDef | s.ClassDef):
                found.add(part.name)
            elif isinstance(part, s.ImportedName):
                found |= _BUILTINS if part.name == "*" else {part.asname or part.name}
            elif isinstance(part, s.Scoping | s.Case):
                found.update(part.names)
            elif isinstance(part, s.NamedExpression):
                found.add(part.target.id)
            elif isinstance(part, s.WithItem) and part.target is not None:
                found.update(n.id for n in s.walk(part.target) if isinstance(n, s.Name))
    return found
