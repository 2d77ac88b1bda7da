"""The page with the 2.x form of every `Query` method: each row is what the tool made of it.

A row cannot promise what the tool does not do, because it is its output.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from migrate_async.config import Settings
from migrate_async.index.extract import extract
from migrate_async.index.project import ModuleInput, build
from migrate_async.knowledge.query_api import MEMBERS, Kind
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from migrate_async.report.pages.markdown import cell
from migrate_async.rewrite.engine import rewrite_text

USES: Mapping[str, tuple[str, ...]] = {
    # --- executed --------------------------------------------------------------------------
    "all": (
        "db.query(User).all()",
        "db.query(User.id, User.name).all()",
        "db.query(User).join(User.posts).all()",
    ),
    "first": (
        "db.query(User).first()",
        "db.query(User).filter(User.id == 1).first()",
        "db.query(User.name).first()",
    ),
    "one": ("db.query(User).filter(User.id == 1).one()",),
    "one_or_none": ("db.query(User).filter_by(name=name).one_or_none()",),
    "scalar": ("db.query(User.name).scalar()", "db.query(func.max(User.id)).scalar()"),
    "get": ("db.query(User).get(1)", "db.query(User).options(joinedload(User.posts)).get(1)"),
    "count": ("db.query(User).filter(User.age > 18).count()",),
    "__iter__": ("list(db.query(User))",),
    "__getitem__": ("db.query(User).order_by(User.id)[10:20]",),
    "update": ('db.query(User).filter(User.age < 0).update({"age": 0})',),
    "delete": ("db.query(User).filter(User.age < 0).delete()",),
    "value": ("db.query(User).value(User.name)",),
    "values": ("db.query(User).values(User.id, User.name)",),
    # --- steps -----------------------------------------------------------------------------
    "filter": ("db.query(User).filter(User.age > 18, User.name != None).all()",),
    "where": ("db.query(User).where(User.age > 18).all()",),
    "filter_by": ("db.query(User).filter_by(name=name).all()",),
    "order_by": ("db.query(User).order_by(User.name.desc()).all()",),
    "group_by": ("db.query(User.age, func.count()).group_by(User.age).all()",),
    "having": ("db.query(User.age).group_by(User.age).having(func.count() > 1).all()",),
    "join": ("db.query(User).join(Post, Post.user_id == User.id).all()",),
    "outerjoin": ("db.query(User.id, Post.id).outerjoin(User.posts).all()",),
    "select_from": ("db.query(Post.id).select_from(User).join(User.posts).all()",),
    "limit": ("db.query(User).limit(10).all()",),
    "offset": ("db.query(User).offset(10).all()",),
    "slice": ("db.query(User).slice(10, 20).all()",),
    "distinct": ("db.query(User.age).distinct().all()",),
    "options": ("db.query(User).options(joinedload(User.posts)).all()",),
    "with_entities": ("db.query(User).with_entities(User.id).all()",),
    "add_columns": ("db.query(User).add_columns(User.name).all()",),
    "add_column": ("db.query(User).add_column(User.name).all()",),
    "add_entity": ("db.query(User).add_entity(Post).all()",),
    "only_return_tuples": ("db.query(User).only_return_tuples(True).all()",),
    "tuples": ("db.query(User).tuples().all()",),
    "with_parent": ("db.query(Post).with_parent(user, User.posts).all()",),
    "with_for_update": ("db.query(User).with_for_update().all()",),
    "populate_existing": ("db.query(User).populate_existing().all()",),
    "autoflush": ("db.query(User).autoflush(False).all()",),
    "yield_per": ("db.query(User).yield_per(100).all()",),
    "execution_options": ("db.query(User).execution_options(timeout=5).all()",),
    "params": ('db.query(User).filter(text("age > :a")).params(a=18).all()',),
    "from_statement": ('db.query(User).from_statement(text("SELECT * FROM users")).all()',),
    "correlate": ("db.query(Post.id).correlate(User).subquery()",),
    "prefix_with": ('db.query(User.id).prefix_with("DISTINCT").all()',),
    "suffix_with": ('db.query(User.id).suffix_with("FOR SHARE").all()',),
    "with_hint": ('db.query(User).with_hint(User, "USE INDEX ix").all()',),
    "with_statement_hint": ('db.query(User).with_statement_hint("NO_INDEX").all()',),
    "with_labels": ("db.query(User).with_labels().subquery()",),
    "apply_labels": ("db.query(User).apply_labels().subquery()",),
    "set_label_style": ("db.query(User).set_label_style(LABEL_STYLE_NONE).subquery()",),
    "ext": ("db.query(User).ext(extension).all()",),
    "union": ("db.query(User).union(db.query(User).filter(User.age > 18)).all()",),
    "union_all": ("db.query(User.id).union_all(db.query(Post.user_id)).all()",),
    "intersect": ("db.query(User.id).intersect(db.query(Post.user_id)).all()",),
    "intersect_all": ("db.query(User.id).intersect_all(db.query(Post.user_id)).all()",),
    "except_": ("db.query(User.id).except_(db.query(Post.user_id)).all()",),
    "except_all": ("db.query(User.id).except_all(db.query(Post.user_id)).all()",),
    # --- made of a query, not executed -----------------------------------------------------
    "subquery": ("db.query(User.id).subquery()",),
    "scalar_subquery": ("db.query(func.max(User.id)).scalar_subquery()",),
    "as_scalar": ("db.query(func.max(User.id)).as_scalar()",),
    "cte": ('db.query(User.id).cte("ids")',),
    "label": ('db.query(func.max(User.id)).label("newest")',),
    "exists": ("db.query(db.query(User).filter(User.age > 18).exists()).scalar()",),
    "statement": ("db.query(User).statement",),
    "selectable": ("db.query(User).selectable",),
    "whereclause": ("db.query(User).filter(User.age > 18).whereclause",),
    "column_descriptions": ("db.query(User).column_descriptions",),
    "get_execution_options": ("db.query(User).get_execution_options()",),
    "get_label_style": ("db.query(User).get_label_style",),
}
"""A use or more of each member that is translated, the frequent ones first."""

_MODULE = """\
from sqlalchemy import LABEL_STYLE_NONE, Column, ForeignKey, Integer, String, func, text
from sqlalchemy.orm import Session, declarative_base, joinedload, relationship

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String, unique=True)
    age = Column(Integer)
    posts = relationship("Post")


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer, ForeignKey("users.id"))


