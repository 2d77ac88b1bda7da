"""Models: tables, columns, keys, relationships."""

from __future__ import annotations

import pytest

from migrate_async.index.orm import Model
from support.projects import project

IMPORTS = """
from typing import Annotated, Any, List, Optional
from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, UniqueConstraint
from sqlalchemy.orm import (
    DeclarativeBase, Mapped, as_declarative, backref, declarative_base, declared_attr, deferred,
    mapped_column, relationship,
)
from sqlmodel import Field, Relationship, SQLModel
"""


def models(code: str) -> dict[str, Model]:
    return {name.rpartition(".")[2]: item for name, item in _models(code).items()}


def _models(code: str) -> dict[str, Model]:
    return project({"m.py": IMPORTS + code}).models


@pytest.mark.parametrize(
    "base",
    [
        "class Base(DeclarativeBase): ...",
        "Base = declarative_base()",
        "class Own:\n    def dict(self): ...\nBase = declarative_base(cls=Own)",
        "@as_declarative()\nclass Base:\n    id: Any",
        "@as_declarative()\nclass Base:\n    @declared_attr\n    def __tablename__(cls): ...",
        "from elsewhere import Base",
    ],
)
def test_every_declarative_base_is_recognised(base: str) -> None:
    found = models(
        base
        + """
class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
class Helper:
    x = 1
"""
    )
    assert list(found) == ["User"]
    assert found["User"].tablename == "users"
    assert found["User"].primary_key == ("id",)


@pytest.mark.parametrize("base", ["class Base(DeclarativeBase): ...", "Base = declarative_base()"])
def test_table_names_may_come_from_a_mixin(base: str) -> None:
    """Also where the base is the mixin's only companion; the name of the class may be the table."""
    found = models(
        base
        + """
class Named:
    @declared_attr
    def __tablename__(cls):
        return cls.__name__.lower()
class User(Named, Base):
    id = Column(Integer, primary_key=True)
"""
    )
    assert {name: model.tablename for name, model in found.items()} == {"User": "user"}


def test_models_of_flask_sqlalchemy_need_no_table_name() -> None:
    found = models(
        """
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class User(db.Model):
    id = Column(Integer, primary_key=True)
class Helper(db.Model):
    __abstract__ = True
"""
    )
    assert list(found) == ["User"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('primaryjoin="A.id == foreign(B.a_id)"', True),
        ('primaryjoin="B.a_id == foreign(A.id)"', False),
        ("primaryjoin=lambda: A.id == foreign(B.a_id)", True),
        ("foreign_keys=[id]", False),
        ('foreign_keys="B.a_id"', True),
        ("foreign_keys=[elsewhere.c.x]", None),
        ('lazy="dynamic"', True),
    ],
)
def test_the_foreign_side_may_be_in_the_arguments(arguments: str, expected: bool | None) -> None:
    """Between tables without a foreign key, they decide what is a collection."""
    found = models(
        f"""
class Base(DeclarativeBase): ...
class A(Base):
    __tablename__ = "a"
    id = Column(Integer, primary_key=True)
    bs = relationship("B", {arguments})
class B(Base):
    __tablename__ = "b"
    id = Column(Integer, primary_key=True)
    a_id = Column(Integer)
"""
    )
    assert found["A"].relationships["bs"].uselist is expected


def test_table_names_may_come_from_the_base() -> None:
    found = models(
        """
@as_declarative()
class Base:
    @declared_attr
    def __tablename__(cls): return cls.__name__.lower()
class User(Base):
    id = Column(Integer, primary_key=True)
"""
    )
    assert list(found) == ["User"]


def test_columns_of_both_styles() -> None:
    columns = models(
        """
class Base(DeclarativeBase): ...
intpk = Annotated[int, mapped_column(primary_key=True)]
class User(Base):
    __tablename__ = "users"
    id: Mapped[intpk]
    email: Mapped[str] = mapped_column(String(50), unique=True)
    nick: Mapped[Optional[str]]
    age: Mapped[int | None] = mapped_column()
    name = Column("full_name", String, nullable=False)
    bio = deferred(Column(String))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
"""
    )["User"].columns
    assert {name: column.primary_key for name, column in columns.items() if column.primary_key} == {
        "id": True
    }
    assert [name for name, column in columns.items() if column.nullable] == ["nick", "age", "bio"]
    assert columns["email"].unique
    assert (columns["name"].column, columns["name"].type) == ("full_name", "String")
    assert columns["bio"].deferred
    assert columns["team_id"].foreign_key == "team.id"
    assert columns["age"].type == "int"


