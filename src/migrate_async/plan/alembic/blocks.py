"""Where a function of an environment holds a connection open, and what it runs on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s

_OPENING = frozenset({"connect", "begin"})


@dataclass(frozen=True)
class Block:
    """Statements that run on an open connection.

    `opened` is the expression `engine.connect()`, `engine` what it is called on, `connection` the
    name of the connection. Either `with_block` is the statement, or `assigned` opens it and
    `closing`, a `try`, ends with `connection.close()`.
    """

    opened: s.Call
    engine: s.Expr
    connection: str
    body: tuple[s.Stmt, ...]
    with_block: s.With | None = None
    assigned: s.Assign | None = None
    closing: s.Try | None = None

    @property
    def span(self) -> s.Span:
        return self.opened.span

    def nodes(self) -> frozenset[s.AnyNode]:
        """The nodes of the block, the opening expression included."""
        parts = (*self.body, self.opened)
        return frozenset(node for part in parts for node in s.walk(part))


def blocks_of(function: Function) -> list[Block]:
    """The blocks of `function`, in source order; none if it is a coroutine."""
    if not isinstance(function.node, s.FunctionDef) or function.node.is_async:
        return []
    found = [block for body in _bodies(function.node) for block in _in_body(body)]
    return sorted(found, key=lambda block: block.span)


def _bodies(node: s.AnyNode) -> Iterator[tuple[s.Stmt, ...]]:
    """Every run of statements in the own code of a function."""
    for part in s.walk(node):
        if part is not node and isinstance(part, s.FunctionDef | s.ClassDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(part, name, ())
            if isinstance(statements, tuple):
                yield statements


def _in_body(statements: tuple[s.Stmt, ...]) -> Iterator[Block]:
    for number, statement in enumerate(statements):
        if isinstance(statement, s.With):
            yield from _with(statement)
        elif isinstance(statement, s.Assign):
            yield from _closed_by_hand(statement, statements[number + 1 :])


def _with(statement: s.With) -> Iterator[Block]:
    if statement.is_async or len(statement.items) != 1:
        return
    (item,) = statement.items
    engine = _engine(item.context)
    if engine is None or not isinstance(item.target, s.Name):
        return
    assert isinstance(item.context, s.Call)  # noqa: S101  `_engine` has looked
    yield Block(item.context, engine, item.target.id, statement.body, with_block=statement)


def _closed_by_hand(statement: s.Assign, rest: tuple[s.Stmt, ...]) -> Iterator[Block]:
    """`connection = engine.connect()`, and a `try` whose `finally` closes it."""
    engine = _engine(statement.value)
    (target, *others) = statement.targets
    if engine is None or others or not isinstance(target, s.Name):
        return
    assert isinstance(statement.value, s.Call)  # noqa: S101  `_engine` has looked
    for number, following in enumerate(rest):
        if isinstance(following, s.Try) and _only_closes(following, target.id):
            yield Block(
                statement.value,
                engine,
                target.id,
                (*rest[:number], *following.body),
                assigned=statement,
                closing=following,
            )
            return


def _only_closes(statement: s.Try, connection: str) -> bool:
    if statement.handlers or statement.orelse or len(statement.finalbody) != 1:
        return False
    (last,) = statement.finalbody
    return (
        isinstance(last, s.ExpressionStatement)
        and isinstance(last.value, s.Call)
        and s.dotted_name(last.value.func) == f"{connection}.close"
    )


def _engine(opened: s.Expr) -> s.Expr | None:
    if not isinstance(opened, s.Call) or opened.args or opened.keywords:
        return None
    func = opened.func
    if not isinstance(func, s.Attribute) or func.attr not in _OPENING:
        return None
    return func.value
