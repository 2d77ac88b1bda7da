"""Session dependencies that do nothing but open a session of a factory, yield it and close it.

    def get_db():
        db = SessionLocal()
        try:
            yield db
        finally:
            db.close()

`contextmanager(get_db)()` is then `SessionLocal()`, which is a context manager that does the same.
So is `session_scope()` after `session_scope = contextmanager(get_db)`.
"""

from __future__ import annotations

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.infer import Inference
from migrate_async.index.statements import is_method_call, only_rolls_back
from migrate_async.model import syntax as s


def opened_by(fn: sc.Function, inference: Inference) -> s.Call | None:
    """The call of a factory with which a plain session dependency opens what it yields."""
    if not isinstance(fn.node, s.FunctionDef) or fn.is_async or fn.node.decorators:
        return None
    found = _opening(_without_docstring(fn.node.body))
    if found is None or found.args or found.keywords or not isinstance(found.func, s.Name):
        return None
    types = inference.infer(found.func, fn.scope)
    return found if any(isinstance(item, t.SessionFactory) for item in types) else None


def _opening(body: tuple[s.Stmt, ...]) -> s.Call | None:
    match body:
        case (s.With(items=(item,), body=inner),) if isinstance(item.target, s.Name):
            return _call(item.context) if _only_yields(inner, item.target.id) else None
        case (s.Assign() | s.AnnotatedAssign() as made, s.Try() as rest):
            return _made(made, rest, rest.body)
        case (s.Try(body=(s.Assign() | s.AnnotatedAssign() as made, *inner)) as rest,):
            return _made(made, rest, tuple(inner))
    return None


def _made(
    made: s.Assign | s.AnnotatedAssign, around: s.Try, inner: tuple[s.Stmt, ...]
) -> s.Call | None:
    """`db = SessionLocal()`, with the `try` that closes it in the end."""
    targets = made.targets if isinstance(made, s.Assign) else (made.target,)
    target = targets[0]
    if len(targets) != 1 or not isinstance(target, s.Name):
        return None
    closes = len(around.finalbody) == 1 and is_method_call(around.finalbody[0], target.id, "close")
    undoes = all(only_rolls_back(handler, target.id) for handler in around.handlers)
    if not closes or not undoes or around.orelse or not _only_yields(inner, target.id):
        return None
    return _call(made.value)


def _only_yields(body: tuple[s.Stmt, ...], name: str) -> bool:
    match body:
        case (s.ExpressionStatement(value=s.Yield(value=s.Name(id=given), is_from=False)),):
            return given == name
    return False


def _call(value: s.Expr | None) -> s.Call | None:
    return value if isinstance(value, s.Call) else None


def _without_docstring(body: tuple[s.Stmt, ...]) -> tuple[s.Stmt, ...]:
    first = body[0] if body else None
    is_text = isinstance(first, s.ExpressionStatement) and isinstance(first.value, s.Constant)
    return body[1:] if is_text else body


def entered_at(call: s.Call) -> s.Expr | None:
    """`get_db` of `contextmanager(get_db)()`, if `call` looks like that."""
    made = call.func
    if not isinstance(made, s.Call) or call.args or call.keywords:
        return None
    is_alone = len(made.args) == 1 and not made.keywords
    return made.args[0] if is_alone and sc.last_name(made.func) == "contextmanager" else None


def is_entered(call: s.Call, types: t.Types) -> bool:
    """Whether `call`, of a value of `types`, enters such a dependency."""
    is_plain = not call.args and not call.keywords
    return is_plain and any(isinstance(item, t.ContextFunction) for item in types)
