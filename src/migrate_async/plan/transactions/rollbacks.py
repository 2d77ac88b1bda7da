"""Objects that a function reads after a rollback, which expires them in every session."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, ParameterBinding, ValueBinding
from migrate_async.model import syntax as s
from migrate_async.plan.transactions.commits import called, models_in
from migrate_async.plan.transactions.positions import Position


def refreshes_after_rollback(
    project: Project, function: Function, position: Position
) -> Iterator[str]:
    """`if user is not None and user in db: await db.refresh(user)` after `db.rollback()`.

    What was new in the transaction is no longer in the session, and keeps what it has.
    """
    session = _rolled_back(project, position.statement)
    if session is None:
        return
    outermost = position.path[0][0][position.path[0][1]]
    for name in models_in(project, function):
        if _is_bound_before(function, name, outermost) and position.reads_later(name):
            test = f"{name} is not None and {name} in {session}"
            yield f"if {test}:\n    await {session}.refresh({name})"


def _rolled_back(project: Project, statement: s.Stmt) -> str | None:
    """The sync session that `statement` rolls back."""
    call = called(statement, awaited=False)
    func = call.func if call is not None else None
    if not isinstance(func, s.Attribute) or func.attr != "rollback":
        return None
    if project.session_kind(func.value, project.scope_of(func)) != "sync":
        return None
    return s.dotted_name(func.value) or None


def _is_bound_before(function: Function, name: str, statement: s.Stmt) -> bool:
    """Whether `name` surely has a value when `statement`, of the function's body, begins."""
    for binding in function.scope.names.get(name, ()):
        if isinstance(binding, ParameterBinding):
            return True
        if isinstance(binding, ValueBinding):
            assert isinstance(function.node, s.FunctionDef)  # noqa: S101  it has statements
            for other in function.node.body:
                is_before = other.span[:2] < statement.span[:2]
                if is_before and isinstance(other, s.Assign) and other.value is binding.value:
                    return True
    return False