def test_unique_constraints_and_what_pins_a_row() -> None:
    user = models(
        """
class Base(DeclarativeBase): ...
class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("org", "mail", name="u"),
        Index("i", "slug", unique=True),
        Index("partial", "nick", unique=True, postgresql_where=True),
        {"schema": "x"},
    )
    id = Column(Integer, primary_key=True)
    org = Column(Integer)
    email = Column("mail", String)
    slug = Column(String)
    nick = Column(String)
    token = Column(String, unique=True)
"""
    )["User"]
    assert user.unique == (("org", "email"), ("slug",), ("token",))
    assert user.pins_one_row(frozenset({"id"}))
    assert user.pins_one_row(frozenset({"org", "email", "nick"}))
    assert not user.pins_one_row(frozenset({"org"}))
    assert not user.pins_one_row(frozenset({"nick"}))


def test_a_composite_key_needs_all_its_columns() -> None:
    link = models(
        """
Base = declarative_base()
class Link(Base):
    __tablename__ = "link"
    a = Column(Integer, primary_key=True)
    b = Column(Integer, primary_key=True)
"""
    )["Link"]
    assert not link.pins_one_row(frozenset({"a"}))
    assert link.pins_one_row(frozenset({"a", "b"}))


RELATED = """
class Base(DeclarativeBase): ...
tags = Table("tags", Base.metadata, Column("a", ForeignKey("post.id")))
class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[List["Post"]] = relationship(back_populates="author", lazy="selectin")
    profile = relationship("Profile", uselist=False, backref=backref("owner", lazy="joined"))
    drafts = relationship("Post", lazy=compute())
class Profile(Base):
    __tablename__ = "profile"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id = mapped_column(ForeignKey("user.id"))
class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id = mapped_column(ForeignKey("user.id"))
    author: Mapped["User"] = relationship(back_populates="posts")
    editor = relationship(lambda: User, lazy=False)
    tags = relationship("Tag", secondary=tags, backref="posts", lazy="dynamic")
class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


@pytest.mark.parametrize(
    ("model", "name", "expected"),
    [
        ("User", "posts", ("Post", "selectin", True, "author")),
        ("User", "profile", ("Profile", "select", False, "")),
        ("User", "drafts", ("Post", "?", True, "")),
        ("Profile", "owner", ("User", "joined", True, "profile")),
        ("Post", "author", ("User", "select", False, "posts")),
        ("Post", "editor", ("User", "joined", False, "")),
        ("Post", "tags", ("Tag", "dynamic", True, "")),
        ("Tag", "posts", ("Post", "select", True, "tags")),
    ],
)
def test_relationships(model: str, name: str, expected: tuple[object, ...]) -> None:
    found = models(RELATED)[model].relationships[name]
    assert found.target is not None
    assert (found.target.name, found.lazy, found.uselist, found.back_populates) == expected


def test_mixins_and_inheritance_hand_on_columns_and_relationships() -> None:
    found = models(
        """
class Base(DeclarativeBase): ...
class Stamped:
    created = Column(Integer)
    @declared_attr
    def owner_id(cls): return Column(ForeignKey("user.id"))
    @declared_attr
    def owner(cls): return relationship("User")
class User(Base):
    __tablename__ = "user"
    id = Column(Integer, primary_key=True)
class Animal(Stamped, Base):
    __tablename__ = "animal"
    id = Column(Integer, primary_key=True)
class Cat(Animal):
    lives = Column(Integer)
class Shared(Base):
    __abstract__ = True
    note = Column(String)
class Noted(Shared):
    __tablename__ = "noted"
    id = Column(Integer, primary_key=True)
"""
    )
    assert list(found) == ["User", "Animal", "Cat", "Noted"]
    assert set(found["Cat"].columns) == {"created", "owner_id", "id", "lives"}
    assert found["Cat"].tablename == "animal"
    assert found["Cat"].parent is found["Animal"].cls
    assert found["Animal"].relationships["owner"].uselist is False
    assert set(found["Noted"].columns) == {"note", "id"}


def test_sqlmodel_tables() -> None:
    found = models(
        """
class HeroBase(SQLModel):
    name: str = Field(unique=True)
