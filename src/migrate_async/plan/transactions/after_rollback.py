"""Objects that a rollback expires.

A sync session fetches an expired object anew when one of its attributes is read next. Converted
code awaits one of them, which fetches all: after the rollback, or at the beginning of an `except`
that is reached once something in its `try` has rolled back. What the rollback has made transient,
and what it never touched, gives its values as before, without SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.types import Instance, ListOf, Types, held
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called, method_name
from migrate_async.plan.loads.paths import indented
from migrate_async.plan.names import free_name
from migrate_async.plan.text import source
from migrate_async.plan.transactions.bound_names import bound_names, is_bound_before
from migrate_async.plan.transactions.bulk_updates import BulkUpdate
from migrate_async.plan.transactions.commits import commits
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.expired_arguments import ExpiredArguments, attribute_names
from migrate_async.plan.transactions.made_detached import MadeDetached
from migrate_async.plan.transactions.positions import Position, positions
from migrate_async.plan.transactions.rolling_back import RollingBack
from migrate_async.plan.transactions.same_statement import SameStatement
from migrate_async.plan.transactions.values import Values

NAME = "async-colour"
_AWAITABLE = "awaitable_attrs"


@dataclass
class Reloads:
    """`models` need `awaitable_attrs` for the edits."""

    edits: list[p.AnyEdit] = field(default_factory=list)
    models: dict[Class, None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Place:
    """Something may have expired objects before (or, if `after`, in) the statement."""

    position: Position
    after: bool
    only: str = ""
    """The one object that has been expired; empty: all of the session's."""
    fetch: str = ""
    """What fetches the attributes of it that have been; empty: all have."""
    is_whole: bool = True
    """Whether what comes after the block counts, too, in which the place is."""
    update: BulkUpdate | None = None
    """What has expired just some attributes of the objects of a class."""


