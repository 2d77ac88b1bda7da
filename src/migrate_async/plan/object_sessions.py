"""The session of an object: `object_session(x)` gives the sync one inside of an `AsyncSession`.

So does `inspect(x).session`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import gives_object_session, is_session_of_state
from migrate_async.knowledge.sqlalchemy import ASYNC_OBJECT_SESSION, ASYNC_SESSION_OF_STATE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.module_edits import ModuleEdits, add_import

NAME = "async-colour"


def object_sessions(project: Project, function: Function) -> Iterator[s.Call]:
    """The calls of `function` that ask an object for its session."""
    for call in function.calls:
        if gives_object_session(project.infer(call.node.func, call.scope)):
            yield call.node


def sessions_of_states(project: Project, function: Function) -> Iterator[s.Attribute]:
    """What `function` reads of objects' states: `inspect(x).session`."""
    for node in function.own_attributes:
        if is_session_of_state(node, project.infer(node.value, project.scope_of(node))):
            yield node


def object_session_edits(project: Project, function: Function) -> ModuleEdits:
    """`async_object_session(x)` in a coroutine, which awaits what it does with the session."""
    found = ModuleEdits()
    for func in (call.func for call in object_sessions(project, function)):
        home, _, name = ASYNC_OBJECT_SESSION.rpartition(".")
        name = add_import(found, function.module, home, name, NAME)
        found.edits.append(p.ReplaceExpression(span=func.span, codemod=NAME, code=name))
        found.unneeded.append(s.dotted_name(func).partition(".")[0])
    for node in sessions_of_states(project, function):
        span = (node.span[2], node.span[3] - len(node.attr), *node.span[2:])
        edit = p.ReplaceExpression(span=span, codemod=NAME, code=ASYNC_SESSION_OF_STATE)
        found.edits.append(edit)
    return found
