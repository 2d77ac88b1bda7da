"""`inspect(engine).get_table_names()`, as async code asks for it.

An `Inspector` works on a sync engine or connection. So the question is put on the sync side of a
connection, which a block of its own opens, as the inspector of an engine did:

    async with engine.connect() as connection:
        names = await connection.run_sync(lambda sync_conn: inspect(sync_conn).get_table_names())
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from migrate_async.index.project import Project
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s

_SYNC_SIDES = ("sync_engine", "sync_connection")


@dataclass(frozen=True)
class Inspection:
    """`question` is the call of the `method` of an `inspector`, of what `bind` names.

    `statement` is what has to move into a block that opens a connection of the engine `bind`; None
    where `bind` is a connection. Where the answer is `tested`, by the header of a statement, only
    the question moves.
    """

    question: s.Call
    method: s.Attribute
    inspector: s.Call
    bind: s.Expr
    statement: s.Stmt | None = None
    tested: bool = False


def inspection(project: Project, site: CallSite) -> Inspection | None:
    """The question that the inspector made at `site` is asked; None where it cannot be awaited."""
    inspector = site.node
    method = project.parent(inspector)
    if not isinstance(inspector, s.Call) or not isinstance(method, s.Attribute):
        return None
    question = project.parent(method)
    if not isinstance(question, s.Call) or question.func is not method:
        return None
    if len(inspector.args) != 1 or inspector.keywords:
        return None
    bind = inspector.args[0]
    is_side = isinstance(bind, s.Attribute) and bind.attr in _SYNC_SIDES
    if not s.dotted_name(bind) or is_side or _does_more(project, site, question):
        return None
    found = Inspection(question, method, inspector, bind)
    if project.engine_or_connection(bind, site.scope) == "connection":
        return found
    placed = _on_engine(project, found)
    return None if placed is not None and _inspects_others(project, site, placed) else placed


def _does_more(project: Project, site: CallSite, question: s.Call) -> bool:
    """Whether an argument must not move into a lambda: something in it may have to be awaited."""
    inside = {node for value in question.values for node in s.walk(value)}
    if any(isinstance(node, s.Await | s.Yield | s.NamedExpression) for node in inside):
        return True
    calls = (other for other in project.calls(site.function) if other.node in inside)
    return any(other.targets or other.operation is not None for other in calls)


def _on_engine(project: Project, found: Inspection) -> Inspection | None:
    statement = project.statement_of(found.question)
    simple = (s.Assign, s.AnnotatedAssign, s.AugmentedAssign, s.ExpressionStatement, s.Return)
    if isinstance(statement, simple):
        return replace(found, statement=statement)
    header = statement.iter if isinstance(statement, s.For) else None
    if isinstance(statement, s.If) and not _is_elif(project, statement):
        header = statement.test
    tested = _is_first(header, found.question)
    return replace(found, statement=statement, tested=True) if tested else None


def _inspects_others(project: Project, site: CallSite, found: Inspection) -> bool:
    """Whether the statement also asks about another engine, whose connection is another one."""
    statement = found.statement if not found.tested else found.question
    inside = set(s.walk(statement)) if statement is not None else set()
    for other in project.calls(site.function):
        bind = other.node.args[0] if isinstance(other.node, s.Call) and other.node.args else None
        if other.node not in inside or bind is None:
            continue
        is_engine = project.engine_or_connection(bind, other.scope) == "engine"
        if is_engine and s.dotted_name(bind) != s.dotted_name(found.bind):
            return True
    return False


def _is_elif(project: Project, statement: s.If) -> bool:
    around = project.parent(statement)
    return isinstance(around, s.If) and around.orelse == (statement,)


def _is_first(header: s.Expr | None, question: s.Call) -> bool:
    """Whether `header` asks the question in any case, before it does anything else."""
    while isinstance(header, s.Operation) and header.operator != "f-string":
        header = header.operands[0]
    return header is question