def run(db: Session, name: str, user: User):
    found = {use}
    return found
"""

_HEAD = """\
# Query methods

<!-- Made by `make docs`: the right column is what the tool makes of the left one. -->

What becomes of each method of `Query`, in the step `queries` with `style = "inline"`. The step
`async` adds `await` and parentheses: `(await db.execute(...)).scalars().all()`. Which form is right
depends on more than the method: on the entities, on unique columns, on joins; so some methods stand
here more than once.
"""

_TITLES = {
    Kind.EXECUTE: "Methods that execute",
    Kind.BUILD: "Methods that build",
    Kind.VALUE: "Made of a query",
}


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for kind in _TITLES for line in _table(kind)), *_refused()])


def converted(use: str) -> str:
    """What the step `queries` makes of the expression `use`."""
    text = _MODULE.format(use=use)
    settings = Settings(style="inline")
    path = "main.py"
    project = build([ModuleInput(path, "main", False, extract(text, path))], settings)
    files = make_plan(project, Step.QUERIES, settings).files
    after = rewrite_text(files[0], text) if files else text
    function = ast.parse(after).body[-1]
    assert isinstance(function, ast.FunctionDef)  # noqa: S101 - the module above ends with it
    return "; ".join(ast.unparse(statement) for statement in function.body[:-1])


def _table(kind: Kind) -> Iterator[str]:
    yield f"## {_TITLES[kind]}\n"
    yield "| method | legacy | becomes |"
    yield "| --- | --- | --- |"
    for name, uses in USES.items():
        if MEMBERS[name].kind is kind:
            yield from (_row(name, use) for use in uses)
    yield ""


def _row(name: str, use: str) -> str:
    after = converted(use).removeprefix("found = ")
    legacy = ast.unparse(ast.parse(use))
    shown = "left, and reported" if after == legacy else f"`{after}`"
    return f"| `{name}` | `{cell(legacy)}` | {cell(shown)} |"


def _refused() -> Iterator[str]:
    yield "## Left alone\n"
    yield "A query that uses one of these is left as it is, and reported with this advice.\n"
    yield "| method | why | what to do |"
    yield "| --- | --- | --- |"
    internal = MEMBERS["logger"].reason
    for name, member in MEMBERS.items():
        if member.kind is Kind.REFUSE and member.reason != internal:
            yield f"| `{name}` | {cell(member.reason)} | {cell(member.advice)} |"
    yield ""
