"""Converted models map the same tables, columns and relationships: both versions are executed."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column
from sqlalchemy.orm import Mapper, RelationshipProperty, configure_mappers
from sqlalchemy.schema import CreateIndex, CreateTable

from migrate_async.model.plan import FilePlan, Step
from migrate_async.rewrite.codemod import plan_alone
from migrate_async.rewrite.engine import rewrite_text
from migrate_async.verify.rewritten import check

HEAD = """\
import datetime
import enum
from sqlalchemy import (
    ARRAY, JSON, BigInteger, Boolean, CheckConstraint, Column, Computed, Date, DateTime, Enum,
    Float, ForeignKey, Index, Integer, Interval, LargeBinary, Numeric, PickleType, SmallInteger,
    String, Table, Text, Time, TypeDecorator, UniqueConstraint, Uuid, func,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.declarative import AbstractConcreteBase
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    DeclarativeBase, Mapped, MappedAsDataclass, as_declarative, backref, column_property, composite,
    declarative_base, declared_attr, deferred, mapped_column, relationship, synonym,
)

"""

CASES = {
    "every type": """\
Base = declarative_base()

class Kind(enum.Enum):
    A = 1

class Stars(TypeDecorator):
    impl = Integer
    cache_ok = True

class Thing(Base):
    __tablename__ = "things"
    id = Column(Integer, primary_key=True)
    big = Column(BigInteger, nullable=False)
    small = Column(SmallInteger)
    name = Column(String(20), default="x", index=True)
    body = Column(Text(), server_default="")
    flag = Column(Boolean, default=False, nullable=False)
    ratio = Column(Float)
    price = Column(Numeric(10, 2), nullable=False)
    cheap = Column(Numeric(10, 2, asdecimal=False))
    day = Column(Date)
    moment = Column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now())
    clock = Column(Time)
    span = Column(Interval)
    raw = Column(LargeBinary)
    data = Column(JSON, default=dict)
    extra = Column(MutableDict.as_mutable(JSON))
    pickled = Column(PickleType)
    key = Column(Uuid)
    text_key = Column(postgresql.UUID(as_uuid=False))
    kind = Column(Enum(Kind), nullable=False)
    state = Column(Enum("on", "off", name="state"))
    stars = Column(Stars)
""",
    "names, keys and comments stay": """\
Base = declarative_base()

class User(Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("user_name", "mail"), {"comment": "people"})

    id = Column("user_id", Integer, primary_key=True, autoincrement=True)
    user_name = Column(String(30), key="user_name", nullable=False, comment="their name")  # shown
    # where they get mail
    mail = Column("mail", String, unique=True)
    score = Column(Integer, nullable=bool(0))
""",
    "both sides": """\
Base = declarative_base()

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    posts = relationship("Post", back_populates="author", cascade="all, delete-orphan")
    profile = relationship("Profile", uselist=False, back_populates="user")

class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    author_id = Column(ForeignKey("users.id"), nullable=False)
    editor_id = Column(Integer)
    author = relationship("User", back_populates="posts", lazy="joined")

class Profile(Base):
    __tablename__ = "profiles"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer, ForeignKey("users.id"))
    user = relationship(User, back_populates="profile")
""",
    "backrefs": """\
Base = declarative_base()

