"""SQL as plain strings, parameters as keyword arguments, and `engine.execute()`: gone in 2.0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.knowledge import query_refusals as why
from migrate_async.model import syntax as s
from migrate_async.model.plan import (
    AddArgument,
    AnyEdit,
    AwaitCall,
    ImportChange,
    RemoveArgument,
    ReplaceExpression,
    WrapStatements,
)
from migrate_async.plan.names import free_name
from migrate_async.plan.queries.ledger import Refused, refused
from migrate_async.plan.queries.names import CODEMOD, Imports, local_values
from migrate_async.plan.queries.project import ProjectView
from migrate_async.plan.text import is_plain, text

EXECUTES = frozenset({"execute", "scalar", "scalars", "stream", "stream_scalars"})
"""Methods of sessions, connections and engines that take a statement."""
_OWN_KEYWORDS = frozenset(
    {"statement", "params", "parameters", "execution_options", "bind_arguments", "object_"}
)
_CONSUMERS = frozenset(
    {"all", "fetchall", "fetchone", "first", "one", "one_or_none", "rowcount", "scalar"}
    | {"scalar_one", "scalar_one_or_none"}
)
_TEMPLATED = ("%", "+", "f-string")


@dataclass
class RawEdits:
    edits: list[AnyEdit] = field(default_factory=list)
    imports: set[ImportChange] = field(default_factory=set)
    problems: list[Refused] = field(default_factory=list)


class RawSql:
    """Plans the edits of one function after the other."""

    def __init__(self, project: ProjectView, awaited: Callable[[Function], bool]) -> None:
        self._project = project
        self._awaited = awaited

    def plan(self, function: Function, imports: Imports) -> RawEdits:
        """What becomes of the raw SQL that `function` executes."""
        found = RawEdits()
        for site in self._project.project.calls(function):
            operation, node = site.operation, site.node
            if operation is None or operation.name not in EXECUTES or not isinstance(node, s.Call):
                continue
            if operation.owner in ("session", "connection"):
                self._execute(found, imports, site, node)
            elif operation.owner == "engine" and not operation.is_async:
                self._of_engine(found, imports, site, node)
        return found

    # --- strings and parameters ----------------------------------------------------------------

    def _execute(self, found: RawEdits, imports: Imports, site: CallSite, node: s.Call) -> None:
        statement = statement_argument(node)
        if statement is None:
            return
        if self.is_string(statement):
            if self.is_driver_sql(node, statement):
                found.problems.append(refused(why.MULTIPARAMS, site.function, node))
                return
            name, changes = imports.name("sqlalchemy.text")
            found.imports.update(changes)
            code = f"{name}({{}})"
            found.edits.append(ReplaceExpression(span=statement.span, codemod=CODEMOD, code=code))
        self._parameters(found, site, node)

    def _parameters(self, found: RawEdits, site: CallSite, node: s.Call) -> None:
        """`execute(stmt, x=1)` takes its parameters as a dict now."""
        loose = [keyword for keyword in node.keywords if keyword.arg not in _OWN_KEYWORDS]
        if len(node.args) > 2 or (loose and len(node.args) > 1):
            found.problems.append(refused(why.MULTIPARAMS, site.function, node))
            return
        if not loose:
            return
        if any(keyword.arg is None for keyword in loose):
            found.problems.append(refused(why.MULTIPARAMS, site.function, node))
            return
        owner = site.operation.owner if site.operation is not None else ""
        pairs = ", ".join(f'"{keyword.arg}": {text(keyword.value)}' for keyword in loose)
        name = "params" if owner == "session" else "parameters"
        for keyword in loose:
            gone = RemoveArgument(span=node.span, codemod=CODEMOD, name=str(keyword.arg))
            found.edits.append(gone)
        code = f"{name}={{{pairs}}}"
        found.edits.append(AddArgument(span=node.span, codemod=CODEMOD, code=code))

    def is_string(self, expr: s.Expr, depth: int = 0) -> bool:
        """Is the value of `expr` surely a plain string?"""
        if isinstance(expr, s.Constant):
            return expr.kind == "str"
        if isinstance(expr, s.Operation):
            return expr.operator == "f-string" or (
                expr.operator in _TEMPLATED and self.is_string(expr.operands[0], depth)
            )
        if isinstance(expr, s.Call) and isinstance(expr.func, s.Attribute):
            is_method = expr.func.attr in ("format", "strip", "join", "replace")
            return is_method and self.is_string(expr.func.value, depth)
        values = local_values(expr, self._project.scope(expr)) if depth < 3 else []
        return bool(values) and all(self.is_string(value, depth + 1) for value in values)

    def is_driver_sql(self, node: s.Call, statement: s.Expr) -> bool:
        """Does the string have the driver's placeholders, which `text()` has not?"""
        parameters = node.args[1] if len(node.args) > 1 else None
        if isinstance(parameters, s.Sequence):
            return parameters.kind == "tuple" or any(
                isinstance(item, s.Sequence) for item in parameters.items
            )
        constants = [part for part in s.walk(statement) if isinstance(part, s.Constant)]
        return parameters is not None and any(
            "%s" in str(part.value) or "%(" in str(part.value) for part in constants
        )

    # --- engine.execute ------------------------------------------------------------------------

    def _of_engine(self, found: RawEdits, imports: Imports, site: CallSite, node: s.Call) -> None:
        statement = self._project.project.statement_of(node)
        func = node.func
        if (
            not isinstance(func, s.Attribute)
            or not is_plain(func.value)
            or not self._is_consumed(node, statement)
        ):
            found.problems.append(refused(why.ENGINE_EXECUTE, site.function, node))
            return
        self._execute(found, imports, site, node)
        connection = free_name(site.function, "connection")
        header = f"with {text(func.value)}.begin() as {connection}:"
        if self._awaited(site.function):
            header = f"async {header}"
            found.edits.append(AwaitCall(span=node.span, codemod=CODEMOD))
        found.edits += [
            ReplaceExpression(span=func.span, codemod=CODEMOD, code=f"{connection}.{func.attr}"),
            WrapStatements(
                span=statement.span, codemod=CODEMOD, until=statement.span, header=header
            ),
        ]

    def _is_consumed(self, node: s.Call, statement: s.Stmt) -> bool:
        """Is the result read within the statement, so that the connection can close after it?"""
        if isinstance(statement, s.ExpressionStatement) and statement.value is node:
            return True
        if isinstance(statement, s.For):
            return statement.iter is node
        if not isinstance(statement, s.Assign | s.Return | s.ExpressionStatement):
            return False
        if isinstance(node.func, s.Attribute) and node.func.attr == "scalar":
            return True
        parent = self._project.project.parent(node)
        return isinstance(parent, s.Attribute) and parent.attr in _CONSUMERS


def statement_argument(node: s.Call) -> s.Expr | None:
    """What `execute(...)` executes, if the call shows it."""
    given: Iterator[s.Expr] = iter(node.args)
    first = next(given, None)
    if first is not None:
        return None if isinstance(first, s.Starred) else first
    return next((k.value for k in node.keywords if k.arg == "statement"), None)
