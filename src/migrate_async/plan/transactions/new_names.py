"""Locals with a new object that reaches a session through another one.

part = Part(price=price)
box.parts.append(part)
db.commit()
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan.blocks import called
from migrate_async.plan.new_objects import classes_made
from migrate_async.plan.row_changes import RowChanges
from migrate_async.plan.transactions.positions import statements_before


def made_names(
    project: Project, changes: RowChanges, function: Function, commit: s.Stmt
) -> frozenset[str]:
    """Those that are handed on above `commit`, and not added by themselves.

    Only a run can tell whether the session has such an object.
    """
    before = list(statements_before(function, commit))
    made = {name: statement for statement in before for name in _made_by(project, statement)}
    for statement in before:
        call = called(statement, awaited=False)
        if call is not None and changes.session_of(call, ("add",)) and call.args:
            made.pop(s.dotted_name(call.args[0]), None)
    return frozenset(
        node.id
        for node in (function.nodes(s.Name) if made else ())
        if node.id in made
        and not isinstance(project.parent(node), s.Attribute)
        and made[node.id].span[:2] < project.statement_of(node).span[:2] < commit.span[:2]
    )


def _made_by(project: Project, statement: s.Stmt) -> Iterator[str]:
    """`x` in `x = Model(...)`."""
    if not isinstance(statement, s.Assign) or len(statement.targets) != 1:
        return
    classes = classes_made(project, statement.value)
    if any(cls.qualname in project.models for cls in classes):
        yield s.dotted_name(statement.targets[0])