tagged = Table(
    "tagged", Base.metadata,
    Column("post_id", ForeignKey("posts.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
)

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    posts = relationship("Post", backref=backref("author", lazy="joined"), order_by="Post.id")

    def __repr__(self):
        return "user"

class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    author_id = Column(Integer, ForeignKey("users.id"))
    tags = relationship("Tag", secondary=tagged, backref="posts")
    parent_id = Column(Integer, ForeignKey("posts.id"))
    replies = relationship("Post", backref=backref("parent", remote_side=[id]), cascade="all")

class Tag(Base):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
""",
    "a backref with arguments that are copied": """\
Base = declarative_base()

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)

class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    author_id = Column(Integer, ForeignKey("users.id"))
    editor_id = Column(Integer, ForeignKey("users.id"))
    author = relationship("User", foreign_keys=[author_id], backref="posts")
    editor = relationship("User", foreign_keys=[editor_id], backref="edited")
""",
    "a tree": """\
Base = declarative_base()

class Node(Base):
    __tablename__ = "nodes"
    id = Column(Integer, primary_key=True)
    parent_id = Column(Integer, ForeignKey("nodes.id"))
    children = relationship("Node", back_populates="parent")
    parent = relationship("Node", back_populates="children", remote_side=[id])
""",
    "many to many, sets and dynamic collections": """\
Base = declarative_base()

links = Table(
    "links", Base.metadata,
    Column("a_id", ForeignKey("a.id"), primary_key=True),
    Column("b_id", ForeignKey("b.id"), primary_key=True),
)

class A(Base):
    __tablename__ = "a"
    id = Column(Integer, primary_key=True)
    bs = relationship("B", secondary=links, back_populates="as_", collection_class=set)
    logs = relationship("Log", lazy="dynamic")

class B(Base):
    __tablename__ = "b"
    id = Column(Integer, primary_key=True)
    as_ = relationship("A", secondary=links, back_populates="bs")

class Log(Base):
    __tablename__ = "logs"
    id = Column(Integer, primary_key=True)
    a_id = Column(Integer, ForeignKey("a.id"), nullable=False)
""",
    "inheritance": """\
Base = declarative_base()

class Employee(Base):
    __tablename__ = "employees"
    id = Column(Integer, primary_key=True)
    kind = Column(String(20), nullable=False)
    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "employee"}

class Manager(Employee):
    __tablename__ = "managers"
    id = Column(Integer, ForeignKey("employees.id"), primary_key=True)
    budget = Column(Numeric)
    __mapper_args__ = {"polymorphic_identity": "manager"}

class Clerk(Employee):
    desk = Column(String(5))
    __mapper_args__ = {"polymorphic_identity": "clerk"}
""",
    "mixins": """\
Base = declarative_base()

class Stamped:
    created = Column(DateTime, default=datetime.datetime.now, nullable=False)

    @declared_attr
    def owner_id(cls):
        return Column(Integer, ForeignKey("users.id"))

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)

class Note(Stamped, Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    text = Column(Text, nullable=False)
""",
    "expressions": """\
Base = declarative_base()

class Product(Base):
    __tablename__ = "products"
    id = Column(Integer, primary_key=True)
    net = Column(Integer, nullable=False)
    tax = Column(Integer, nullable=False)
    long = deferred(Column(Text))
    gross = column_property(net + tax)

    @hybrid_property
    def total(self):
        return self.net + self.tax
""",
    "names that a column takes": """\
from datetime import date
Base = declarative_base()

class Day(Base):
    __tablename__ = "days"
    id = Column(Integer, primary_key=True)
    date = Column(Date, nullable=False)
    other = Column(Date)
    datetime = Column(DateTime)
    str = Column(String(3))
    name = Column(String(30))
""",
    "a base with metadata and a mixin": """\
from sqlalchemy import MetaData

meta = MetaData(naming_convention={"ix": "idx_%(column_0_label)s"})

class Helper:
    def describe(self):
        return "x"

Base = declarative_base(metadata=meta, cls=Helper)

class A(Base):
    __tablename__ = "a"
    id = Column(Integer, primary_key=True)
    code = Column(String(4), index=True)
""",
    "a base with several mixins": """\
class Helper:
    def describe(self):
        return "x"

class Marked:
    mark = Column(Integer, default=2)

Base = declarative_base(cls=(Helper, Marked))

class A(Base):
    __tablename__ = "a"
    id = Column(Integer, primary_key=True)
""",
    "a base that says object": """\
Base = declarative_base(cls=object)

class A(Base):
    __tablename__ = "a"
    id = Column(Integer, primary_key=True)
""",
    "a decorated base": """\
@as_declarative()
class Base:
    id = Column(Integer, primary_key=True)

    @declared_attr
    def __tablename__(cls):
        return cls.__name__.lower()

class Car(Base):
    wheels = Column(Integer, default=4)
""",
    "columns that are loaded late": """\
Base = declarative_base()

class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    text = deferred(Column(Text, nullable=False))
    notes = deferred(Column("remarks", Text), group="long")
    cover = deferred(
        # as it was scanned
        Column(LargeBinary),
        group="long",
        raiseload=True,
    )
    length = deferred(func.length(text))
""",
    "annotations of an older style": """\
Base = declarative_base()

class Parent(Base):
    __tablename__ = "parents"
    __allow_unmapped__ = True
    id: int = Column(Integer, primary_key=True)
    name: Column[str] = Column(String(30), nullable=False)
    mail: Mapped[str] = Column(String, nullable=False)
    children: list["Child"] = relationship("Child", back_populates="parent")

class Child(Base):
    __tablename__ = "children"
    __allow_unmapped__ = True
    id: int = Column(Integer, primary_key=True)
    parent_id: int = Column(ForeignKey("parents.id"), nullable=False)
    parent: Parent = relationship(Parent, back_populates="children")
    wrong: list[Parent] = relationship(Parent, viewonly=True)
""",
    "what mixins declare": """\
Base = declarative_base()

class Owned:
    @declared_attr
    def owner_id(cls):
        return Column(Integer, ForeignKey("users.id"), nullable=False)

    @declared_attr
    def owner(cls):
        \"\"\"Whose it is.\"\"\"
        return relationship("User", foreign_keys=[cls.owner_id])

    @declared_attr
    def body(cls) -> Mapped[str | None]:
        return Column(Text)

    @declared_attr
    def __tablename__(cls):
        return cls.__name__.lower()

    @declared_attr
    def __table_args__(cls):
        return (UniqueConstraint("owner_id", "id"),)

    @declared_attr
    def twice(cls):
        if cls.__name__ == "Note":
            return Column(Integer)
        return Column(String)

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)

