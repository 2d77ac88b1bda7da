"""Results that are fetched from the server bit by bit: `yield_per`, `stream_results`.

`AsyncSession.execute()` refuses a statement that says so. Where a loop reads the result,
`stream()` takes its place, and the loop becomes `async for`; else the function stays sync, and all
rows are fetched at once for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.sites import CallSite
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s

_OPTIONS = frozenset({"stream_results", "yield_per"})
_STREAMING = {"execute": "stream", "scalars": "stream_scalars"}
_SHAPES = frozenset(
    {"columns", "mappings", "partitions", "scalars", "tuples", "unique", "yield_per"}
)
"""Methods of a result that an async one has, too, and which fetch nothing."""
_CALLS = 2
"""How many functions may have made a statement, one called by the other."""

Loop = s.For | s.Generator


class Stream(NamedTuple):
    """`call` runs a statement whose rows are streamed, which `loops` read; none: something else."""

    call: s.Call
    name: str
    loops: tuple[Loop, ...]


def stream_at(project: Project, site: CallSite) -> Stream | None:
    """What `site` streams."""
    call, operation = site.node, site.operation
    if operation is None or operation.is_async or operation.owner not in ("session", "connection"):
        return None
    name = _STREAMING.get(operation.name)
    if name is None or not isinstance(call, s.Call) or not isinstance(call.func, s.Attribute):
        return None
    given = next((k.value for k in call.keywords if k.arg == "execution_options"), None)
    asked = (*call.args[:1], *([call.func.value] if operation.owner == "connection" else ()))
    statements = _Statements(project)
    if not _says(given) and not any(statements.streams(part, site.scope, _CALLS) for part in asked):
        return None
    return Stream(call, name, tuple(_loops(project, call, site.function)))


def _says(options: s.Expr | None) -> bool:
    """Whether `{"yield_per": 100}` is among the options."""
    keys = options.keys if isinstance(options, s.Mapping) else ()
    return any(isinstance(key, s.Constant) and key.value in _OPTIONS for key in keys)


def _is_told(call: s.Call, method: str) -> bool:
    """Whether it is `execution_options(yield_per=100)`."""
    return method == "execution_options" and any(k.arg in _OPTIONS for k in call.keywords)


class _Statements:
    """Follows a statement, or a connection, to what it is made of; each part once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._seen: set[s.Expr] = set()

    def streams(self, expr: s.Expr, scope: Scope, calls: int) -> bool:
        """Whether `expr` has been given an option that streams its rows."""
        if expr in self._seen:
            return False
        self._seen.add(expr)
        if isinstance(expr, s.Name):
            values = (getattr(binding, "value", None) for binding in scope.names.get(expr.id, ()))
            return any(self._inner(value, calls) for value in values if value is not None)
        if not isinstance(expr, s.Call):
            return False
        func = expr.func
        if isinstance(func, s.Attribute) and (
            _is_told(expr, func.attr) or self.streams(func.value, scope, calls)
        ):
            return True
        types = self._project.infer(func, scope) if calls else ()
        made = (item.fn for item in types if isinstance(item, FunctionObject))
        return any(self._inner(value, calls - 1) for fn in made for value in fn.returns)

    def _inner(self, value: s.Expr, calls: int) -> bool:
        return self.streams(value, self._project.scope_of(value), calls)


def _loops(project: Project, call: s.Call, function: Function) -> Iterator[Loop]:
    """The loops that read the result of `call`, if nothing else does."""
    found = [_loop(project, end) for end in _ends(project, call, function)]
    loops = [loop for loop in found if loop is not None]
    if loops and len(loops) == len(found):
        yield from loops


def _ends(project: Project, call: s.Call, function: Function) -> list[s.Expr]:
    """The result of `call`, or each place where the variable that holds it is read."""
    statement = project.parent(call)
    if not isinstance(statement, s.Assign):
        return [call]
    target = statement.targets[0]
    if len(statement.targets) > 1 or not isinstance(target, s.Name) or function.node is None:
        return []
    named = (node for node in function.nodes(s.Name) if node.id == target.id)
    names = [node for node in named if node is not target]
    is_bound_once = len(function.scope.names.get(target.id, ())) == 1
    return list(names) if is_bound_once else []


def _loop(project: Project, expr: s.Expr) -> Loop | None:
    """The `for` that iterates over `expr`, or over a view of it."""
    around = project.parent(expr)
    while isinstance(around, s.Attribute) and around.attr in _SHAPES:
        outer = project.parent(around)
        if not isinstance(outer, s.Call) or outer.func is not around:
            return None
        expr, around = outer, project.parent(outer)
    if isinstance(around, s.For) and around.iter is expr:
        return around
    if isinstance(around, s.Generator) and around.iter is expr:
        comprehension = project.parent(around)
        if isinstance(comprehension, s.Comprehension) and comprehension.kind != "generator":
            return around
    return None