class Team(SQLModel, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    heroes: List["Hero"] = Relationship(
        back_populates="team", sa_relationship_kwargs={"lazy": "selectin"}
    )
class Hero(HeroBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    age: Optional[int] = None
    team_id: int | None = Field(foreign_key="team.id")
    team: Optional[Team] = Relationship(back_populates="heroes")
class HeroRead(HeroBase):
    id: int
"""
    )
    assert list(found) == ["Team", "Hero"]
    hero = found["Hero"]
    assert (hero.tablename, hero.primary_key, hero.unique) == ("hero", ("id",), (("name",),))
    assert hero.is_sqlmodel
    assert hero.columns["age"].nullable
    assert "team" not in hero.columns
    heroes = found["Team"].relationships["heroes"]
    assert (heroes.target, heroes.lazy, heroes.uselist) == (hero.cls, "selectin", True)
    assert hero.relationships["team"].uselist is False


def test_imperative_tables_on_classes() -> None:
    found = models(
        """
class Base(DeclarativeBase): ...
class User(Base):
    __table__ = Table("user", MetaData(), Column("id", Integer, primary_key=True))
"""
    )["User"]
    assert (found.tablename, found.primary_key) == ("user", ("id",))


def test_keys_to_the_same_table_are_told_apart_by_foreign_keys() -> None:
    found = models(
        """
class Base(DeclarativeBase): ...
class Node(Base):
    __tablename__ = "node"
    id = Column(Integer, primary_key=True)
    parent_id = Column(ForeignKey("node.id"))
    parent = relationship("Node", remote_side=[id])
    children = relationship("Node", back_populates="parent")
class A(Base):
    __tablename__ = "a"
    id = Column(Integer, primary_key=True)
    b_id = Column(ForeignKey("b.id"))
    b = relationship("B", foreign_keys=[b_id])
class B(Base):
    __tablename__ = "b"
    id = Column(Integer, primary_key=True)
    a_id = Column(ForeignKey("a.id"))
    owners = relationship("A", foreign_keys="A.b_id")
"""
    )
    assert found["Node"].relationships["parent"].uselist is False
    assert found["Node"].relationships["children"].uselist is True
    assert found["A"].relationships["b"].uselist is False
    assert found["B"].relationships["owners"].uselist is True


def test_foreign_keys_to_computed_table_names_are_matched_by_class_name() -> None:
    found = models(
        """
@as_declarative()
class Base:
    @declared_attr
    def __tablename__(cls): return snake_case(cls.__name__)
class CaseType(Base):
    id = Column(Integer, primary_key=True)
    cases = relationship("Case")
class Case(Base):
    id = Column(Integer, primary_key=True)
    type_id = Column(ForeignKey("case_type.id"))
    type = relationship("CaseType")
"""
    )
    assert found["Case"].relationships["type"].uselist is False
    assert found["CaseType"].relationships["cases"].uselist is True


def test_a_name_in_a_string_means_the_class_under_the_same_base() -> None:
    found = project(
        {
            "app/schemas.py": "class Item: ...\nclass User: ...",
            "app/migrations.py": IMPORTS
            + """
Base = declarative_base()
class Item(Base):
    __tablename__ = "item"
    id = Column(Integer, primary_key=True)
""",
            "app/models.py": IMPORTS
            + """
Base = declarative_base()
class Owned:
    @declared_attr
    def item(cls): return relationship("Item")
class User(Base, Owned):
    __tablename__ = "user"
    id = Column(Integer, primary_key=True)
    items = relationship("Item")
class Item(Base):
    __tablename__ = "item"
    id = Column(Integer, primary_key=True)
""",
        }
    )
    relationships = found.models["app.models.User"].relationships
    assert relationships["items"].target is found.cls("app.models.Item")
    assert relationships["item"].target is found.cls("app.models.Item")


_REGISTRY = """
from sqlalchemy.orm import mapper, registry
mapping = registry()
users = Table("users", mapping.metadata, Column("id", Integer, primary_key=True), Column("name"))
keys = Table(
    "keys", mapping.metadata, Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.id")),
)
class User: ...
class Key: ...
"""


@pytest.mark.parametrize(
    "mapping",
    [
        """mapping.map_imperatively(Key, keys)
mapping.map_imperatively(User, users, properties={
    "_name": users.c.name, "keys": relationship(Key, backref="user"),
})""",
        """def start():
    of_keys = mapper(Key, local_table=keys)
    mapper(User, users, properties={
        "_name": users.c.name, "keys": relationship(of_keys, backref="user"),
    })""",
    ],
)
def test_a_call_maps_a_class(mapping: str) -> None:
    found = models(_REGISTRY + mapping)
    assert list(found) == ["User", "Key"]
    assert found["User"].tablename == "users"
    assert list(found["User"].columns) == ["id", "_name"]
    assert found["User"].columns["_name"].column == "name"
    assert found["User"].relationships["keys"].uselist is True
    assert found["Key"].relationships["user"].uselist is False


def test_other_functions_of_that_name_map_nothing() -> None:
    code = _REGISTRY.replace("import mapper, registry", "import registry")
    assert not models(f"{code}\ndef mapper(a, b): ...\nmapper(User, users)")
    assert not models(f"{code}\nmapping.map_imperatively(make(), users)")


def test_a_decorator_maps_a_class_and_its_subclasses() -> None:
    found = models(
        """
from sqlalchemy.orm import mapped_as_dataclass, registry
mapping, other = registry(), registry()
@mapping.mapped
class Person:
    __tablename__ = "people"
    id = Column(Integer, primary_key=True)
    keys = relationship("Key")
@mapping.mapped
class Engineer(Person):
    skill = Column(String)
@mapped_as_dataclass(mapping)
class Key:
    __tablename__ = "keys"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
@cache.mapped
class Entry: ...
"""
    )
    assert list(found) == ["Person", "Engineer", "Key"]
    assert found["Engineer"].parent is found["Person"].cls
    assert list(found["Engineer"].columns) == ["id", "skill"]
    assert found["Engineer"].relationships["keys"].uselist is True