class Note(Owned, Base):
    id = Column(Integer, primary_key=True)

class Task(Owned, Base):
    id = Column(Integer, primary_key=True)
""",
    "dataclasses": """\
class Base(DeclarativeBase):
    pass

class Stamped:
    created = Column(DateTime, default=datetime.datetime.now, nullable=False)

class Plain(Stamped, Base):
    __tablename__ = "plain"
    id = Column(Integer, primary_key=True)

class Other(Base):
    __tablename__ = "others"
    id = Column(Integer, primary_key=True)
    plain_id = Column(ForeignKey("data.id"))
    data = relationship("Data", backref="others")

class Data(Stamped, MappedAsDataclass, Base):
    __tablename__ = "data"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    size = Column(Integer)
    name: Mapped[str]

Data(name="x")
""",
    "columns that the class body looks into": """\
Base = declarative_base()

class Thing(Base):
    __tablename__ = "things"
    id = Column(Integer, primary_key=True)
    code = Column(String(4))
    twin = Column(code.type)
    half = Column(Integer, Computed("id / 2"))
    kind = Column(String(4), nullable=False)
    version = Column(Integer, nullable=False)
    typeless = Column(Computed("id + 1"))
    __table_args__ = (
        Index("by_code", code, func.lower(kind)),
        CheckConstraint(id > 0),
        UniqueConstraint(code, kind),
    )
    __mapper_args__ = {"version_id_col": version, "polymorphic_on": kind, "primary_key": [id]}
""",
    "backrefs with arguments for both sides": """\
Base = declarative_base()

links = Table(
    "links", Base.metadata,
    Column("a_id", ForeignKey("users.id"), primary_key=True),
    Column("b_id", ForeignKey("users.id"), primary_key=True),
)

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    friends = relationship(
        "User",
        secondary=links,
        primaryjoin="User.id == links.c.a_id",
        secondaryjoin="User.id == links.c.b_id",
        backref="friend_of",
    )

class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    author_id = Column(Integer, ForeignKey("users.id"))
    editor_id = Column(Integer, ForeignKey("users.id"))
    author = relationship("User", foreign_keys=[author_id], backref="posts", post_update=True)
    editor = relationship(
        "User", foreign_keys="Post.editor_id", backref=backref("edited", viewonly=True),
        passive_updates=False,
    )
    notes = relationship(
        "Note",
        primaryjoin="Post.id == foreign(Note.post_id)",
        backref=backref("post", uselist=False),
    )

