"""Objects in lists and dicts that a commit makes stale.

    for box in boxes:
        box.price = Decimal("1.239")
    db.commit()
    return boxes

A sync session fetched each of them anew when it was read next. Converted code refreshes them in a
loop, where the list is read later and objects of its class have been written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, IterationBinding, last_name
from migrate_async.index.types import ListOf, TypeVariable
from migrate_async.knowledge.coroutines import COLLECTING
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called, method_name
from migrate_async.plan.loads.paths import indented, singular
from migrate_async.plan.names import free_name
from migrate_async.plan.transactions.bound_names import is_bound_after
from migrate_async.plan.transactions.commits import refresh, refreshes
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.lists_of_objects import ListsOfObjects, names_put_in, put_in
from migrate_async.plan.transactions.positions import Position, statements_before
from migrate_async.plan.transactions.values import Values
from migrate_async.plan.transactions.written import writes

_SHALLOW = frozenset({"bool", "len"})


class Refresh(NamedTuple):
    """Lines that fetch objects anew, and the statement to put them after."""

    place: s.Stmt
    code: str


class Listed:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects, values: Values) -> None:
        self._project = project
        self._effects = effects
        self._lists = ListsOfObjects(project, values)

    def refreshes(self, function: Function, position: Position, session: str) -> Iterator[Refresh]:
        """What `function` does after the commit of `session` at `position`."""
        written = self._effects.written_before(function, position.statement)
        for name in function.scope.names:
            if not self._is_read(function, name, position):
                continue
            objects = self._written(function, name, written)
            if objects:
                yield self._loop(function, name, objects, position, session)

    def _written(self, function: Function, name: str, written: Collection[Class]) -> str:
        """What goes over the objects of `name`, if some of them are `written`."""
        found = self._lists.of(function, name)
        if found is None:
            # Whatever they are: a session takes, and a query of one thing gives, objects.
            is_known = self._is_added(function, name) or self._is_queried(function, name)
            return name if is_known and self._lists.is_list(function, name) else ""
        overlap = self._project.overlap
        is_written = any(overlap(one, other) for one in found.classes for other in written)
        return found.code if is_written or self._is_added(function, name) else ""

    def _is_added(self, function: Function, name: str) -> bool:
        """Whether all of `name` are added, at once or in a loop."""
        session_of = self._effects.changes.session_of
        for call in function.nodes(s.Call):
            given = s.dotted_name(call.args[0]) if call.args else ""
            if given == name and session_of(call, ("add_all",)):
                return True
            is_one = given in _turns(function, name) or given in names_put_in(function, name)
            if is_one and session_of(call, ("add",)):
                return True
        return False

    def _is_queried(self, function: Function, name: str) -> bool:
        """Whether it is the list of a query for some class, and a loop over it sets attributes."""
        assert function.node is not None  # noqa: S101  the caller has looked
        types = self._project.infer(s.Name(*function.node.span, name), function.scope)
        items = [kind for item in types if isinstance(item, ListOf) for kind in item.items]
        if not items or not all(isinstance(kind, TypeVariable) for kind in items):
            return False
        turns = _turns(function, name)
        return any(
            node.id in turns
            for loop in function.nodes(s.For)
            for statement in blocks.statements(loop.body)
            for node in writes(statement)
        )

    # --- whether -------------------------------------------------------------------------------

    def _is_read(self, function: Function, name: str, position: Position) -> bool:
        """Whether objects of the list `name` are read after the commit, and not fetched anew."""
        if not is_bound_after(function, name, position) or not position.reads_later(name):
            return False
        later = [
            node
            for node in function.nodes(s.Name)
            if node.id == name and position.is_before(node) and not self._is_shallow(node)
        ]
        return bool(later) and not any(map(self._is_refreshed, later))

    def _is_shallow(self, node: s.Name) -> bool:
        """Whether nothing is asked there but how many objects there are."""
        around = self._project.parent(node)
        if isinstance(around, s.Call):
            return last_name(around.func) in _SHALLOW
        is_test = isinstance(around, s.If | s.While) and around.test is node
        return is_test or (isinstance(around, s.Operation) and around.operator == "not")

    def _is_refreshed(self, node: s.Name) -> bool:
        """Whether it stands in `for box in boxes: db.refresh(box)`."""
        loop = self._project.parent(node)
        return (
            isinstance(loop, s.For)
            and loop.iter is node
            and isinstance(loop.target, s.Name)
            and any(refreshes(part, loop.target.id) for part in loop.body)
        )

    # --- how -----------------------------------------------------------------------------------

    def _loop(
        self, function: Function, name: str, objects: str, position: Position, session: str
    ) -> Refresh:
        place, is_sure = position.statement, True
        for block, index in reversed(position.path[:-1]):
            around = block[index]
            if not isinstance(around, s.For) or self._asks(around.body, name):
                break
            # After the loop once is enough; without a turn nothing has been committed.
            place, is_sure = around, is_sure and blocks.mentions(around.iter, name)
        is_sure = is_sure and self._effects.surely_commits(function, position.statement)
        item = _turn(function, name) or free_name(function, singular(name))
        tests = self._tests(function, name, item, position, session)
        return Refresh(place, each(item, objects, session, *tests, is_sure=is_sure))

    def _asks(self, block: blocks.Block, name: str) -> bool:
        """Whether `block` does more with the list `name` than to put something into it."""
        return any(
            isinstance(node, s.Name) and node.id == name and not self._is_filled(node)
            for statement in block
            for node in s.walk(statement)
        )

    def _is_filled(self, node: s.Name) -> bool:
        """Whether it stands in `boxes.append(box)`."""
        around = self._project.parent(node)
        return isinstance(around, s.Attribute) and around.attr in COLLECTING

    def _tests(
        self, function: Function, name: str, item: str, position: Position, session: str
    ) -> Iterator[str]:
        """What has to be asked of each `item` of the list `name`: whether the session has it."""
        is_simple = len(function.scope.names[name]) == 1 and not any(put_in(function, name))
        has_all = is_simple and position.last(lambda part: self._gives_stored(part, name))
        if self._lists.may_hold_none(function, name):
            yield f"{item} is not None"
        if (
            self._may_lose(function, name, position.statement)
            or not has_all
            or not self._effects.owners.has(function, name, session)
        ):
            yield f"{item} in {session}"

    def _may_lose(self, function: Function, name: str, commit: s.Stmt) -> bool:
        """Whether objects of `name` may have been deleted, or taken out of the session."""
        before = statements_before(function, commit)
        is_own = any(True for statement in before for _ in _taken_out(statement))
        return is_own or self._effects.is_deleted_by_callees(function, name, commit)

    def _gives_stored(self, statement: s.Stmt, name: str) -> bool:
        """Whether the session has all objects of `name` once `statement` has run."""
        call = called(statement, awaited=False)
        if call is not None and self._effects.changes.session_of(call, ("add_all",)):
            return bool(call.args) and s.dotted_name(call.args[0]) == name
        value = statement.value if isinstance(statement, s.Assign) else None
        is_it = isinstance(statement, s.Assign) and s.dotted_name(statement.targets[0]) == name
        return is_it and isinstance(value, s.Call) and self._effects.is_operation(value)


def _taken_out(statement: s.Stmt) -> Iterator[s.Expr]:
    """`x` in `db.delete(x)` and `db.expunge(x)`."""
    call = called(statement, awaited=False)
    if call is not None and method_name(call) in ("delete", "expunge"):
        yield from call.args


def each(item: str, objects: str, session: str, *tests: str, is_sure: bool) -> str:
    """The loop that refreshes each `item` of `objects` of which all `tests` hold."""
    lines = refresh(item, session, *tests, is_sure=is_sure).split("\n")
    return "\n".join([f"for {item} in {objects}:", *indented(lines)])


def _turn(function: Function, name: str) -> str:
    """The variable of a loop over the list `name` that is used for nothing else."""
    for variable, bindings in function.scope.names.items():
        loops = [item.value for item in bindings if isinstance(item, IterationBinding)]
        if len(loops) == len(bindings) and all(s.dotted_name(loop) == name for loop in loops):
            return variable
    return ""


def _turns(function: Function, name: str) -> frozenset[str]:
    """The variables of the loops over `name`."""
    loops = (loop for loop in function.nodes(s.For) if s.dotted_name(loop.iter) == name)
    return frozenset(loop.target.id for loop in loops if isinstance(loop.target, s.Name))
