"""A translation in the making: the new chain of one piece, and what it needs around it."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrate_async.index.sessions import gives_object_session, is_session_of_state
from migrate_async.knowledge import query_refusals as why
from migrate_async.knowledge.query_refusals import Refusal
from migrate_async.knowledge.sqlalchemy import (
    ASYNC_OBJECT_SESSION,
    ASYNC_SESSION_OF_STATE,
    OBJECT_SESSION,
)
from migrate_async.model import syntax as s
from migrate_async.model.plan import ImportChange, Link
from migrate_async.plan.queries.chains import Piece, Step
from migrate_async.plan.queries.ledger import Refused, refused
from migrate_async.plan.queries.names import Imports, is_visible
from migrate_async.plan.queries.project import ProjectView
from migrate_async.plan.queries.state import Item, QueryState, SessionRef
from migrate_async.plan.text import text

STATEMENT = "{stmt}"


class Left(Exception):
    """The piece cannot be translated."""

    def __init__(self, problem: Refused) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True)
class Setting:
    """What the translation of a piece may ask: the project, names, and what is wanted."""

    project: ProjectView
    imports: Imports
    awaited: bool
    target: str
    """The SQLAlchemy line to write for, `2.0` or `2.1`."""
    loads: tuple[str, ...] = ()
    """Loader options to add."""


@dataclass
class Draft:
    """`statement` is the text of the statement where more than links is needed (`{stmt}`: they)."""

    piece: Piece
    setting: Setting
    root: str = ""
    """The new head; empty where it is `select(...)`, or the original one."""
    links: list[Link] = field(default_factory=list)
    statement: str = STATEMENT
    call: str = ""
    tail: str = ""
    page_session: str = ""
    """The session that the call which makes a page of the query has to be given."""
    builds: bool = True
    """Whether there is a statement at all: `get()` has none."""
    runs: bool = False
    """Whether `call` talks to the database, so that it may have to be awaited."""
    loop_is_async: bool = False
    imports: set[ImportChange] = field(default_factory=set)
    notes: list[Refused] = field(default_factory=list)
    new_session: SessionRef | None = None
    """The parameter that the function needs for it."""

    # --- names ---------------------------------------------------------------------------------

    def name(self, dotted: str) -> str:
        """The text for something of SQLAlchemy, which is imported if it is not yet."""
        written, changes = self.setting.imports.name(dotted)
        self.imports.update(changes)
        return written

    def session(self, state: QueryState, step: s.Expr) -> str:
        """The text for the session that the piece runs on."""
        if self.piece.session is not None:
            return self._own_session(self.piece.session)
        ref = state.session
        if ref is None or not is_visible(ref.text, ref.function, self.piece.function):
            raise self.left(why.NO_SESSION, step)
        if ref.new_for:
            self.new_session = ref
        if ref.is_owner:
            asked = ASYNC_OBJECT_SESSION if self.setting.awaited else OBJECT_SESSION
            return f"{self.name(asked)}({ref.text})"
        return ref.text

    def _own_session(self, session: s.Expr) -> str:
        """A coroutine asks an object for its async session."""
        if not self.setting.awaited:
            return text(session)
        if isinstance(session, s.Attribute):
            return self._session_of_state(session)
        if not isinstance(session, s.Call):
            return text(session)
        if not gives_object_session(self.setting.project.infer(session.func)):
            return text(session)
        arguments = text(session).removeprefix(text(session.func))
        return f"{self.name(ASYNC_OBJECT_SESSION)}{arguments}"

    def _session_of_state(self, session: s.Attribute) -> str:
        if not is_session_of_state(session, self.setting.project.infer(session.value)):
            return text(session)
        return f"{text(session.value)}.{ASYNC_SESSION_OF_STATE}"

    def entity(self, item: Item, member: str, step: s.Expr) -> str:
        """The text for an entity."""
        if self.piece.head is not None and self.piece.head.args[:1] == (item.expr,):
            return "{-1:0}"
        if item.function is self.piece.function:
            return text(item.expr)
        name = self.class_name(item)
        if not name:
            raise self.left(why.UNNAMED_ENTITY, step, member=member)
        return name

    def class_name(self, item: Item) -> str:
        """What the module calls the class of `item`; empty if it has no name for it."""
        if item.kind != "class" or item.model is None:
            return ""
        return self.setting.project.name_of(item.model, self.piece.function)

    # --- problems ------------------------------------------------------------------------------

    def left(self, refusal: Refusal, node: s.Node, **values: str) -> Left:
        """The exception that leaves the piece as it is."""
        return Left(refused(refusal, self.piece.function, node, **values))

    def note(self, refusal: Refusal, node: s.Node, **values: str) -> None:
        """Say something about a piece that is translated all the same."""
        self.notes.append(refused(refusal, self.piece.function, node, **values))

    # --- links ---------------------------------------------------------------------------------

    def keep(self, number: int, name: str, args: str | None = None) -> None:
        """Keep step `number` as the method `name`, with other arguments if given."""
        if self.statement != STATEMENT:
            self.drop(number)
            inner = _renumbered(args, number) if args is not None else f"{{{number}:*}}"
            self.statement += f".{name}({inner})"
        elif isinstance(self.piece.steps[number].node, s.Call):
            self.links.append(Link(name, number, args))
        else:
            self.drop(number)
            self.links.append(Link(name, -1, args or ""))

    def drop(self, number: int) -> None:
        self.links.append(Link("", number))

    def add(self, name: str, args: str) -> None:
        """A method call that the original has not."""
        if self.statement != STATEMENT:
            self.statement += f".{name}({args})"
        else:
            self.links.append(Link(name, -1, args))

    def step(self, number: int) -> Step:
        return self.piece.steps[number]


def _renumbered(args: str, number: int) -> str:
    """`args` with `{0}` as `{number:0}`."""
    return args.replace("{", f"{{{number}:") if ":" not in args else args
