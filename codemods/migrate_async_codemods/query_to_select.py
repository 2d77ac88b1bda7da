"""Legacy `Query` chains as 2.0-style statements."""

from __future__ import annotations

from migrate_async.model.plan import Step
from migrate_async.rewrite.codemod import Example, PlannedCodemod

_MODELS = """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    items: Mapped[list["Item"]] = relationship()


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
"""


def _after(*names: str) -> str:
    """The models with further names imported from `sqlalchemy`."""
    imported = ", ".join(["ForeignKey", *sorted(names)])
    return _MODELS.replace("import ForeignKey", f"import {imported}", 1)


class QueryToSelect(PlannedCodemod):
    """Turn legacy `session.query(...)` chains into `select()`, `update()` and `delete()`.

    ## Why

    `AsyncSession` has no `query()`. A statement is the same for both kinds of session, so this
    step can be shipped, and tested, while everything is still sync.

    ## What it does

    Chains are followed over statements, branches, loops, helpers that return or take a query, and
    names that are run more than once. What `Query` does behind the scenes stays: `first()` keeps
    its LIMIT unless the criteria pin a unique key, results are made unique where rows can repeat,
    `count()` counts the rows of the same subquery, `get()` asks the identity map first.

    ## Left alone

    What has no faithful counterpart (MA101 to MA127), together with everything that is part of the
    same query: unions that are filtered afterwards, queries kept in attributes or handed to
    unknown code, subclasses of `Query`, criteria after `limit()`.

    ## Safety

    Every translation is run, before and after, by the tests of this codemod: same results, and
    the same SQL wherever it can be.
    """

    NAME = "query-to-select"
    CODE = "MA100"
    STEP = Step.QUERIES
    EXAMPLES = (
        Example(
            "objects come as scalars",
            before=_MODELS
            + """

def get_items(db: Session):
    items = db.query(Item).all()
    return items
""",
            after=_after("select")
            + """

def get_items(db: Session):
    items = db.execute(select(Item)).scalars().all()
    return items
""",
        ),
        Example(
            "the primary key names one row",
            before=_MODELS
            + """

def get_user(db: Session):
    user = db.query(User).filter(User.id == 1).first()
    return user
""",
            after=_after("select")
            + """

def get_user(db: Session):
    user = db.execute(select(User).where(User.id == 1)).scalar_one_or_none()
    return user
""",
        ),
        Example(
            "joined rows are made unique, as `Query` does; columns are not",
            before=_MODELS
            + """

def owners(db: Session, name: str):
    query = db.query(User).join(User.items)
    if name:
        query = query.filter(User.name == name)  # exact
    total = query.count()
    ids = query.with_entities(User.id).all()
    return total, ids, query.all()
""",
            after=_after("func", "select")
            + """

def owners(db: Session, name: str):
    query = select(User).join(User.items)
    if name:
        query = query.where(User.name == name)  # exact
    total = db.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    ids = db.execute(query.with_only_columns(User.id)).all()
    return total, ids, db.execute(query).scalars().unique().all()
""",
        ),
        Example(
            "bulk statements give their row count where it is used",
            before=_MODELS
            + """

def clean(db: Session) -> int:
    db.query(Item).filter(Item.id < 9).update({"owner_id": 1}, synchronize_session=False)
    return db.query(Item).filter_by(owner_id=2).delete()
""",
            after=_after("delete", "update")
            + """

def clean(db: Session) -> int:
    db.execute(
        update(Item)
        .where(Item.id < 9)
        .values({"owner_id": 1})
        .execution_options(synchronize_session=False)
    )
    return db.execute(delete(Item).filter_by(owner_id=2)).rowcount
""",
        ),
        Example(
            "a condition after a limit would move into the limited statement",
            before=_MODELS
            + """

def first_named(db: Session):
    query = db.query(User).limit(10)
    return query.filter(User.name == "ann").all()
""",
        ),
        Example(
            "the query goes where nobody can see what becomes of it",
            before=_MODELS
            + """

class Report:
    def __init__(self, db: Session):
        self.query = db.query(User)
""",
        ),
    )
