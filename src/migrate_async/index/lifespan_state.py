"""What a lifespan yields: Starlette puts it into the `state` of each request.

@asynccontextmanager
async def lifespan(app):
    manager = DatabaseManager(settings.url)
    yield {"database": manager}

request.state.database
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.model import syntax as s

_DECORATOR = "asynccontextmanager"


def yielded_state(function: s.AnyNode | None, node: s.Yield) -> Iterator[tuple[str, s.Expr]]:
    """The names under which requests find what `function` yields by `node`, if it is a lifespan."""
    if not isinstance(function, s.FunctionDef) or not _is_lifespan(function):
        return
    for value in _displays(function, node.value):
        if isinstance(value, s.Mapping):
            for key, item in zip(value.keys, value.values, strict=True):
                if isinstance(key, s.Constant) and key.kind == "str":
                    yield str(key.value), item
        elif isinstance(value, s.Call):  # of a `TypedDict`
            for keyword in value.keywords:
                if keyword.arg:
                    yield keyword.arg, keyword.value


def _is_lifespan(function: s.FunctionDef) -> bool:
    """Whether it may be one: an async context manager."""
    names = (s.dotted_name(decorator).rpartition(".")[2] for decorator in function.decorators)
    return function.is_async and _DECORATOR in names


def _displays(function: s.FunctionDef, value: s.Expr | None) -> Iterator[s.Expr]:
    """`value`, or what the name that it is was given in `function`."""
    if not isinstance(value, s.Name):
        if value is not None:
            yield value
        return
    for node in s.walk(function):
        if isinstance(node, s.Assign) and any(_is(target, value) for target in node.targets):
            yield node.value
        elif isinstance(node, s.AnnotatedAssign) and _is(node.target, value):
            yield from (node.value,) if node.value is not None else ()


def _is(target: s.Expr, name: s.Name) -> bool:
    return isinstance(target, s.Name) and target.id == name.id
