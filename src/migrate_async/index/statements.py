"""What single statements say."""

from __future__ import annotations

from migrate_async.model import syntax as s


def is_method_call(statement: s.Stmt, name: str, method: str) -> bool:
    """Whether `statement` is just `name.method()`."""
    if not isinstance(statement, s.ExpressionStatement) or not isinstance(statement.value, s.Call):
        return False
    call = statement.value
    return (
        not call.args
        and not call.keywords
        and isinstance(call.func, s.Attribute)
        and call.func.attr == method
        and s.dotted_name(call.func.value) == name
    )


def only_rolls_back(handler: s.Handler, name: str) -> bool:
    """`except ...: db.rollback(); raise`: closing the session rolls back as well."""
    *before, last = handler.body
    return (
        isinstance(last, s.Raise)
        and last.error is None
        and all(is_method_call(statement, name, "rollback") for statement in before)
    )