class Rollbacks:
    """Answers for one project."""

    def __init__(
        self,
        project: Project,
        values: Values,
        effects: Effects,
        rolling: RollingBack,
        same_statement: SameStatement,
    ) -> None:
        self._project = project
        self._values = values
        self._effects = effects
        self._rolling = rolling
        self._arguments = ExpiredArguments(project)
        self._detached = MadeDetached(project)
        self._same_statement = same_statement
        self._models = {model.cls: model for model in project.models.values()}
        self._types: dict[tuple[Function, str], Types] = {}

    def reloads(self, function: Function, gone: frozenset[s.AnyNode]) -> Reloads:
        """What `function` awaits where it reads objects that have been expired."""
        found = Reloads()
        if not isinstance(function.node, s.FunctionDef):
            return found
        done: set[tuple[s.Stmt, str]] = set()
        for place in self._places(function, function.node.body):
            statement = place.position.statement
            for name in function.scope.names:
                if statement in gone or (place.only and name != place.only):
                    continue
                if (statement, name) not in done and self._is_read(place, function, name):
                    done.add((statement, name))
                    self._reload(found, function, place, name)
            for turn, name in self._next_turns(function, place):
                if (turn.position.statement, name) not in done:
                    done.add((turn.position.statement, name))
                    self._reload(found, function, turn, name)
        return found

    def _next_turns(self, function: Function, place: _Place) -> Iterator[tuple[_Place, str]]:
        """The beginnings of the loops around `place`, whose next objects are expired, too."""
        path = place.position.path
        for end, (block, index) in enumerate(path[:-1], start=1):
            loop = block[index]
            if place.only or not isinstance(loop, s.For) or not isinstance(loop.target, s.Name):
                continue
            name = loop.target.id
            is_read = any(blocks.mentions(statement, name) for statement in loop.body)
            if is_read and path[end][0] is loop.body and self._held(function, name):
                first = Position((*path[:end], (loop.body, 0)))
                yield _Place(first, after=False), name

    # --- where ---------------------------------------------------------------------------------

    def _places(self, function: Function, body: blocks.Block) -> Iterator[_Place]:
        for position in positions(body):
            statement = position.statement
            expired = self._rolling.expires(statement)
            if expired is not None:
                yield _Place(position, after=True, only=expired, fetch=_fetch(statement))
            elif self._rolling.goes_on(function, statement):
                yield _Place(position, after=True)
            yield from self._partly_expired(function, position)
            yield from self._in_blocks(function, position)

    def _partly_expired(self, function: Function, position: Position) -> Iterator[_Place]:
        """The places where some objects have been expired, or some of their attributes."""
        for name, attributes in self._arguments.at(position.statement):
            lines = [f"await {name}.awaitable_attrs.{item}" for item in attributes]
            yield _Place(position, after=True, only=name, fetch="\n".join(lines))
        for name, line in self._detached.at(function, position):
            yield _Place(position, after=True, only=name, fetch=line)
        for update in self._updates(function, position.statement):
            yield _Place(position, after=True, update=update)

    def _in_blocks(self, function: Function, position: Position) -> Iterator[_Place]:
        """The places in and after a compound statement that may roll back before its blocks."""
        statement = position.statement
        if isinstance(statement, s.If | s.While):
            if self._rolling.goes_on_from_condition(function, statement):
                for first in _beginnings(position):
                    yield _Place(first, after=False, is_whole=False)
                yield _Place(position, after=True)
        elif isinstance(statement, s.Try) and self._rolling.may_roll_back(function, statement):
            for handler in statement.handlers:
                if handler.body:
                    yield _Place(Position((*position.path, (handler.body, 0))), after=False)

    def _updates(self, function: Function, statement: s.Stmt) -> list[BulkUpdate]:
        """The UPDATE statements that expire attributes of objects which are there after it."""
        if blocks.is_compound(statement) or isinstance(statement, s.Return | s.Raise):
            return []
        updates = self._effects.updates
        targets = self._effects.targets(function, statement)
        found = updates.at(statement).union(*map(updates.of, targets))
        if not any(update.expired for update in found) or self._rolling.expires(statement) == "":
            return []
        order = sorted(found, key=lambda update: (update.model.order, update.expired))
        return [update for update in order if update.expired]

    def _is_given(self, place: _Place, function: Function, name: str) -> bool:
        """Whether the statement itself gives `name` what has been expired."""
        if place.only:
            return name in bound_names(place.position.statement)
        return place.after and self._is_given_expired(function, name, place.position)

    def _is_given_expired(self, function: Function, name: str, position: Position) -> bool:
        """Whether the statement gives `name` what a function returns that rolls back finally."""
        statement = position.statement
        return name in bound_names(statement) and any(
            map(self._rolling.rolls_back_finally, self._effects.targets(function, statement))
        )

    # --- what ----------------------------------------------------------------------------------

    def _is_read(self, place: _Place, function: Function, name: str) -> bool:
        """Whether `name` holds objects there which are read from then on."""
        position = place.position
        models = self._held(function, name)
        is_bound = bool(models) and is_bound_before(function, name, position)
        if place.update is not None:
            is_one = is_bound and self._is_updated(place.update, models)
            return is_one and position.reads_later(name, self._expires_all)
        is_bound = is_bound or (bool(models) and _is_tried(name, position))
        if not is_bound and not (models and self._is_given(place, function, name)):
            return False
        if place.after and self._is_put(function, name, position):
            return True
        return position.reads_later(name) if place.after else self._is_read_below(place, name)

    def _is_put(self, function: Function, name: str, position: Position) -> bool:
        """Whether the statement itself puts the expired object into what is read later."""
        return any(
            statement is position.statement and node.id == name
            for statement, node in self._same_statement.wholes(function)
        )

    def _is_read_below(self, place: _Place, name: str) -> bool:
        """Whether `name` is read from the statement at `place` on."""
        for statement in place.position.path[-1][0]:
            if self._rolling.expires(statement) == "":
                return False  # a place of its own
            if blocks.mentions(statement, name):
                return True
        return place.is_whole and place.position.reads_later(name)

    def _is_updated(self, update: BulkUpdate, models: list[Model]) -> bool:
        return any(self._project.overlap(model.cls, update.model) for model in models)

    def _expires_all(self, statement: s.Stmt) -> bool:
        """Whether `statement` commits or rolls back: objects are then seen to at another place."""
        return self._rolling.expires(statement) == "" or bool(
            commits(self._project, statement, "sync")
        )

    def _held(self, function: Function, name: str) -> list[Model]:
        if self._may_be_anything(function, name):
            return []
        return [self._models[cls] for cls in held(self._types_of(function, name), self._models)]

    def _may_be_anything(self, function: Function, name: str) -> bool:
        """Whether `name` holds what one of several functions gave, of which one gives no objects.

        A decorator's wrapper has the answers of all routes that it is on.
        """
        values = {
            value.value if isinstance(value, s.Await) else value
            for binding in function.scope.names.get(name, ())
            for value in [getattr(binding, "value", None)]
        }
        return any(
            not held(self._project.returns(target), self._models)
            for site in self._project.calls(function)
            if site.node in values and len(site.targets) > 1
            for target in site.targets
        )

    def _types_of(self, function: Function, name: str) -> Types:
        if (function, name) not in self._types:
            assert function.node is not None  # noqa: S101  the caller has looked
            node = s.Name(*function.node.span, name)
            self._types[function, name] = self._project.infer(node, function.scope)
        return self._types[function, name]

    def _is_many(self, function: Function, name: str) -> bool:
        return any(isinstance(item, ListOf) for item in self._types_of(function, name))

    def _is_mixed(self, function: Function, name: str) -> bool:
        """Whether the list `name` also holds something else than objects of models."""
        lists = [item for item in self._types_of(function, name) if isinstance(item, ListOf)]
        return any(
            not isinstance(item, Instance) or item.cls not in self._models
            for found in lists
            for item in found.items
        )

    def _reload(self, found: Reloads, function: Function, place: _Place, name: str) -> None:
        model = self._held(function, name)[0]
        key = next(iter((*model.primary_key, *model.columns)), None)
        if place.update is not None:
            key = place.update.expired
        if key is None:
            return
        statement = place.position.statement
        if not place.fetch and _is_loaded(place, name, key):
            return
        node = s.Name(*statement.span, name)
        if self._is_many(function, name):
            if not self._values.is_list(node, function.scope):
                return
            item = free_name(function, model.cls.name.lower())
            inner = [f"await {item}.awaitable_attrs.{key}"]
            if self._is_mixed(function, name):
                inner = [f'if hasattr({item}, "awaitable_attrs"):', *indented(inner)]
            code = "\n".join([f"for {item} in {name}:", *indented(inner)])
        else:
            code = place.fetch or f"await {name}.awaitable_attrs.{key}"
            if self._values.may_be_none(node, function.scope, statement):
                lines = "\n".join(indented(code.split("\n")))
                code = f"if {name} is not None:\n{lines}"
        found.models[model.cls] = None
        found.edits.append(
            p.InsertStatements(span=statement.span, codemod=NAME, code=code, after=place.after)
        )


