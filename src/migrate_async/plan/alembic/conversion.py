"""One function of an environment that connects: how it becomes a coroutine."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from functools import cached_property

import msgspec

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.index.sites import CallSite
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.alembic.binding import bound_names, leaves
from migrate_async.plan.alembic.blocks import Block, blocks_of
from migrate_async.plan.engines import engine_edits
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.names import free_name, local_name
from migrate_async.plan.text import source

NAME = "alembic-env"

_SAFE_ATTRIBUTES = frozenset({"begin", "connect", "dialect", "dispose", "driver", "name", "url"})
"""What an async engine has as a sync one has it, or what is rewritten."""

_RUNS = "do_run_migrations"


class NotUnderstood(Exception):
    """Why an environment is left as it is."""

    def __init__(self, span: s.Span, reason: str) -> None:
        super().__init__(reason)
        self.span = span
        self.reason = reason


class Conversion:
    """Plans one function; `is_called`: programs run the migrations too."""

    def __init__(
        self,
        project: Project,
        function: Function,
        becomes_async: Callable[[Variable], bool],
        *,
        is_called: bool,
    ) -> None:
        self._project = project
        self._function = function
        self._becomes_async = becomes_async
        self._is_called = is_called
        self._blocks = blocks_of(function)

    @property
    def uses_application_engine(self) -> bool:
        """Whether its module has an engine of the application that is, or becomes, async.

        Even one that only its URL is taken from: that names an async driver then.
        """
        return any(
            self._is_application(engine) and self._is_async(engine)
            for engine in self._project.engines
            if engine.scope.kind == "module"
            and local_name(self._function.module, engine.module.name, engine.name) is not None
        )

    def plan(self) -> ModuleEdits:
        """The edits.

        Raises `NotUnderstood` when one of the blocks cannot be converted faithfully.
        """
        found = ModuleEdits()
        node = self._function.node
        assert isinstance(node, s.FunctionDef)  # noqa: S101  only those have blocks
        self._check_function(node)
        for variable in dict.fromkeys(map(self._engine, self._blocks)):
            self._convert_engine(found, variable)
        for block in self._blocks:
            self._check_block(block)
            self._convert_block(found, block, node)
        for call in self._disposals():
            found.edits.append(p.AwaitCall(span=call.span, codemod=NAME))
        found.edits.append(p.MakeAsync(span=node.span, codemod=NAME))
        self._convert_callers(found)
        return found

    # --- the engine ----------------------------------------------------------------------------

    def _engine(self, block: Block) -> Variable:
        variable = self._variable(block)
        if variable is None:
            raise NotUnderstood(block.span, "it is not clear how its engine is made")
        if self._is_application(variable) and not self._is_async(variable):
            raise NotUnderstood(block.span, f"its engine, {variable.qualname}, is a sync one")
        return variable

    def _variable(self, block: Block) -> Variable | None:
        """The engine that `block` connects on, also under another name."""
        engine = block.engine
        for _hop in range(3):
            found = [v for v in self._project.engines if self._is_named(v, engine)]
            if len(found) == 1:
                return found[0]
            engine = self._aliased(engine)
        return None

    def _is_named(self, variable: Variable, engine: s.Expr) -> bool:
        if not isinstance(engine, s.Name):
            return False
        if variable.scope is self._function.scope:
            return variable.name == engine.id
        if variable.scope.kind != "module" or engine.id in self._function.scope.names:
            return False
        module = self._function.module
        if variable.module is module:
            return variable.name == engine.id
        return local_name(module, variable.module.name, variable.name) == engine.id

    def _aliased(self, engine: s.Expr) -> s.Expr:
        """What a local name stands for that is given one value only."""
        if not isinstance(engine, s.Name) or engine.id not in self._function.scope.names:
            return engine
        return self._project.value_of(engine, self._function.scope) or engine

    def _is_application(self, variable: Variable) -> bool:
        return variable.module is not self._function.module

    def _is_async(self, variable: Variable) -> bool:
        return variable.kind == "async-engine" or self._becomes_async(variable)

    def _convert_engine(self, found: ModuleEdits, variable: Variable) -> None:
        if self._is_application(variable) or variable.kind == "async-engine":
            return
        made = engine_edits(self._project, variable)
        found.edits += [msgspec.structs.replace(edit, codemod=NAME) for edit in made.edits]
        found.imports += [msgspec.structs.replace(item, codemod=NAME) for item in made.imports]
        found.unneeded += made.unneeded
        found.diagnostics += made.diagnostics

    # --- what is checked -----------------------------------------------------------------------

    def _check_function(self, node: s.FunctionDef) -> None:
        function = self._function
        if node.decorators or function.is_generator or function.cls is not None:
            raise NotUnderstood(node.span, f"{function.name} is more than a plain function")
        if self._project.value_uses(function):
            raise NotUnderstood(node.span, f"{function.name} is handed on as a value")
        if any(site.function.module is not function.module for site in self._callers):
            raise NotUnderstood(node.span, f"{function.name} is called by another module")
        for use in self._engine_uses(node):
            parent = self._project.parent(use)
            if isinstance(parent, s.Attribute) and parent.attr in _SAFE_ATTRIBUTES:
                continue
            if isinstance(parent, s.Assign) and use in (*parent.targets, parent.value):
                continue
            raise NotUnderstood(use.span, f"{use.id} is used for more than connecting")

    def _engine_uses(self, node: s.FunctionDef) -> Iterator[s.Name]:
        names = {block.engine.id for block in self._blocks if isinstance(block.engine, s.Name)}
        for part in s.walk(node):
            if isinstance(part, s.Name) and part.id in names:
                yield part

    def _check_block(self, block: Block) -> None:
        leaving = leaves(block.body)
        if leaving is not None:
            raise NotUnderstood(leaving.span, "a block with a connection is left half-way")
        assert self._function.node is not None  # noqa: S101  it has blocks
        inside = block.nodes()
        outside = {
            part.id
            for part in s.walk(self._function.node)
            if isinstance(part, s.Name) and part not in inside and not self._is_target(part, block)
        }
        shared = outside & {*bound_names(block.body), block.connection}
        if shared:
            names = ", ".join(sorted(shared))
            raise NotUnderstood(block.span, f"{names} lives in and outside of the connection")

    @staticmethod
    def _is_target(name: s.Name, block: Block) -> bool:
        if block.with_block is not None:
            return name is block.with_block.items[0].target
        assert block.assigned is not None  # noqa: S101  one of the two
        assert block.closing is not None  # noqa: S101  one of the two
        closing = {node for part in block.closing.finalbody for node in s.walk(part)}
        return name in block.assigned.targets or name in closing

    # --- the block -----------------------------------------------------------------------------

    def _convert_block(self, found: ModuleEdits, block: Block, node: s.FunctionDef) -> None:
        if block.with_block is not None:
            called = _called_with_connection(block)
            if called is not None:
                code = self._running(block, called)
                span = block.with_block.span
                found.edits.append(p.ReplaceStatement(span=span, codemod=NAME, code=code))
                return
            header = self._header(found, block, node)
            code = f"\n{self._running(block, self._run_name)}"
            span = block.with_block.span
            found.edits += [
                p.ChangeBlock(span=span, codemod=NAME, header=header),
                p.InsertStatements(span=span, codemod=NAME, code=code, after=True),
            ]
            return
        assert block.assigned is not None  # noqa: S101  one of the two
        assert block.closing is not None  # noqa: S101  one of the two
        found.edits += [
            p.ReplaceStatement(span=block.assigned.span, codemod=NAME),
            p.DropFinally(span=block.closing.span, codemod=NAME),
            p.WrapStatements(
                span=self._after(block.assigned),
                codemod=NAME,
                until=block.closing.span,
                header=self._header(found, block, node),
                below=f"\n{self._running(block, self._run_name)}",
            ),
        ]

    def _after(self, statement: s.Assign) -> s.Span:
        parent = self._project.parent(statement)
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(parent, name, ())
            if statement in statements:
                following: s.Stmt = statements[statements.index(statement) + 1]
                return following.span
        raise NotUnderstood(statement.span, "nothing follows the connection")

    def _header(self, found: ModuleEdits, block: Block, node: s.FunctionDef) -> str:
        if node.returns is None:
            return f"def {self._run_name}({block.connection}):"
        module = self._function.module
        local = add_import(found, module, "sqlalchemy.engine", "Connection", NAME)
        return f"def {self._run_name}({block.connection}: {local}) -> None:"

    @cached_property
    def _run_name(self) -> str:
        taken = self._function.module.scope.names
        return free_name(self._function, _RUNS if _RUNS not in taken else f"{_RUNS}_online")

    def _running(self, block: Block, runs: str) -> str:
        """The statements that run the function `runs` on an async connection."""
        engine = source(block.engine)
        code = (
            f"async with {source(block.opened)} as {block.connection}:\n"
            f"    await {block.connection}.run_sync({runs})"
        )
        if self._disposals():
            return code
        if self._keeps_no_connections(self._engine(block)):
            return f"{code}\n\nawait {engine}.dispose()"
        # A pool would keep a connection of the event loop that is over.
        inner = textwrap.indent(code, "    ")
        return f"try:\n{inner}\nfinally:\n    await {engine}.dispose()"

    def _keeps_no_connections(self, variable: Variable) -> bool:
        if self._is_application(variable) or variable.kind == "async-engine":
            return False
        pools = [k.value for k in variable.call.keywords if k.arg == "poolclass"]
        return any(s.dotted_name(pool).rpartition(".")[2] == "NullPool" for pool in pools)

    def _disposals(self) -> list[s.Call]:
        """The calls of `engine.dispose()` that the function makes already."""
        node = self._function.node
        assert node is not None  # noqa: S101  it has blocks
        engines = {s.dotted_name(block.engine) for block in self._blocks}
        return [
            part
            for part in s.walk(node)
            if isinstance(part, s.Call)
            and isinstance(part.func, s.Attribute)
            and part.func.attr == "dispose"
            and s.dotted_name(part.func.value) in engines
        ]

    # --- who runs it ---------------------------------------------------------------------------

    @cached_property
    def _callers(self) -> list[CallSite]:
        return list(self._project.callers(self._function))

    def _convert_callers(self, found: ModuleEdits) -> None:
        if not self._callers:
            return
        runner = "asyncio.run"
        if self._is_called:
            home = "migrate_async.runtime.migrations"
            runner = add_import(found, self._function.module, home, "run_blocking", NAME)
        else:
            found.imports.append(p.ImportChange(NAME, "asyncio"))
        for site in self._callers:
            code = f"{runner}({{}})"
            span = site.node.span
            found.edits.append(p.ReplaceExpression(span=span, codemod=NAME, code=code))


def _called_with_connection(block: Block) -> str | None:
    """The name of `f` when all that the block does is `f(connection)`."""
    if len(block.body) != 1 or not isinstance(block.body[0], s.ExpressionStatement):
        return None
    call = block.body[0].value
    if not isinstance(call, s.Call) or call.keywords or len(call.args) != 1:
        return None
    (argument,) = call.args
    if not isinstance(argument, s.Name) or argument.id != block.connection:
        return None
    return s.dotted_name(call.func) or None
