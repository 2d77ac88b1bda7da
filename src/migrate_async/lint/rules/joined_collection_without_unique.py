"""`joinedload(User.posts)` without `.unique()`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project, Relationship
from migrate_async.index.scopes import Function, bindings_of, last_name
from migrate_async.index.sites import CallSite
from migrate_async.index.types import ClassObject, SelectOf
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding
from migrate_async.plan.hazards.hits import short
from migrate_async.plan.loads.origins import Origins, chain

_EXECUTES = frozenset({"execute", "exec", "scalars"})
_JOINS = frozenset({"joinedload", "joinedload_all"})
_RAISING = frozenset({"all", "one", "one_or_none", "scalar_one", "scalar_one_or_none", "fetchall"})
_RAISING |= {"fetchone", "fetchmany"}

_HEAD = """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from app.models import Post, Team, User


"""
_MODELS = """\
# file: app/models.py
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list["Post"]] = relationship(back_populates="user")


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    user: Mapped[User] = relationship(back_populates="posts")


class Team(Base):
    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(primary_key=True)
    members: Mapped[list["Member"]] = relationship(lazy="joined")


class Member(Base):
    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
"""


class JoinedCollectionWithoutUnique(Rule):
    """A collection is loaded with a join, and the result is not made unique.

    ## Why

    The join repeats the parent for each row of the collection. `Query` removed the repetitions
    silently; `select()` asks for `.unique()` and raises `InvalidRequestError: The unique() method
    must be invoked on this Result`.

    ## Fix

    Call `.unique()` on the result before fetching from it, or load the collection with
    `selectinload`, which needs no join.

    ## False alarms

    A statement that is put together elsewhere is not followed, so that alarms are missed rather
    than raised. `Result.first()` and `Session.scalar()` need no `unique()`.
    """

    CODE = "MA709"
    CONSEQUENCE = "the query fails with InvalidRequestError each time it finds a row"
    REMEDY = "call `.unique()` on the result, or use `selectinload`"
    EXAMPLES = (
        Example(
            "a loader option, and a mapping",
            _HEAD
            + """\
async def users(db: AsyncSession):
    statement = select(User).options(joinedload(User.posts))
    result = await db.execute(statement)
    return result.scalars().all()  # error


async def one(db: AsyncSession):
    return (await db.scalars(select(Team).where(Team.id == 1))).one()  # error


async def right(db: AsyncSession):
    users = await db.scalars(select(User).options(joinedload(User.posts)))
    posts = (await db.scalars(select(Post).options(joinedload(Post.user)))).all()
    return users.unique().all(), posts
"""
            + _MODELS,
        ),
        Example(
            "a many-to-one join repeats nothing, and selectinload joins nothing",
            _HEAD
            + """\
async def posts(db: AsyncSession):
    statement = select(Post).options(joinedload(Post.user).selectinload(User.posts))
    return (await db.scalars(statement)).all()
"""
            + _MODELS,
        ),
        Example(
            "first() needs no unique()",
            _HEAD
            + """\
async def user(db: AsyncSession):
    return (await db.scalars(select(User).options(joinedload(User.posts)))).first()
"""
            + _MODELS,
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for site in view.project.calls(function):
                operation = site.operation
                if operation is None or operation.name not in _EXECUTES:
                    continue
                relationship = self._joined(view, site)
                if relationship is None:
                    continue
                for fetch in _fetches(view.project, site, function):
                    yield self.finding(
                        fetch,
                        function,
                        f"`{short(fetch)}` without `.unique()`: the statement joins the collection "
                        f"`{relationship.name}`",
                        related=(place(site.node, function, "the statement is executed here"),),
                    )

    def _joined(self, view: View, site: CallSite) -> Relationship | None:
        """A collection that the executed statement joins."""
        assert isinstance(site.node, s.Call)  # noqa: S101  operations are calls
        if not site.node.args:
            return None
        statement = site.node.args[0]
        options = view.analysis(Origins).options(statement, site.scope)
        if options is None:
            return None
        for option in options:
            for call in chain(option):
                if last_name(call) in _JOINS and call.args:
                    found = _relationship(view.project, call.args[0], site)
                    if found is not None and found.uselist:
                        return found
        return None if options else _mapped_joined(view.project, statement, site)


def _relationship(project: Project, attribute: s.Expr, site: CallSite) -> Relationship | None:
    """The relationship that `User.posts` names."""
    if not isinstance(attribute, s.Attribute):
        return None
    for item in project.infer(attribute.value, site.scope):
        if isinstance(item, ClassObject):
            model = project.models.get(item.cls.qualname)
            found = model.relationships.get(attribute.attr) if model is not None else None
            if found is not None:
                return found
    return None


def _mapped_joined(project: Project, statement: s.Expr, site: CallSite) -> Relationship | None:
    """A collection of the only entity that is mapped with `lazy="joined"`."""
    for item in project.infer(statement, site.scope):
        if not isinstance(item, SelectOf) or len(item.entities) != 1:
            continue
        cls = item.entities[0].model if item.entities[0].kind == "class" else None
        model = project.models.get(cls.qualname) if cls is not None else None
        for relationship in model.relationships.values() if model is not None else ():
            if relationship.lazy == "joined" and relationship.uselist:
                return relationship
    return None


def _fetches(project: Project, site: CallSite, function: Function) -> Iterator[s.Call]:
    """The calls that fetch objects of the result of `site`, not made unique."""
    node = _around_await(project, site.node)
    parent = project.parent(node)
    if isinstance(parent, s.Attribute):
        yield from _in_chain(project, parent)
    elif isinstance(parent, s.Assign) and len(parent.targets) == 1:
        target = parent.targets[0]
        if isinstance(target, s.Name) and len(bindings_of(target.id, site.scope)) == 1:
            yield from _of_local(project, target, function)


def _of_local(project: Project, target: s.Name, function: Function) -> Iterator[s.Call]:
    if function.node is None:
        return
    uses = [
        part
        for part in s.walk(function.node)
        if isinstance(part, s.Name) and part.id == target.id and part is not target
    ]
    parents = [project.parent(use) for use in uses]
    if any(isinstance(p, s.Attribute) and p.attr == "unique" for p in parents):
        return
    for parent in parents:
        if isinstance(parent, s.Attribute):
            yield from _in_chain(project, parent)


def _in_chain(project: Project, attribute: s.Attribute) -> Iterator[s.Call]:
    """`.scalars().all()`, unless `.unique()` stands in between."""
    while True:
        call = project.parent(attribute)
        if not isinstance(call, s.Call) or attribute.attr == "unique":
            return
        if attribute.attr in _RAISING:
            yield call
            return
        following = project.parent(_around_await(project, call))
        if isinstance(following, s.For | s.Generator) and following.iter is call:
            yield call
        if attribute.attr != "scalars" or not isinstance(following, s.Attribute):
            return
        attribute = following


def _around_await(project: Project, node: s.Expr) -> s.Expr:
    parent = project.parent(node)
    return parent if isinstance(parent, s.Await) else node