def _is_loaded(place: _Place, name: str, key: str) -> bool:
    """Whether an earlier run has written at `place` what loads `name`, or each of its objects."""
    block, index = place.position.path[-1]
    for statement in block[index + 1 if place.after else index :]:
        loaded = {
            node.attr
            for node in s.walk(statement)
            if isinstance(node, s.Attribute)
            and isinstance(node.value, s.Attribute)
            and node.value.attr == _AWAITABLE
        }
        if not loaded or not isinstance(statement, s.ExpressionStatement | s.For | s.If):
            return False
        if key in loaded and blocks.mentions(statement, name):
            return True
    return False


def _fetch(statement: s.Stmt) -> str:
    """What fetches the attributes that `db.expire(x, ["name"])` says; empty if it says none."""
    call = called(statement, awaited=False)
    if call is None or not isinstance(call.func, s.Attribute) or not call.args:
        return ""
    attributes = attribute_names(call)
    if attributes is None or method_name(call) != "expire":
        return ""
    try:
        return (
            f"await {source(call.func.value)}.refresh({source(call.args[0])}, {source(attributes)})"
        )
    except ValueError:
        return ""


def _beginnings(position: Position) -> Iterator[Position]:
    """The first statements of the blocks that follow a condition, also of its `elif`."""
    statement = position.statement
    for block in blocks.inner_blocks(statement):
        first = Position((*position.path, (block, 0)))
        if block and blocks.is_elif(block[0], statement):
            yield from _beginnings(first)
        elif block:
            yield first


def _is_tried(name: str, position: Position) -> bool:
    """Whether the `try` of the handler at `position` binds `name`, which the handler surely reads.

    What the `try` had not bound by then, the legacy code could not read there, either.
    """
    for (around, at), (block, index) in zip(position.path, position.path[1:], strict=False):
        tried = around[at]
        if isinstance(tried, s.Try) and any(block is h.body for h in tried.handlers):
            is_bound = any(name in bound_names(statement) for statement in tried.body)
            rest = (statement for statement in block[index:] if not _has_blocks(statement))
            if is_bound and any(blocks.mentions(statement, name) for statement in rest):
                return True
    return False


def _has_blocks(statement: s.Stmt) -> bool:
    return any(True for _ in blocks.inner_blocks(statement))
