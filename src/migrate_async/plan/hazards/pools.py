"""Waiting for the work of a pool of threads or processes, which no call of the work itself shows.

with ThreadPoolExecutor() as pool:          # leaving the block waits for what was handed over
    found = list(pool.map(fetch, urls))     # the iteration waits, not `map`
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import IterationBinding, Scope
from migrate_async.index.sites import CallSite
from migrate_async.index.types import External, ExternalMethod
from migrate_async.knowledge import blocking
from migrate_async.knowledge.blocking import Blocking
from migrate_async.model import syntax as s

_CONSUMERS = frozenset(
    f"builtins.{name}"
    for name in ("all", "any", "dict", "list", "max", "min", "set", "sorted", "sum", "tuple")
)
_WRAPPERS = frozenset({"builtins.enumerate", "builtins.zip"})


def pool_wait(project: Project, call: s.Call, site: CallSite) -> Blocking | None:
    """How `call` waits for the work of a pool, or opens a block or a loop that does."""
    found = _waits(project, call, site.scope)
    if found is None and _is_shutdown(project, call):
        return blocking.SHUTDOWN
    if found is None and _is_left_waiting(project, call, site.scope):
        return blocking.POOL_BLOCK
    return found


def _waits(project: Project, call: s.Call, scope: Scope) -> Blocking | None:
    """How `call` waits for results."""
    if _consumes(project, call, scope):
        return blocking.ITERATION
    if _is_iterated(project, call) and _gives_results(project, call, scope):
        return blocking.LOOP
    return blocking.FUTURE if _is_of_future(project, call, scope) else None


def _consumes(project: Project, call: s.Call, scope: Scope) -> bool:
    """`list(pool.map(fetch, urls))`, also of what has a name."""
    if len(call.args) != 1 or not _externals(project, call.func, scope) & _CONSUMERS:
        return False
    return _gives_results(project, call.args[0], scope)


def _gives_results(project: Project, expr: s.Expr, scope: Scope) -> bool:
    """`pool.map(...)` and `as_completed(...)`: iterators that wait for one item after the other."""
    values = _values(project, expr, scope)
    for made in values:  # which grows
        if not isinstance(made, s.Call):
            continue
        found = _externals(project, made.func, project.scope_of(made))
        if found & blocking.LAZY or _is_of_pool(project, made, "map"):
            return True
        for wrapped in made.args if found & _WRAPPERS else ():
            inner = _values(project, wrapped, project.scope_of(made))
            values += [value for value in inner if value not in values]
    return False


def _values(project: Project, expr: s.Expr, scope: Scope) -> list[s.Expr]:
    """What the name `expr` is assigned; other expressions are their own value."""
    return project.assigned(expr, scope) or [expr]


def _is_iterated(project: Project, call: s.Call) -> bool:
    """Whether a loop runs over what `call` gives."""
    parent = project.parent(call)
    return isinstance(parent, s.For | s.Generator) and parent.iter is call


def _is_of_future(project: Project, call: s.Call, scope: Scope) -> bool:
    """`pool.submit(work).result()`, also of a future that has a name, or of a list of them."""
    if not isinstance(call.func, s.Attribute) or call.func.attr not in blocking.FUTURES:
        return False
    future = call.func.value
    made = [*_values(project, future, scope), *_items(project, future, scope)]
    return any(isinstance(item, s.Call) and _is_of_pool(project, item, "submit") for item in made)


def _items(project: Project, expr: s.Expr, scope: Scope) -> Iterator[s.Expr]:
    """What the loops over lists that are written out, or made by a comprehension, give `expr`."""
    bindings = project.names.bindings(expr.id, scope) if isinstance(expr, s.Name) else []
    for binding in bindings:
        if not isinstance(binding, IterationBinding):
            continue
        for found in _values(project, binding.value, binding.scope):
            if isinstance(found, s.Sequence):
                yield from found.items
            elif isinstance(found, s.Comprehension):
                yield found.elements[0]


def _is_shutdown(project: Project, call: s.Call) -> bool:
    """`pool.shutdown()`, which waits unless it is told not to."""
    if not _is_of_pool(project, call, "shutdown"):
        return False
    told = [*call.args[:1], *(item.value for item in call.keywords if item.arg == "wait")]
    return not any(isinstance(item, s.Constant) and not item.value for item in told)


def _is_left_waiting(project: Project, call: s.Call, scope: Scope) -> bool:
    """`with ThreadPoolExecutor() as pool:` of a block that waits for none of its work itself."""
    if not _externals(project, call.func, scope) & blocking.POOLS:
        return False
    item = project.parent(call)
    block = project.parent(item) if isinstance(item, s.WithItem) else None
    if not isinstance(block, s.With):
        return False
    calls = [node for part in block.body for node in s.walk(part) if isinstance(node, s.Call)]
    handed = [node for node in calls if _is_of_pool(project, node, "submit")]
    if any(isinstance(project.parent(node), s.ExpressionStatement) for node in handed):
        return True
    return not any(_waits(project, node, project.scope_of(node)) for node in calls)


def _is_of_pool(project: Project, call: s.Call, method: str) -> bool:
    if not isinstance(call.func, s.Attribute) or call.func.attr != method:
        return False
    return any(
        isinstance(item, ExternalMethod) and item.owner in blocking.POOLS
        for item in project.infer(call.func, project.scope_of(call))
    )


def _externals(project: Project, func: s.Expr, scope: Scope) -> set[str]:
    return {item.dotted for item in project.infer(func, scope) if isinstance(item, External)}