class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    post_id = Column(Integer)
    author_id = Column(Integer, ForeignKey("users.id"))
    author = relationship(
        "User", foreign_keys=lambda: [Note.author_id], backref="notes", cascade_backrefs=False
    )
""",
    "other attributes": """\
Base = declarative_base()

class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __composite_values__(self):
        return self.x, self.y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)

class Place(Base):
    __tablename__ = "places"
    id = Column(Integer().with_variant(BigInteger, "mysql"), primary_key=True)
    x = Column(Integer, nullable=False)
    y = Column(Integer)
    old_id = synonym("id")
    at = composite(Point, x, y)
    visits = relationship("Visit")
    days = association_proxy("visits", "day")
    hash = column_property(Column("digest", String), active_history=True)

class Visit(Base):
    __tablename__ = "visits"
    id = Column(Integer, primary_key=True)
    place_id = Column(ForeignKey(Place.id), nullable=False)
    day = Column(Date)
""",
    "concrete tables": """\
Base = declarative_base()

class Worker(AbstractConcreteBase, Base):
    pass

class Boss(Worker):
    __tablename__ = "bosses"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))
    __mapper_args__ = {"polymorphic_identity": "boss", "concrete": True}
""",
    "arrays": """\
Base = declarative_base()

class Row(Base):
    __tablename__ = "rows"
    id = Column(Integer, primary_key=True)
    tags = Column(postgresql.ARRAY(String), nullable=False)
    numbers = Column(ARRAY(Integer, dimensions=2))
    address = Column(postgresql.INET)
    words = Column(postgresql.HSTORE)
    during = Column(postgresql.DATERANGE)
    amount = Column(postgresql.INT4RANGE, nullable=False)
    found = Column(postgresql.TSVECTOR)
    state = Column(postgresql.ENUM("on", "off", name="state"))
    document = Column(postgresql.JSONB, nullable=False)
