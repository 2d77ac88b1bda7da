"""Relationships named by strings, in joins and loader options."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function, RawCall, Scope, last_name
from migrate_async.knowledge.legacy_api import STRING_LOADERS
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding, Fix
from migrate_async.model.plan import ReplaceExpression

_JOINS = frozenset(
    f"sqlalchemy.{owner}.{name}"
    for owner, names in (("orm.Query", ("join", "outerjoin")), ("Select", ("join", "outerjoin")))
    for name in names
)
_LOADER_NAMES = frozenset(name.rpartition(".")[2] for name in STRING_LOADERS)


class StringRelationship(Rule):
    """A join or a loader option names a relationship or column by a string.

    ## Why

    Strings are not accepted since SQLAlchemy 2.0: `join()` raises, and so does a loader option.
    Before, a misspelt name raised when the query ran; nobody finds the uses of a relationship.

    ## Fix

    Name the attribute: `join(User.items)`, `joinedload(User.items)`. That is what the fix writes
    where the query is about one model that has the attribute.

    ## False alarms

    None known. The wildcard `"*"` is still accepted and left alone.
    """

    CODE = "MA806"
    CONSEQUENCE = "the query raises ArgumentError on SQLAlchemy 2.0"
    REMEDY = "name the attribute of the class: `joinedload(Model.items)`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a join and a loader option",
            """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload
from sqlalchemy.orm import mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list["Item"]] = relationship("Item")


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


def users(db: Session):
    query = db.query(User).join("items")  # error
    return db.query(User).options(joinedload("items")).all()  # error
""",
            """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload
from sqlalchemy.orm import mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list["Item"]] = relationship("Item")


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


def users(db: Session):
    query = db.query(User).join(User.items)
    return db.query(User).options(joinedload(User.items)).all()
""",
        ),
        Example(
            "options on a class of another package, also chained",
            """\
from sqlalchemy.orm import Load, joinedload, load_only

from models import User

options = [
    joinedload(User.items).joinedload("tags"),  # error
    Load(User).selectinload("items"),  # error
    load_only("name"),  # error
]
""",
        ),
        Example(
            "attributes of classes, and the wildcard",
            """\
from sqlalchemy import select
from sqlalchemy.orm import joinedload, raiseload

from models import User

query = select(User).join(User.items).options(joinedload(User.items), raiseload("*"))
""",
        ),
        Example(
            "a string's own join",
            """\
def line(names: list[str]) -> str:
    return ", ".join(names) + "".join("items")
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, _JOINS):
            target = use.node.args[0] if use.node.args else None
            func = use.node.func
            if (
                target is None
                or not patterns.is_string(target)
                or not isinstance(func, s.Attribute)
            ):
                continue
            fix = _fix(view, [target], func.value, use.call.scope)
            yield self._finding(use.node, use.function, [target], fix)
        for function in view.functions:
            for call in function.calls:
                names = [arg for arg in call.node.args if _is_name(arg)]
                if names and _is_loader(view, call):
                    fix = _option_fix(view, names, call)
                    yield self._finding(call.node, function, names, fix)

    def _finding(
        self, node: s.Call, function: Function, names: list[s.Expr], fix: Fix | None
    ) -> Finding:
        shown = ", ".join(f'"{name.value}"' for name in names if isinstance(name, s.Constant))
        message = f"`{last_name(node.func)}({shown})` names an attribute by a string"
        return self.finding(names[0], function, message, fix=fix)


def _is_name(arg: s.Expr) -> bool:
    return isinstance(arg, s.Constant) and arg.kind == "str" and arg.value != "*"


def _is_loader(view: View, call: RawCall) -> bool:
    """Whether `call` is a loader option, or one more step of an option."""
    if call.name not in _LOADER_NAMES:
        return False
    root = patterns.chain_root(call.node)
    if root is None:
        return False
    found = patterns.names(view, root.func, call.scope)
    return bool(found & (STRING_LOADERS | {"sqlalchemy.orm.Load"}))


def _option_fix(view: View, names: list[s.Expr], call: RawCall) -> Fix | None:
    """A fix for an option that stands in `query.options(...)`."""
    parent = view.project.parent(call.node)
    if patterns.chain_root(call.node) is not call.node or not isinstance(parent, s.Call):
        return None
    func = parent.func
    if not isinstance(func, s.Attribute) or func.attr != "options":
        return None
    return _fix(view, names, func.value, call.scope)


def _fix(view: View, names: list[s.Expr], query: s.Expr, scope: Scope) -> Fix | None:
    lead = patterns.lead_entity(view, query, scope)
    texts = [str(name.value) for name in names if isinstance(name, s.Constant)]
    if lead is None or len(texts) != len(names):
        return None
    written, model = lead
    if not all(text in model.relationships or text in model.columns for text in texts):
        return None
    edits = [
        ReplaceExpression(span=name.span, codemod=patterns.CODEMOD, code=f"{written}.{text}")
        for name, text in zip(names, texts, strict=True)
    ]
    return patterns.safe("name the attribute of the class", *edits)
