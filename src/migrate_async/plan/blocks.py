"""Walking over the statements of one function."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.model import syntax as s

Block = tuple[s.Stmt, ...]

_COMPOUND = frozenset({s.If, s.For, s.While, s.With, s.Try, s.Match})


def blocks(body: Block) -> Iterator[Block]:
    """`body` and every block below it; nested functions and classes are left out."""
    yield body
    for statement in body:
        if type(statement) in _COMPOUND:
            for inner in inner_blocks(statement):
                yield from blocks(inner)


def is_compound(statement: s.Stmt) -> bool:
    """Whether there are blocks inside `statement`."""
    return type(statement) in _COMPOUND


def inner_blocks(statement: s.Stmt) -> Iterator[Block]:
    """The blocks directly inside a compound statement."""
    if type(statement) not in _COMPOUND:
        return
    if isinstance(statement, (s.If, s.For, s.While)):
        yield from (statement.body, statement.orelse)
    elif isinstance(statement, s.With):
        yield statement.body
    elif isinstance(statement, s.Try):
        yield statement.body
        yield from (handler.body for handler in statement.handlers)
        yield from (statement.orelse, statement.finalbody)
    elif isinstance(statement, s.Match):
        yield from (case.body for case in statement.cases)


def heads(statement: s.Stmt) -> Iterator[s.AnyNode]:
    """What `statement` runs apart from the blocks inside it."""
    if isinstance(statement, s.If | s.While):
        yield statement.test
    elif isinstance(statement, s.For):
        yield statement.iter
    elif isinstance(statement, s.With):
        yield from (item.context for item in statement.items)
    elif isinstance(statement, s.Match):
        yield statement.subject
    elif type(statement) not in _COMPOUND:
        yield statement


def is_elif(statement: s.Stmt, around: s.Stmt) -> bool:
    """Whether `statement` is the `elif` of `around`, before which nothing can be written."""
    return (
        isinstance(around, s.If)
        and isinstance(statement, s.If)
        and around.orelse == (statement,)
        and statement.span[1] == around.span[1]
    )


def statements(body: Block) -> Iterator[s.Stmt]:
    """Every statement of `body` and of the blocks below it."""
    for block in blocks(body):
        yield from block


def targets(statement: s.Stmt) -> tuple[s.Expr, ...]:
    """What `statement` sets, or changes by `+=` and the like."""
    if type(statement) is s.Assign:
        return statement.targets
    return (statement.target,) if type(statement) is s.AugmentedAssign else ()


def is_target(node: s.Expr, parent: Callable[[s.AnyNode], s.AnyNode | s.ModuleSyntax]) -> bool:
    """Whether a statement sets, changes or deletes `node`, also as one of several."""
    around = parent(node)
    while isinstance(around, s.Sequence | s.Starred):
        node, around = around, parent(around)
    if isinstance(around, s.Assign | s.Delete):
        return any(target is node for target in around.targets)
    if isinstance(around, s.AnnotatedAssign | s.AugmentedAssign | s.For):
        return around.target is node
    return False


def mentions(node: s.AnyNode, name: str) -> bool:
    """Whether the name occurs anywhere in `node`."""
    return any(isinstance(part, s.Name) and part.id == name for part in s.walk(node))


def uses(node: s.AnyNode, name: str) -> bool:
    """Whether the variable occurs in `node`: not where a comprehension has one of that name."""
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, s.Comprehension) and any(
            mentions(generator.target, name) for generator in part.generators
        ):
            pending.append(part.generators[0].iter)
            continue
        if isinstance(part, s.Name) and part.id == name:
            return True
        pending.extend(s.children(part))
    return False


def is_unplaced(node: s.AnyNode | s.ModuleSyntax) -> bool:
    """Whether `node` is an f-string over several lines.

    Before Python 3.12, `ast` does not know where in such a string an expression stands.
    """
    return (
        isinstance(node, s.Operation) and node.operator == "f-string" and node.line != node.end_line
    )


def called(statement: s.Stmt, *, awaited: bool) -> s.Call | None:
    """The call that `statement` is or, if `awaited`, awaits."""
    value = statement.value if type(statement) is s.ExpressionStatement else None
    if awaited:
        value = value.value if type(value) is s.Await else None
    return value if type(value) is s.Call else None


def method_name(call: s.Call) -> str:
    """The last name of what is called."""
    return s.dotted_name(call.func).rpartition(".")[2]
