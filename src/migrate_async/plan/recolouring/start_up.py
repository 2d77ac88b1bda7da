"""What starts with a FastAPI application, and whether a lifespan of it could do all of that.

An application with a lifespan calls none of its `on_event` handlers. So either a lifespan calls all
that starts, as it was called before, or they stay as they are: both colours are called there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, last_name
from migrate_async.index.types import External
from migrate_async.model import syntax as s

_FASTAPI = ("fastapi.FastAPI", "fastapi.applications.FastAPI")
_ON_EVENT = "on_event"
_STARTERS = frozenset({_ON_EVENT, "add_event_handler"})
_LISTS = frozenset({"on_startup", "on_shutdown"})
"""Arguments and attributes of applications and routers."""


@dataclass(frozen=True)
class Application:
    """`app = FastAPI(...)` at a module's top level."""

    module: Module
    name: str
    call: s.Call
    statement: s.Stmt


@dataclass(frozen=True)
class Handler:
    """`@app.on_event(event)` on a function of the application's module."""

    event: str
    function: Function
    decorator: s.Call


class StartUp:
    """The applications of a project, and their handlers that a lifespan can call."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._applications = tuple(_applications(project))
        self._is_known = self._knows_all()

    @property
    def applications(self) -> tuple[Application, ...]:
        """Every application at the top of a module, in order of module name."""
        return self._applications

    def of(self, module: Module) -> Application | None:
        """The application of `module` for which a lifespan can be written, if there is one."""
        app = next((item for item in self._applications if item.module is module), None)
        return app if app is not None and self._is_known and not _has_lifespan(app) else None

    def handlers(self, app: Application) -> Iterator[Handler]:
        """What a lifespan of `app` has to call, in order."""
        for function in self._project.functions_of(app.module):
            node = function.node
            for decorator in node.decorators if isinstance(node, s.FunctionDef) else ():
                event = _event(decorator, app)
                if event and isinstance(decorator, s.Call):
                    yield Handler(event, function, decorator)

    def _knows_all(self) -> bool:
        """Whether nothing starts but functions that a lifespan can call by their names."""
        plain: set[s.AnyNode] = set()
        for app in self._applications:
            plain |= {item.decorator for item in self.handlers(app) if _is_plain(item, app)}
        return not any(
            call not in plain and _starts(call)
            for function in self._project.functions
            for call in (site.node for site in self._project.calls(function))
        )


def _applications(project: Project) -> Iterator[Application]:
    for module in sorted(project.modules.values(), key=lambda found: found.name):
        for statement in module.syntax.body:
            if not isinstance(statement, s.Assign) or not isinstance(statement.value, s.Call):
                continue
            call, target = statement.value, statement.targets[0]
            if isinstance(target, s.Name) and _is_fastapi(project, module, call):
                yield Application(module, target.id, call, statement)


def _is_fastapi(project: Project, module: Module, call: s.Call) -> bool:
    return any(
        isinstance(found, External) and found.dotted in _FASTAPI
        for found in project.infer(call.func, module.scope)
    )


def _has_lifespan(app: Application) -> bool:
    return any(keyword.arg == "lifespan" for keyword in app.call.keywords)


def _event(decorator: s.Expr, app: Application) -> str:
    """The event of `@app.on_event("startup")`; empty for another decorator."""
    if not isinstance(decorator, s.Call) or not decorator.args:
        return ""
    event = decorator.args[0]
    is_ours = s.dotted_name(decorator.func) == f"{app.name}.{_ON_EVENT}"
    return str(event.value) if is_ours and isinstance(event, s.Constant) else ""


def _is_plain(handler: Handler, app: Application) -> bool:
    """Whether its name is always there, and calls just what the application would have called."""
    function, scope = handler.function, app.module.scope
    node = function.node
    return (
        isinstance(node, s.FunctionDef)
        and node in app.module.syntax.body
        and len(scope.names.get(function.name, ())) == 1
        and all(_event(decorator, app) for decorator in node.decorators)
    )


def _starts(node: object) -> bool:
    """Whether a call has something started: `app.add_event_handler("startup", fill)`."""
    if not isinstance(node, s.Call):
        return False
    func = node.func
    names = {keyword.arg for keyword in node.keywords}
    if isinstance(func, s.Attribute):
        names.add(last_name(func.value))
        if func.attr in _STARTERS:
            return True
    return not names.isdisjoint(_LISTS)