""",
}


@pytest.fixture
def executed() -> Iterator[Any]:
    """A function that runs a module's text, and its traces removed afterwards."""
    names: list[str] = []

    def run(text: str) -> types.ModuleType:
        module = types.ModuleType(f"models_under_test_{len(names)}")
        names.append(module.__name__)
        sys.modules[module.__name__] = module
        exec(compile(text, module.__name__, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
        return module

    yield run
    for name in names:
        del sys.modules[name]


def converted(text: str) -> str:
    """`text` after the step `models`, verified as the tool does it."""
    plan = plan_alone(text, Step.MODELS)
    file = plan.files[0] if plan.files else FilePlan(path="module.py", digest="")
    after = rewrite_text(file, text)
    assert not check(file, text, after)
    return after


def mapping(module: types.ModuleType) -> dict[str, object]:
    """Everything that the models of `module` map, in a comparable form."""
    base = module.__dict__["Base"]
    configure_mappers()
    tables = [str(CreateTable(table)) for table in base.metadata.sorted_tables]
    indexes = [
        str(CreateIndex(index))
        for table in base.metadata.sorted_tables
        for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    found = {mapper.class_.__name__: _described(mapper) for mapper in base.registry.mappers}
    return {"tables": tables, "indexes": indexes, "classes": found}


def _described(mapper: Mapper[Any]) -> dict[str, object]:
    columns = {
        prop.key: (
            column.name,
            column.nullable,
            (prop.deferred, prop.group, bool(prop.raiseload), prop.active_history),
            _default(column),
        )
        for prop in mapper.column_attrs
        for column in prop.columns
        if isinstance(column, Column)
    }
    relationships = {prop.key: _relationship(prop) for prop in mapper.relationships}
    return {
        "columns": columns,
        "relationships": relationships,
        "others": {name: type(item).__name__ for name, item in mapper.all_orm_descriptors.items()},
        "kind": (mapper.polymorphic_identity, str(mapper.polymorphic_on), mapper.concrete),
        "keys": (list(map(str, mapper.primary_key)), str(mapper.version_id_col)),
        "init": str(inspect.signature(mapper.class_.__init__)),
    }


def _default(column: Column[Any]) -> str:
    arg = getattr(column.default, "arg", None)
    return getattr(arg, "__name__", str(arg))


def _relationship(prop: RelationshipProperty[Any]) -> tuple[object, ...]:
    collection = getattr(prop.collection_class, "__name__", "list") if prop.uselist else ""
    return (
        prop.mapper.class_.__name__,
        prop.uselist,
        prop.direction.name,
        prop.lazy,
        collection,
        prop.back_populates,
        str(prop.cascade),
        prop.viewonly,
        str(prop.primaryjoin),
        str(prop.secondaryjoin),
        sorted(map(str, prop.remote_side)),
        (prop.post_update, prop.passive_updates, prop.sync_backref),
    )


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
@pytest.mark.parametrize("case", CASES)
def test_the_mapping_stays_the_same(case: str, future: str, executed: Any) -> None:
    """Tables, indexes, columns and relationships are equal before and after."""
    before = future + HEAD + CASES[case]
    after = converted(before)
    assert "declarative_base()" not in after
    assert mapping(executed(before)) == mapping(executed(after))


@pytest.mark.parametrize("case", CASES)
def test_a_second_run_changes_nothing(case: str) -> None:
    """The step is idempotent."""
    once = converted(HEAD + CASES[case])
    assert converted(once) == once


REPORTED = {
    "MA552: an argument has no equivalent": """\
class Helper: ...

Base = declarative_base(cls=Helper if datetime.date.today().year > 1999 else object)
""",
    "MA551: has no type": """\
Base = declarative_base()

class Thing(Base):
    __tablename__ = "things"
    id = Column(Integer, primary_key=True)
    half = Column(Computed("id / 2"))
""",
    "MA551: reads its `type`": """\
Base = declarative_base()

class Thing(Base):
    __tablename__ = "things"
    id = Column(Integer, primary_key=True)
    twin = Column(id.type)
""",
    "MA551: contradict each other": """\
Base = declarative_base()

class Thing(Base):
    __tablename__ = "things"
    __allow_unmapped__ = True
    id = Column(Integer, primary_key=True)

class Part(Base):
    __tablename__ = "parts"
    __allow_unmapped__ = True
    id = Column(Integer, primary_key=True)
    thing_id = Column(ForeignKey("things.id"))
    thing: "list[Thing]" = relationship(Thing)
""",
    "MA553: `remote_side` of `backref()` names what is here": """\
Base = declarative_base()

class Thing(Base):
    __tablename__ = "things"
    id = Column(Integer, primary_key=True)

class Part(Base):
    __tablename__ = "parts"
    id = Column(Integer, primary_key=True)
    thing_id = Column(ForeignKey("things.id"))
    thing = relationship(Thing, backref=backref("parts", remote_side=[thing_id]))
""",
    "MA553: would have to be turned round": """\
Base = declarative_base()

class Thing(Base):
    __tablename__ = "things"
    id = Column(Integer, primary_key=True)

class Part(Base):
    __tablename__ = "parts"
    id = Column(Integer, primary_key=True)
    thing_id = Column(ForeignKey("things.id"))
    thing = relationship(
        Thing, primaryjoin="remote(Thing.id) == Part.thing_id", backref="parts"
    )
""",
    "MA554: it is a dataclass": """\
class Base(MappedAsDataclass, DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "things"
    id = Column(Integer, primary_key=True)
""",
    "MA554: 2 models stay as Flask-SQLAlchemy's `db.Model` makes them": """\
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()

class Thing(db.Model):
    id = db.Column(db.Integer, primary_key=True)

class Part(db.Model):
    __tablename__ = "parts"
    id = Column(Integer, primary_key=True)
""",
}


@pytest.mark.parametrize("expected", REPORTED)
def test_what_is_left_is_reported(expected: str) -> None:
    """Once, with its code and the reason."""
    code, _, reason = expected.partition(": ")
    (message,) = plan_alone(HEAD + REPORTED[expected], Step.MODELS).diagnostics
    assert message.code == code
    assert reason in message.message
    assert message.next_step
