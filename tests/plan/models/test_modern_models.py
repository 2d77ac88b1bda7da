"""Converted models map the same tables, columns and relationships: both versions are executed."""

from __future__ import annotations

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
    ARRAY, JSON, BigInteger, Boolean, Column, Date, DateTime, Enum, Float, ForeignKey, Integer,
    Interval, LargeBinary, Numeric, PickleType, SmallInteger, String, Table, Text, Time,
    TypeDecorator, UniqueConstraint, Uuid, func,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    as_declarative, backref, column_property, composite, declarative_base, declared_attr,
    deferred, relationship,
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
    "arrays": """\
Base = declarative_base()

class Row(Base):
    __tablename__ = "rows"
    id = Column(Integer, primary_key=True)
    tags = Column(postgresql.ARRAY(String), nullable=False)
    numbers = Column(ARRAY(Integer, dimensions=2))
    address = Column(postgresql.INET)
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
        exec(compile(text, module.__name__, "exec"), module.__dict__)  # noqa: S102
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
        prop.key: (column.name, column.nullable, prop.deferred, _default(column))
        for prop in mapper.column_attrs
        for column in prop.columns
        if isinstance(column, Column)
    }
    relationships = {prop.key: _relationship(prop) for prop in mapper.relationships}
    return {"columns": columns, "relationships": relationships, "kind": mapper.polymorphic_identity}


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
    )


@pytest.mark.parametrize("case", CASES)
def test_the_mapping_stays_the_same(case: str, executed: Any) -> None:
    """Tables, indexes, columns and relationships are equal before and after."""
    before = HEAD + CASES[case]
    after = converted(before)
    assert "declarative_base()" not in after.partition(HEAD)[2]
    assert mapping(executed(before)) == mapping(executed(after))


@pytest.mark.parametrize("case", CASES)
def test_a_second_run_changes_nothing(case: str) -> None:
    """The step is idempotent."""
    once = converted(HEAD + CASES[case])
    assert converted(once) == once
