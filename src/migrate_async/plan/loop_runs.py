"""Where code runs a coroutine to its end, on an event loop that it starts: `asyncio.run(work())`.

In a coroutine that raises. Some of these calls can be awaited there instead, with what is around
them to make the loop gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope, ValueBinding, WithBinding, last_name
from migrate_async.index.sites import CallSite
from migrate_async.index.statements import is_method_call
from migrate_async.index.types import External, ExternalMethod, ExternalResult
from migrate_async.knowledge import event_loops
from migrate_async.model import syntax as s
from migrate_async.plan import blocks

_RUN = "run"
"""The method of a runner, which takes nothing but coroutines."""
_NO_AWAIT = frozenset({"generator", "default", "decorator", "annotation"})


@dataclass(frozen=True)
class Run:
    """`call` runs its only argument; `around` are statements that only serve its loop."""

    call: s.Call
    around: tuple[s.Stmt, ...] = ()


def runs_loop(project: Project, site: CallSite) -> bool:
    """Whether `site` runs an event loop until something is done, or waits for another one."""
    call = site.node
    if site.kind != "call" or site.awaited or site.targets or not isinstance(call, s.Call):
        return False
    types = project.infer(call.func, site.scope)
    if types:
        return all(map(_is_runner, types))
    return isinstance(call.func, s.Attribute) and _is_waiting(project, call.func, site.scope)


def _is_runner(item: object) -> bool:
    if isinstance(item, External):
        return item.dotted in event_loops.RUNNERS | event_loops.SERVERS
    if _is_method(item):
        return True
    return isinstance(item, ExternalResult) and item.dotted in event_loops.WRAPPERS


def _is_method(item: object) -> bool:
    """`runner.run`, of a runner that ends its loop where its block does."""
    return isinstance(item, ExternalMethod) and (item.owner, item.name) in event_loops.METHODS


def _is_waiting(project: Project, func: s.Attribute, scope: Scope) -> bool:
    if func.attr == event_loops.RUN_LOOP:
        return True
    made = project.infer(func.value, scope)
    names = [item.dotted for item in made if isinstance(item, ExternalResult)]
    return bool(names) and all(func.attr in event_loops.WAITING.get(name, ()) for name in names)


def is_server(project: Project, site: CallSite) -> bool:
    """Whether `site` runs a server until the program ends."""
    func = site.node.func if isinstance(site.node, s.Call) else None
    types = project.infer(func, site.scope) if func is not None else ()
    return any(isinstance(item, External) and item.dotted in event_loops.SERVERS for item in types)


def is_own_loop(project: Project, site: CallSite) -> bool:
    """Whether the loop that `site` runs is made for it, and ends with it."""
    func = site.node.func if isinstance(site.node, s.Call) else None
    if func is not None and any(map(_is_method, project.infer(func, site.scope))):
        return False
    if not isinstance(func, s.Attribute) or func.attr != event_loops.RUN_LOOP:
        return True
    made = project.infer(func.value, site.scope)
    return bool(made) and all(
        isinstance(item, ExternalResult) and item.dotted in event_loops.NEW_LOOPS for item in made
    )


def awaitable_run(project: Project, site: CallSite) -> Run | None:
    """What `site` runs, if a coroutine can await that in its place."""
    call = site.node
    if not isinstance(call, s.Call) or not _has_one_argument(call):
        return None
    if not _NO_AWAIT.isdisjoint(site.context):
        return None
    if _is_run(project, call, site.scope) or _is_helper(project, site):
        return Run(call)
    return _on_something(project, call, call.func, site)


def _has_one_argument(call: s.Call) -> bool:
    return len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], s.Starred)


def _on_something(project: Project, call: s.Call, func: s.Expr, site: CallSite) -> Run | None:
    """`runner.run(...)` and `loop.run_until_complete(...)`."""
    if not isinstance(func, s.Attribute):
        return None
    if any(map(_is_method, project.infer(func, site.scope))):
        return _on_own_runner(project, call, func.value, site)
    if func.attr != event_loops.RUN_LOOP or not _is_coroutine(call.args[0]):
        return None
    return _on_own_loop(project, call, func.value, site)


def _is_run(project: Project, call: s.Call, scope: Scope) -> bool:
    types = project.infer(call.func, scope)
    return bool(types) and all(
        isinstance(item, External) and item.dotted == event_loops.RUN for item in types
    )


def _is_coroutine(value: s.Expr) -> bool:
    """Whether it is made on the spot: a task would belong to the loop."""
    return isinstance(value, s.Call) and last_name(value.func) not in event_loops.SCHEDULED


def _is_helper(project: Project, site: CallSite) -> bool:
    """Whether it calls `def run(coroutine): return asyncio.run(coroutine)`."""
    if len(site.targets) != 1 or site.kind != "call":
        return False
    (helper,) = site.targets
    node = helper.node
    if not isinstance(node, s.FunctionDef) or helper.is_async or helper.cls is not None:
        return False
    body = [part for part in node.body if not _is_docstring(part)]
    value = body[0].value if isinstance(body[0], s.Return | s.ExpressionStatement) else None
    is_plain = len(body) == len(node.params) == 1 and not node.decorators
    if not is_plain or not isinstance(value, s.Call) or len(value.args) != 1 or value.keywords:
        return False
    given = value.args[0]
    is_given = isinstance(given, s.Name) and given.id == node.params[0].name
    return is_given and _runs_given(project, value, helper.scope)


def _runs_given(project: Project, call: s.Call, scope: Scope) -> bool:
    if _is_run(project, call, scope):
        return True
    func = call.func
    is_method = isinstance(func, s.Attribute) and func.attr == event_loops.RUN_LOOP
    return isinstance(func, s.Attribute) and is_method and _gives_loop(project, func.value, scope)


def _is_docstring(node: s.Stmt) -> bool:
    return isinstance(node, s.ExpressionStatement) and isinstance(node.value, s.Constant)


# --- loops of a function's own -----------------------------------------------------------------


def _gives_loop(project: Project, value: s.Expr, scope: Scope) -> bool:
    made = project.infer(value, scope)
    return bool(made) and all(
        isinstance(item, ExternalResult) and item.dotted in event_loops.LOOPS for item in made
    )


def _on_own_loop(project: Project, call: s.Call, loop: s.Expr, site: CallSite) -> Run | None:
    """`loop.run_until_complete(...)` on a loop that nothing else is done with."""
    if not _gives_loop(project, loop, site.scope):
        return None
    function = site.function
    if isinstance(loop, s.Call):
        return Run(call)
    if not isinstance(loop, s.Name) or site.scope is not function.scope:
        return None
    if any(param.name == loop.id for param in function.params):
        return Run(call)  # it is somebody else's to close
    bindings = function.scope.names.get(loop.id, ())
    if len(bindings) != 1 or not isinstance(bindings[0], ValueBinding):
        return None
    around = list(_uses(project, function, loop.id))
    known = dict.fromkeys(use for use in around if use is not None)
    return None if None in around else Run(call, (*known, *_resets(function, known)))


def _on_own_runner(project: Project, call: s.Call, runner: s.Expr, site: CallSite) -> Run | None:
    """`runner.run(...)` of a runner that does nothing but to run coroutines."""
    function = site.function
    if isinstance(runner, s.Call):
        return None if runner.args or runner.keywords else Run(call)
    if not isinstance(runner, s.Name) or site.scope is not function.scope:
        return None
    made = _making(function, runner.id)
    if made is None or made.args or made.keywords:
        return None
    opening = project.statement_of(made)
    around = [opening]
    for node in function.nodes(s.Name):
        if node.id != runner.id or node is _target(opening):
            continue
        if not _runs_coroutine(project, node, _RUN):
            around.append(project.statement_of(node))
    if any(project.function_of(part) is not function for part in around):
        return None
    is_known = all(part is opening or _serves(part, runner.id) for part in around)
    return Run(call, tuple(dict.fromkeys(around))) if is_known else None


def _making(function: Function, name: str) -> s.Call | None:
    """The call that makes what the local `name` stands for, in a `with` of its own perhaps."""
    bindings = function.scope.names.get(name, ())
    if len(bindings) != 1 or not isinstance(bindings[0], ValueBinding | WithBinding):
        return None
    value = bindings[0].value
    return value if isinstance(value, s.Call) else None


def _target(opening: s.Stmt) -> s.Expr | None:
    """What the statement that makes a runner calls it; None if it does more."""
    if isinstance(opening, s.With):
        return opening.items[0].target if len(opening.items) == 1 else None
    if isinstance(opening, s.Assign) and len(opening.targets) == 1:
        return opening.targets[0]
    return None


def _resets(function: Function, around: Iterable[s.Stmt]) -> Iterator[s.Stmt]:
    """`asyncio.set_event_loop(None)`, where the loop was set before."""
    node = function.node
    if isinstance(node, s.FunctionDef) and any(map(_set_loop, around)):
        for statement in blocks.statements(node.body):
            if isinstance(_set_loop(statement), s.Constant):
                yield statement


def _uses(project: Project, function: Function, name: str) -> Iterator[s.Stmt | None]:
    """The statements that `name` stands in and that only serve the loop; None for another one."""
    for node in function.nodes(s.Name):
        if node.id == name:
            if project.scope_of(node) is not function.scope:
                yield None
            elif not _runs_coroutine(project, node, event_loops.RUN_LOOP):
                statement = project.statement_of(node)
                yield statement if _serves(statement, name) else None


def _runs_coroutine(project: Project, loop: s.Name, method: str) -> bool:
    """Whether `loop` stands in `loop.method(work())`."""
    func = project.parent(loop)
    call = project.parent(func) if isinstance(func, s.Attribute) and func.attr == method else None
    if not isinstance(call, s.Call) or call.func is not func or not _has_one_argument(call):
        return False
    return method == _RUN or _is_coroutine(call.args[0])


def _serves(statement: s.Stmt, name: str) -> bool:
    """`name = asyncio.new_event_loop()`, `asyncio.set_event_loop(name)`, `name.close()`."""
    if isinstance(statement, s.Assign):
        return len(statement.targets) == 1 and isinstance(statement.targets[0], s.Name)
    if is_method_call(statement, name, "close"):
        return True
    return isinstance(_set_loop(statement), s.Name)


def _set_loop(statement: s.Stmt) -> s.Expr | None:
    """What `statement` makes the loop of the thread."""
    value = statement.value if isinstance(statement, s.ExpressionStatement) else None
    if not isinstance(value, s.Call) or last_name(value.func) != "set_event_loop":
        return None
    return value.args[0] if len(value.args) == 1 else None
