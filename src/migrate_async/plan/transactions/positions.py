"""Where in its function a statement stands, and what can run after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.transactions.commits import commits, refreshes


def _never(_: s.Stmt) -> bool:
    return False


@dataclass(frozen=True)
class Position:
    """A statement and the way down to it: each block on the way, with the place in it."""

    path: tuple[tuple[blocks.Block, int], ...]

    @property
    def statement(self) -> s.Stmt:
        block, index = self.path[-1]
        return block[index]

    def last(self, is_wanted: Callable[[s.Stmt], bool]) -> s.Stmt | None:
        """The last statement that has surely run before, in this block or around it."""
        above = (found for block, index in reversed(self.path) for found in block[:index][::-1])
        return next(filter(is_wanted, above), None)

    def is_before(self, node: s.Expr) -> bool:
        """Whether `node` can run after the statement: below it, or in a loop around both."""
        if node.span[:2] > self.statement.span[:2]:
            return True
        loops = [block[index] for block, index in self.path[:-1]]
        return any(
            isinstance(loop, s.For | s.While) and loop.span[:2] < node.span[:2] for loop in loops
        )

    def reads_later(self, name: str, until: Callable[[s.Stmt], bool] = _never) -> bool:
        """Whether `name` is read after the statement, before anything gives it new values.

        And before a statement that `until` tells, where one surely comes.
        """
        is_left = False
        for block, index in reversed(self.path):
            compound = block[index]
            is_ended = is_left and isinstance(compound, s.For | s.While)
            told = None
            if compound is not self.statement and not is_ended:
                told = self._around(compound, name)
            if told is None:
                told = _reads(block[index + 1 :], name, until)
            if told is not None:
                return told
            is_left = (is_left and not is_ended) or any(map(_breaks, block[index + 1 :]))
        return False

    def _around(self, compound: s.Stmt, name: str) -> bool | None:
        """What a compound statement on the way runs after the block that holds the statement.

        Before what follows it: a loop may come to its next turn.
        """
        if _gives_each(compound, name):
            return None  # the next turn has another object
        if isinstance(compound, s.For | s.While):
            # The next turn begins at the top, if there is one: it may tell, but it ends nothing.
            if isinstance(compound, s.While) and blocks.mentions(compound.test, name):
                return True
            return _reads(compound.body, name) or None
        if isinstance(compound, s.Try):
            return _reads(compound.finalbody, name)
        return None

    def place_of_refresh(self, project: Project, name: str) -> s.Stmt:
        """The statement to refresh `name` after: this one, or the loop that it is in.

        After the loop once is enough where the loop itself does not read the object, which must
        have been committed before: it may run no turn at all.
        """
        place = self.statement
        for (block, index), (inner, _) in zip(
            reversed(self.path[:-1]), reversed(self.path), strict=False
        ):
            compound = block[index]
            is_loop = isinstance(compound, s.For | s.While) and inner is compound.body
            before = block[:index]
            if not is_loop or blocks.mentions(compound, name) or not _saved(project, before, name):
                break
            place = compound
        return place


def positions(body: blocks.Block) -> Iterator[Position]:
    """Every statement of `body` and of the blocks below it."""
    yield from _below(body, ())


def statements_before(
    function: Function, end: s.Stmt, *, is_included: bool = False
) -> Iterator[s.Stmt]:
    """The statements of `function` above `end`, and maybe that, too.

    A `with` ends with its block, which is above its end.
    """
    assert isinstance(function.node, s.FunctionDef)  # noqa: S101  the caller has looked
    limit = end.span[2:] if isinstance(end, s.With) else end.span[:2]
    for statement in blocks.statements(function.node.body):
        is_it = statement is end
        if is_included if is_it else statement.span[:2] < limit:
            yield statement


def _below(body: blocks.Block, path: tuple[tuple[blocks.Block, int], ...]) -> Iterator[Position]:
    for index, statement in enumerate(body):
        here = (*path, (body, index))
        yield Position(here)
        for inner in blocks.inner_blocks(statement):
            yield from _below(inner, here)


def _reads(rest: blocks.Block, name: str, until: Callable[[s.Stmt], bool] = _never) -> bool | None:
    """Whether `rest` reads `name` before refreshing or rebinding it; None: neither."""
    for statement in rest:
        if refreshes(statement, name) or until(statement):
            return False
        if _gives_each(statement, name):
            continue  # it may run no turn: the old object may be read below
        if blocks.uses(statement, name):
            return True
        if isinstance(statement, s.Return | s.Raise):
            return False
    return None


def _breaks(statement: s.Stmt) -> bool:
    return isinstance(statement, s.Simple) and statement.keyword == "break"


def _gives_each(statement: s.Stmt, name: str) -> bool:
    """Whether `statement` is `for name in ...:`, which does not read the old `name`."""
    return (
        isinstance(statement, s.For)
        and isinstance(statement.target, s.Name)
        and statement.target.id == name
        and not blocks.mentions(statement.iter, name)
    )


def _saved(project: Project, before: blocks.Block, name: str) -> bool:
    """Whether one of `before` commits the object called `name`, after something was done to it."""
    seen = False
    for statement in before:
        if seen and commits(project, statement, "sync") is not None:
            return True
        seen = seen or blocks.mentions(statement, name)
    return False
