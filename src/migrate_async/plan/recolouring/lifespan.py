"""Start-up work of a FastAPI application: `create_all` and `@app.on_event` as a lifespan."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.passed import reflects
from migrate_async.plan.colouring.schema_calls import schema_call
from migrate_async.plan.colouring.touches import Touch, Touches
from migrate_async.plan.engines import NAME
from migrate_async.plan.memory import is_in_memory
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.names import is_variable
from migrate_async.plan.recolouring.at_import import needs_tables
from migrate_async.plan.recolouring.start_up import Application, Handler, StartUp


def lifespan_edits(
    project: Project,
    touches: Touches,
    colouring: Colouring,
    stays: Callable[[Function], bool],
) -> dict[Module, ModuleEdits]:
    """A lifespan for each application that does something at import or start-up.

    `create_all` at import becomes a step of it, unless something works on the tables before that;
    there, and in a module that gets none, it runs on the sync engine, see `tables_at_import`, or
    with `asyncio.run` for a database in memory.
    """
    found: dict[Module, ModuleEdits] = {}
    start_up = project.shared(StartUp)
    at_import = {module for module, _ in tables_at_import(project, touches, colouring)}
    for module in sorted(project.modules.values(), key=lambda item: item.name):
        imports = [
            touch
            for touch in touches.of(module.body)
            if touch.kind == "metadata" and "main" not in touch.site.context
            if not reflects(touch.site)
        ]
        app = start_up.of(module)
        if app is not None:
            edits = _application(project, colouring, app, [] if module in at_import else imports)
        else:
            alone = [touch for touch in imports if not runs_on_sync_engine(project, touch)]
            edits = _without_lifespan(project, module, [] if stays(module.body) else alone)
        if edits is not None:
            found[module] = edits
    return found


def tables_at_import(
    project: Project, touches: Touches, colouring: Colouring
) -> Iterator[tuple[Module, s.Stmt]]:
    """The `create_all` at import that goes on running on a sync engine.

    That is where no lifespan is written, or where the application's module, or one that it
    imports, works on the tables as it is imported. A loop may run when the module is imported, and
    connections of an async engine belong to the loop that they were made in.
    """
    start_up = project.shared(StartUp)
    in_lifespan = {
        app.module
        for app in start_up.applications
        if start_up.of(app.module) and not needs_tables(project, touches, colouring, app.module)
    }
    for module in project.modules.values():
        for touch in touches.of(module.body) if module not in in_lifespan else ():
            is_made = touch.kind == "metadata" and "main" not in touch.site.context
            if is_made and not reflects(touch.site) and runs_on_sync_engine(project, touch):
                yield module, project.statement_of(touch.node)


def runs_on_sync_engine(project: Project, touch: Touch) -> bool:
    """Whether it uses an engine with a name, and no database in memory, of which each has one."""
    call, module = touch.site.node, touch.site.function.module
    used = {node.id for node in s.walk(call) if isinstance(node, s.Name)}
    for engine in project.engines:
        if engine.scope.kind == "module" and any(
            is_variable(module, engine.module, engine.name, name) for name in used
        ):
            return not is_in_memory(project, engine)
    return False


def _application(
    project: Project, colouring: Colouring, app: Application, imports: list[Touch]
) -> ModuleEdits | None:
    handlers = list(project.shared(StartUp).handlers(app))
    if not imports and not handlers:
        return None
    found = ModuleEdits(moves_import=bool(imports))
    steps = [*_create_all(project, found, imports), *_calls(found, colouring, handlers, "startup")]
    last = list(_calls(found, colouring, handlers, "shutdown"))
    name = "lifespan" if "lifespan" not in app.module.scope.names else "app_lifespan"
    found.edits += [
        p.InsertStatements(
            span=app.statement.span, codemod=NAME, code=_lifespan(name, steps, last)
        ),
        p.AddArgument(span=app.call.span, codemod=NAME, code=f"lifespan={name}"),
    ]
    for handler in handlers:
        found.edits.append(p.RemoveDecorator(span=handler.decorator.span, codemod=NAME))
    add_import(found, app.module, "contextlib", "asynccontextmanager", NAME)
    add_import(found, app.module, "collections.abc", "AsyncIterator", NAME)
    add_import(found, app.module, "fastapi", "FastAPI", NAME)
    return found


def _lifespan(name: str, steps: list[str], last: list[str]) -> str:
    body = "\n".join([*steps, "yield", *last])
    lines = [f"    {line}" for line in body.splitlines()]
    header = f"async def {name}(app: FastAPI) -> AsyncIterator[None]:"
    return "\n".join(["@asynccontextmanager", header, *lines])


def _create_all(project: Project, found: ModuleEdits, imports: list[Touch]) -> Iterator[str]:
    for touch in imports:
        statement = project.statement_of(touch.node)
        code = schema_call(project, touch.site)
        if code and isinstance(statement, s.ExpressionStatement):
            found.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME))
            yield code


def _calls(
    found: ModuleEdits, colouring: Colouring, handlers: list[Handler], event: str
) -> Iterator[str]:
    """The calls of an event's handlers; one that stays sync works on its database in a thread."""
    for handler in handlers:
        function = handler.function
        if handler.event != event:
            continue
        if function.is_async or colouring.converts(function):
            yield f"await {function.name}()"
        elif function in colouring.kept:
            run = add_import(
                found, function.module, "starlette.concurrency", "run_in_threadpool", NAME
            )
            yield f"await {run}({function.name})"
        else:
            yield f"{function.name}()"


def _without_lifespan(project: Project, module: Module, imports: list[Touch]) -> ModuleEdits | None:
    if not imports:
        return None
    found = ModuleEdits()
    for number, touch in enumerate(imports):
        statement = project.statement_of(touch.node)
        code = schema_call(project, touch.site)
        if not code or not isinstance(statement, s.ExpressionStatement):
            continue
        if not module.is_test:
            found.diagnostics.append(
                at(
                    module.path,
                    touch.node.span,
                    "MA405",
                    "create_all runs when the module is imported, now in an event loop of its own",
                    "move it to the application's lifespan if the import happens in a running loop",
                )
            )
        name = "create_tables" if not number else f"create_tables_{number + 1}"
        body = "\n".join(f"    {line}" for line in code.splitlines())
        text = f"async def {name}() -> None:\n{body}\n\n\nasyncio.run({name}())"
        found.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME, code=text))
        found.imports.append(p.ImportChange(NAME, "asyncio"))
    return found
