"""Objects that a function writes through what hangs on others, and that a commit makes stale.

    box.owner.name = name
    for part in box.parts:
        part.price = price
    db.commit()

No variable holds them. Converted code refreshes them by the same path, which is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import ListOf
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called, method_name
from migrate_async.plan.loads.paths import indented
from migrate_async.plan.names import free_name
from migrate_async.plan.text import source_if_simple
from migrate_async.plan.transactions.commits import refresh
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.listed import each
from migrate_async.plan.transactions.lists_of_objects import ListsOfObjects
from migrate_async.plan.transactions.positions import Position
from migrate_async.plan.transactions.values import Values
from migrate_async.plan.transactions.written import writes

_EXPIRING = frozenset({"expire", "expire_all", "refresh", "rollback"})


class WrittenAttributes:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects, values: Values) -> None:
        self._project = project
        self._effects = effects
        self._lists = ListsOfObjects(project, values)

    def refreshes(self, function: Function, position: Position, session: str) -> Iterator[str]:
        """What `function` does after the commit of `session` at `position`.

        For what has surely run since the last commit: nothing has expired the path since.
        """
        is_sure = self._effects.surely_commits(function, position.statement)
        for statement in self._surely_run(function, position):
            if isinstance(statement, s.For):
                for loops in self._writing(statement):
                    if not self._runs_again(function, loops):
                        continue
                    if _reads_later(position, source_if_simple(loops[0].iter)):
                        yield _again(function, loops, session, is_sure=is_sure)
                continue
            for path in self._written_by(function, statement):
                if _reads_later(position, path):
                    yield refresh(path, session, f"{path} in {session}", is_sure=is_sure)

    def _runs_again(self, function: Function, loops: tuple[s.For, ...]) -> bool:
        """Whether the same loops can be written once more."""
        first = loops[0].iter
        is_list = not isinstance(first, s.Name) or self._lists.is_list(function, first.id)
        return is_list and all(_has_own_name(function, loop) for loop in loops[:-1])

    def _surely_run(self, function: Function, position: Position) -> Iterator[s.Stmt]:
        """The statements above the commit since the last one, in this block or around it."""
        above = [found for block, index in position.path for found in block[:index]]
        if isinstance(position.statement, s.With):  # it commits at the end of its block
            above += position.statement.body
        since = 0
        for number, statement in enumerate(above, start=1):
            parts = (statement, *_inside(statement))
            if any(self._expires(function, part) for part in parts):
                since = number
        yield from above[since:]

    def _expires(self, function: Function, statement: s.Stmt) -> bool:
        """Whether `statement` may let relationships be loaded again."""
        call = called(statement, awaited=False) or called(statement, awaited=True)
        is_expiring = call is not None and method_name(call) in _EXPIRING
        return is_expiring or self._effects.commits_at(function, statement)

    def _written_by(self, function: Function, statement: s.Stmt) -> Iterator[str]:
        """`box.owner` in `box.owner.name = name`, if that is an object of a model."""
        for target in blocks.targets(statement):
            owner = target.value if isinstance(target, s.Attribute) else None
            if owner is None:
                continue
            types = self._project.infer(owner, self._project.scope_of(owner))
            # A relationship that says nothing of it may be many, too; those have no columns.
            one = [item for item in types if not isinstance(item, ListOf)]
            if (
                one
                and all(map(self._lists.is_object, one))
                and not self._is_in_list(function, owner)
            ):
                yield _path(owner)

    def _is_in_list(self, function: Function, owner: s.Expr) -> bool:
        """Whether it is `boxes[0]`: a loop refreshes all of them."""
        name = s.dotted_name(owner.value) if isinstance(owner, s.Subscript) else ""
        return name in function.scope.names and self._lists.of(function, name) is not None

    def _writing(self, loop: s.For) -> Iterator[tuple[s.For, ...]]:
        """`for part in box.parts: part.price = price`, also inside of `for box in boxes:`.

        Those around it come first.
        """
        if not isinstance(loop.target, s.Name):
            return
        types = self._project.infer(loop.iter, self._project.scope_of(loop.iter))
        many = frozenset(item for item in types if isinstance(item, ListOf))
        if not self._lists.classes(many):
            return
        name = loop.target.id
        is_written = any(node.id == name for part in _inside(loop) for node in writes(part))
        if is_written and _path(loop.iter):
            yield (loop,)
        if not _path(loop.iter) and not isinstance(loop.iter, s.Name):
            return
        for inner in loop.body:
            if isinstance(inner, s.For) and _root(inner.iter) == name:
                yield from ((loop, *loops) for loops in self._writing(inner))


def _again(function: Function, loops: tuple[s.For, ...], session: str, *, is_sure: bool) -> str:
    """The same loops around a refresh of what the innermost gives."""
    *around, last = loops
    item = _item(function, last)
    code = each(item, source_if_simple(last.iter), session, f"{item} in {session}", is_sure=is_sure)
    for loop in reversed(around):
        head = f"for {s.dotted_name(loop.target)} in {source_if_simple(loop.iter)}:"
        code = "\n".join([head, *indented(code.split("\n"))])
    return code


def _reads_later(position: Position, path: str) -> bool:
    root = path.partition(".")[0].partition("[")[0]
    return bool(path) and position.reads_later(root)


def _root(expr: s.Expr) -> str:
    """The name that a path begins with."""
    return s.dotted_name(expr).partition(".")[0] if _path(expr) else ""


def _item(function: Function, loop: s.For) -> str:
    """The variable of `loop`, if that is used for nothing else."""
    assert isinstance(loop.target, s.Name)  # noqa: S101  the caller has looked
    name = loop.target.id
    return name if _has_own_name(function, loop) else free_name(function, name)


def _has_own_name(function: Function, loop: s.For) -> bool:
    return len(function.scope.names.get(s.dotted_name(loop.target), ())) == 1


def _path(expr: s.Expr) -> str:
    """`box.owner` and `boxes[0]`: the text of an expression that runs nothing; else empty."""
    current, is_path = expr, False
    while isinstance(current, s.Attribute | s.Subscript):
        if isinstance(current, s.Subscript) and not isinstance(current.index, s.Constant):
            return ""
        current, is_path = current.value, True
    return source_if_simple(expr) if is_path and isinstance(current, s.Name) else ""


def _inside(statement: s.Stmt) -> Iterator[s.Stmt]:
    for block in blocks.inner_blocks(statement):
        yield from blocks.statements(block)
