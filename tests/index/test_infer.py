"""Types of expressions."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.types import (
    Entity,
    ExternalInstance,
    Instance,
    ListOf,
    QueryOf,
    RowOf,
    SelectOf,
    Type,
    describe,
)
from migrate_async.model import syntax as s
from support.projects import callees, infer_name, infer_return, operations, project

MODELS = """
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
    class Base(DeclarativeBase): ...
    class User(Base):
        __tablename__ = "user"
        id: Mapped[int] = mapped_column(primary_key=True)
        posts: Mapped[list["Post"]] = relationship(back_populates="author")
        def shout(self): ...
    class Post(Base):
        __tablename__ = "post"
        id: Mapped[int] = mapped_column(primary_key=True)
        author: Mapped["User"] = relationship(back_populates="posts")
        def publish(self): ...
"""


def instance(found: Project, qualname: str) -> Type:
    cls = found.cls(qualname)
    assert cls is not None
    return Instance(cls)


def kind_of(found: Project, qualname: str, name: str) -> str | None:
    function = found.function(qualname)
    assert function is not None
    return found.session_kind_of(infer_name(found, qualname, name))


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("Session", "sync"),
        ("Optional[Session]", "sync"),
        ("'Session'", "sync"),
        ("'Session | None'", "sync"),
        ("Session | None", "sync"),
        ("Annotated[Session, Depends(get_db)]", "sync"),
        ("Annotated[Any, Depends(get_db)]", "sync"),
        ("SessionDep", "sync"),
        ("deps.SessionDep", "sync"),
        ("scoped_session", "sync"),
        ("sqlmodel.Session", "sync"),
        ("MySession", "sync"),
        ("AsyncSession", "async"),
        ("int", None),
    ],
)
def test_annotated_sessions(annotation: str, kind: str | None) -> None:
    found = project(
        {
            "app/deps.py": """
                from typing import Annotated, Any
                from fastapi import Depends
                from sqlalchemy.orm import Session
                def get_db() -> Session: ...
                SessionDep = Annotated[Session, Depends(get_db)]
            """,
            "app/use.py": f"""
                import sqlmodel
                from typing import Annotated, Any, Optional
                from fastapi import Depends
                from sqlalchemy.orm import Session, scoped_session
                from sqlalchemy.ext.asyncio import AsyncSession
                from app import deps
                from app.deps import SessionDep, get_db
                class MySession(Session): ...
                def f(x: {annotation}): return x
            """,
        }
    )
    assert kind_of(found, "app.use.f", "x") == kind


SOURCES = """
    from contextlib import contextmanager, closing
    from typing import Generator
    from fastapi import Depends, FastAPI, Request
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session, scoped_session, sessionmaker
    engine = create_engine("sqlite://")
    SessionLocal = sessionmaker(bind=engine)
    Scoped = scoped_session(SessionLocal)
    app = FastAPI()

    def get_db():
        db = SessionLocal()
        try:
            yield db
        finally:
            db.close()

    def wrongly_annotated_db() -> Session:
        yield SessionLocal()

    def annotated_db() -> Generator[Session, None, None]:
        yield from get_db()

    @contextmanager
    def session_scope():
        with SessionLocal() as s:
            yield s

    @app.middleware("http")
    async def middleware(request: Request, call_next):
        request.state.db = SessionLocal()
        return await call_next(request)

    class Holder:
        def __init__(self, db: Session = Depends(get_db)):
            self.db = db
        def __enter__(self):
            return self
        def __exit__(self, *args): ...
"""


@pytest.mark.parametrize(
    "code",
    [
        "x = SessionLocal()",
        "x = Session(engine)",
        "x = Scoped",
        "x = Scoped()",
        "x = next(get_db())",
        "x = next(annotated_db())",
        "x = next(wrongly_annotated_db())",
        "x = Holder().db",
        "x = request.state.db",
        "x = Container.resolve('db_session')",
        "x = [SessionLocal()][0]",
        "x, y = SessionLocal(), 1",
        "x = SessionLocal() if request else None",
        "x = request or SessionLocal()",
        "with SessionLocal() as x: ...",
        "with SessionLocal.begin() as x: ...",
        "with session_scope() as x: ...",
        "with closing(SessionLocal()) as x: ...",
        "for x in get_db(): ...",
        "for x in annotated_db(): ...",
        "with Holder() as h: x = h.db",
        "(x := SessionLocal()).commit()",
    ],
)
def test_expressions_that_give_a_session(code: str) -> None:
    source = SOURCES + f"\n    def use(request):\n        {code}\n        return x\n"
    assert kind_of(project({"m.py": source}), "m.use", "x") == "sync"


@pytest.mark.parametrize("parameter", ["db=Depends(get_db)", "db=Depends(annotated_db)"])
def test_an_unannotated_dependency_gives_what_it_yields(parameter: str) -> None:
    source = SOURCES + f"\n    def use({parameter}): return db\n"
    assert kind_of(project({"m.py": source}), "m.use", "db") == "sync"


def test_async_factories_give_async_sessions() -> None:
    found = project(
        {
            "m.py": """
                from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
                from sqlalchemy.orm import sessionmaker
                A = async_sessionmaker()
                B = sessionmaker(class_=AsyncSession)
                async def use():
                    async with A() as a, B() as b:
                        return a, b
            """
        }
    )
    assert kind_of(found, "m.use", "a") == "async"
    assert kind_of(found, "m.use", "b") == "async"


def test_an_untyped_parameter_named_like_a_session_is_one_by_heuristic() -> None:
    found = project({"m.py": "def f(db, other): db.commit(); other.commit()"})
    assert infer_name(found, "m.f", "db") == {ExternalInstance("sqlalchemy.orm.Session", True)}
    function = found.function("m.f")
    assert function is not None
    site = next(site for site in found.calls(function) if site.operation)
    assert site.heuristic
    assert operations(found, "m.f") == ["session.commit"]


def test_session_names_and_resolvers_come_from_the_settings() -> None:
    settings = Settings(session_names=("conn",), session_resolvers=("registry.get('db')",))
    source = "def f(db, conn): x = registry.get('db'); y = registry.get('x'); return x, y"
    found = project({"m.py": source}, settings)
    assert kind_of(found, "m.f", "conn") == "sync"
    assert kind_of(found, "m.f", "db") is None
    assert kind_of(found, "m.f", "x") == "sync"
    assert kind_of(found, "m.f", "y") is None


def test_the_configured_dependency_gives_a_session_whatever_its_code_says() -> None:
    source = """
        from fastapi import Depends
        from elsewhere import open_handle
        def give():
            yield open_handle()
        def f(handle=Depends(give)): handle.commit()
    """
    assert operations(project({"m.py": source}), "m.f") == []
    found = project({"m.py": source}, Settings(get_db="m.give"))
    assert operations(found, "m.f") == ["session.commit"]
    assert [fn.qualname for fn in found.session_dependencies] == ["m.give"]


def test_any_container_may_resolve_a_registry_key() -> None:
    source = "def f(x): x.inner.resolve('database').commit(); x.resolve('other').commit()"
    found = project({"m.py": source}, Settings(registry_keys=("database",)))
    assert operations(found, "m.f") == ["session.commit"]


def test_call_sites_tell_what_unannotated_parameters_are() -> None:
    found = project(
        {
            "m.py": """
                from sqlalchemy.orm import Session, sessionmaker
                def store(handle): handle.commit()
                class Repo:
                    def __init__(self, handle): self.handle = handle
                    def save(self): self.handle.flush()
                def open_and_close(factory): factory().close()
                def route(s: Session):
                    open_and_close(sessionmaker())
                    store(s)
                    Repo(handle=s).save()
            """
        }
    )
    assert operations(found, "m.store") == ["session.commit"]
    assert operations(found, "m.open_and_close") == ["session.close"]
    assert operations(found, "m.Repo.save") == ["session.flush"]


def test_fixtures_type_the_parameters_of_tests() -> None:
    found = project(
        {
            "tests/conftest.py": """
                import pytest
                from sqlalchemy.orm import Session
                @pytest.fixture
                def handle():
                    yield Session()
                @pytest.fixture(name="user")
                def make_user(handle) -> int: ...
            """,
            "tests/test_a.py": "def test_x(handle, user): handle.commit()",
            "other.py": "def helper(handle): handle.commit()",
        }
    )
    assert operations(found, "tests.test_a.test_x") == ["session.commit"]
    assert operations(found, "other.helper") == []


# --- classes and generics ----------------------------------------------------------------------

CRUD = {
    "app/models.py": MODELS,
    "app/crud.py": """
        from typing import Generic, List, Optional, Type, TypeVar
        from sqlalchemy.orm import Session
        from app.models import Base, Post, User
        ModelType = TypeVar("ModelType", bound=Base)
        class CRUDBase(Generic[ModelType]):
            def __init__(self, model: Type[ModelType]):
                self.model = model
            def get(self, db: Session, id: int) -> Optional[ModelType]:
                return db.query(self.model).filter(self.model.id == id).first()
            def get_multi(self, db: Session) -> List[ModelType]:
                return db.query(self.model).all()
            def hook(self): ...
        class CRUDUser(CRUDBase[User]):
            def hook(self): super().hook()
        user = CRUDUser(User)
        post = CRUDBase(Post)
    """,
    "app/api.py": """
        from app import crud
        def one(db): return crud.user.get(db, 1)
        def many(db): return crud.user.get_multi(db)[0]
        def bound(db): return crud.post.get(db, 1)
        def loop(db):
            for found in crud.user.get_multi(db):
                return found
        def hook(): crud.user.hook()
        def related(db):
            for post in crud.user.get(db, 1).posts:
                post.publish()
    """,
}


@pytest.mark.parametrize(
    ("function", "model"), [("one", "User"), ("many", "User"), ("bound", "Post"), ("loop", "User")]
)
def test_generic_repositories_give_the_model_of_their_argument(function: str, model: str) -> None:
    found = project(CRUD)
    assert infer_return(found, f"app.api.{function}") == {instance(found, f"app.models.{model}")}


def test_methods_of_singletons_resolve() -> None:
    found = project(CRUD)
    assert callees(found, "app.api.one") == {"app.crud.CRUDBase.get"}
    assert callees(found, "app.api.hook") == {"app.crud.CRUDUser.hook"}
    assert callees(found, "app.crud.CRUDUser.hook") == {"app.crud.CRUDBase.hook"}


def test_relationships_type_the_objects_they_lead_to() -> None:
    assert "app.models.Post.publish" in callees(project(CRUD), "app.api.related")


def test_a_call_through_a_base_reaches_every_override() -> None:
    found = project(
        {
            "m.py": """
                class Base:
                    def run(self): self.step()
                    def step(self): ...
                class A(Base):
                    def step(self): ...
                class B(A): ...
                class C(B):
                    def step(self): ...
            """
        }
    )
    assert callees(found, "m.Base.run") == {"m.Base.step", "m.A.step", "m.C.step"}


@pytest.mark.parametrize("override", ["self, obj", "self, item", "self, obj, full=False"])
def test_an_override_takes_what_the_overridden_method_says(override: str) -> None:
    """Also what its type variable stands for in the subclass, at any distance."""
    found = project(
        {
            "app/models.py": MODELS,
            "app/repos.py": f"""
                from typing import Generic, TypeVar
                from .models import Post
                M = TypeVar("M")
                class Repo(Generic[M]):
                    def show(self, obj: M): ...
                    def all(self):
                        return [self.show(obj) for obj in self.objects()]
                class Soft(Repo[M]):
                    def show(self, obj): ...
                class Posts(Soft[Post]):
                    def show({override}): ...
            """,
        }
    )
    name = override.split(", ")[1]
    assert infer_name(found, "app.repos.Posts.show", name) == {instance(found, "app.models.Post")}


def test_a_mixin_may_use_what_its_subclasses_define() -> None:
    found = project(
        {
            "m.py": """
                class Mixin:
                    def run(self): self.repo.save()
                class Repo:
                    def save(self): ...
                class Service(Mixin):
                    def __init__(self): self.repo = Repo()
            """
        }
    )
    assert callees(found, "m.Mixin.run") == {"m.Repo.save"}


@pytest.mark.parametrize(
    "method",
    [
        "@classmethod\n    def make(cls): return cls()",
        "@classmethod\n    def make(cls: Type[T]) -> T: ...",
        "@classmethod\n    def make(cls) -> Self: ...",
        "@classmethod\n    def make(cls) -> 'Self': ...",
    ],
)
def test_class_methods_give_the_class_they_are_called_on(method: str) -> None:
    source = f"""
from typing import Self, Type, TypeVar
T = TypeVar("T")
class Base:
    {method}
class Child(Base): ...
def f(): return Child.make()
"""
    found = project({"m.py": source})
    assert infer_return(found, "m.f") == {instance(found, "m.Child")}


def test_self_types_follow_the_receiver_through_chains() -> None:
    found = project(
        {
            "m.py": """
                class Builder:
                    def add(self): return self
                class Special(Builder):
                    def done(self): ...
                def f(): Special().add().add().done()
            """
        }
    )
    assert "m.Special.done" in callees(found, "m.f")


def test_pep_695_generics() -> None:
    found = project(
        {
            "m.py": """
                class Thing:
                    def go(self): ...
                class Box[T]:
                    def get(self) -> T: ...
                def f(box: Box[Thing]): box.get().go()
            """
            if _has_pep_695()
            else """
                from typing import Generic, TypeVar
                T = TypeVar("T")
                class Thing:
                    def go(self): ...
                class Box(Generic[T]):
                    def get(self) -> T: ...
                def f(box: Box[Thing]): box.get().go()
            """
        }
    )
    assert callees(found, "m.f") == {"m.Box.get", "m.Thing.go"}


def _has_pep_695() -> bool:
    try:
        compile("class A[T]: ...", "x", "exec")
    except SyntaxError:
        return False
    return True


def test_dataclass_fields_and_inherited_attributes_are_typed() -> None:
    found = project(
        {
            "m.py": """
                from dataclasses import dataclass
                from sqlalchemy.orm import Session
                @dataclass
                class Deps:
                    db: Session
                class Base:
                    def __init__(self, session: Session): self.session = session
                class Service(Base):
                    def run(self, deps: Deps):
                        self.session.commit()
                        deps.db.rollback()
            """
        }
    )
    assert operations(found, "m.Service.run") == ["session.commit", "session.rollback"]


def test_recursive_aliases_and_functions_end() -> None:
    found = project(
        {
            "m.py": """
                from typing import Dict, List, Union
                Json = Union[str, List["Json"], Dict[str, "Json"]]
                def f(x: Json): return g(x)
                def g(x): return f(x) or h()
                def h(): return f(None)
                a = b
                b = a
            """
        }
    )
    assert infer_return(found, "m.h") <= infer_return(found, "m.f")


def test_iterators_that_return_themselves_give_what_next_gives() -> None:
    found = project(
        {
            "m.py": """
                class Item: ...
                class Pages:
                    def __iter__(self): return self
                    def __next__(self): return Item()
                def f():
                    for item in Pages():
                        return item
            """
        }
    )
    assert infer_return(found, "m.f") == {instance(found, "m.Item")}


# --- queries -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("db.query(User)", ["class"]),
        ("db.query(models.User)", ["class"]),
        ("db.query(User).filter(User.id == 1).order_by(User.id)", ["class"]),
        ("db.query(User.id)", ["column"]),
        ("db.query(User, Post)", ["class", "class"]),
        ("db.query(User.id, func.count(Post.id))", ["column", "expression"]),
        ("db.query(aliased(User))", ["alias"]),
        ("db.query(alias)", ["alias"]),
        ("db.query(alias.id)", ["column"]),
        ("db.query(variable)", ["class-variable"]),
        ("db.query(variable.id)", ["column"]),
        ("db.query(func.count())", ["expression"]),
        ("db.query(table)", ["table"]),
        ("db.query(unknown)", ["unknown"]),
        ("db.query(User).with_entities(User.id)", ["column"]),
        ("db.query(User).add_columns(Post.id)", ["class", "column"]),
        ("helper(db)", ["class"]),
    ],
)
def test_entities_of_queries(query: str, kinds: list[str]) -> None:
    found = project(
        {
            "models.py": MODELS,
            "m.py": f"""
                from typing import Type
                import models
                from models import Base, Post, User
                from sqlalchemy import MetaData, Table, func
                from sqlalchemy.orm import Query, Session, aliased
                table = Table("t", MetaData())
                def helper(db: Session) -> Query:
                    return db.query(User)
                def f(db: Session, variable: Type[Base], unknown):
                    alias = aliased(User)
                    return {query}
            """,
        }
    )
    (query_type,) = infer_return(found, "m.f")
    assert isinstance(query_type, QueryOf)
    assert [entity.kind for entity in query_type.entities] == kinds
    assert query_type.session == "sync"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("db.query(User).first()", "User"),
        ("db.query(User).get(1)", "User"),
        ("db.query(User).all()[0]", "User"),
        ("list(db.query(User))[0]", "User"),
        ("[u for u in db.query(User)][0]", "User"),
        ("db.query(User, Post).first()[1]", "Post"),
        ("db.get(User, 1)", "User"),
        ("db.scalar(select(User))", "User"),
        ("db.scalars(select(User)).one()", "User"),
        ("db.execute(select(User).where(User.id == 1)).scalars().all()[0]", "User"),
        ("db.execute(select(User)).scalar_one()", "User"),
        ("db.execute(select(User, Post)).first()[0]", "User"),
        ("db.merge(User())", "User"),
        ("db.query(User).first().posts[0]", "Post"),
        ("sorted(db.query(User).all())[0]", "User"),
        ("{u.id: u for u in db.query(User)}[1]", "User"),
        ("dict(a=1) or next(iter(db.query(User)))", "User"),
    ],
)
def test_what_queries_and_results_give(expression: str, expected: str) -> None:
    found = project(
        {
            "models.py": MODELS,
            "m.py": f"""
                from models import Post, User
                from sqlalchemy import select
                from sqlalchemy.orm import Session
                def f(db: Session): return {expression}
            """,
        }
    )
    assert instance(found, f"models.{expected}") in infer_return(found, "m.f")


def test_sqlmodel_exec_gives_scalars_for_one_entity() -> None:
    found = project(
        {
            "m.py": """
                from sqlmodel import Field, Session, SQLModel, select
                class Hero(SQLModel, table=True):
                    id: int = Field(primary_key=True)
                def f(session: Session): return session.exec(select(Hero)).first()
            """
        }
    )
    assert infer_return(found, "m.f") == {instance(found, "m.Hero")}


def test_dynamic_relationships_are_queries() -> None:
    found = project(
        {
            "m.py": """
                from sqlalchemy import Column
                from sqlalchemy.orm import DeclarativeBase, backref, relationship
                class Base(DeclarativeBase): ...
                class User(Base):
                    __tablename__ = "user"
                    posts = relationship(
                        "Post", lazy="dynamic", backref=backref("authors", lazy="dynamic")
                    )
                class Post(Base):
                    __tablename__ = "post"
                def f(user: User): return user.posts.filter(1).first().authors.all()
            """
        }
    )
    assert operations(found, "m.f") == ["query.all", "query.first"]
    assert infer_return(found, "m.f") == {ListOf(frozenset({instance(found, "m.User")}))}


@pytest.mark.parametrize("annotation", ["", ": Query", ": Query = None"])
def test_queries_passed_as_arguments_keep_their_entities(annotation: str) -> None:
    found = project(
        {
            "models.py": MODELS,
            "m.py": f"""
                from models import User
                from sqlalchemy.orm import Query, Session
                def page(query{annotation}):
                    limited: Query = query.limit(1)
                    return limited.all()
                def f(db: Session): return page(db.query(User))
            """,
        }
    )
    assert infer_return(found, "m.f") == {ListOf(frozenset({instance(found, "models.User")}))}


def test_rows_of_columns_are_rows() -> None:
    found = project(
        {
            "models.py": MODELS,
            "m.py": """
                from models import User
                from sqlalchemy.orm import Session
                def f(db: Session): return db.query(User.id).all()
            """,
        }
    )
    user = found.cls("models.User")
    (rows,) = infer_return(found, "m.f")
    assert isinstance(rows, ListOf)
    (row,) = rows.items
    assert isinstance(row, RowOf)
    assert (row.entities[0].kind, row.entities[0].model, row.entities[0].name) == (
        "column",
        user,
        "id",
    )


def test_descriptions_of_types_are_stable() -> None:
    one = QueryOf((Entity("column", None, "id"),), "sync")
    assert describe(one) == "QueryOf([Entity(column, None, id, {})], sync)"


# --- the language ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "expression"),
    [
        ("List[Thing]", "x[0]"),
        ("list[Thing]", "x[1:][0]"),
        ("Dict[str, Thing]", "x['a']"),
        ("dict[str, Thing]", "x.get('a')"),
        ("dict[str, Thing]", "list(x.values())[0]"),
        ("dict[Thing, str]", "list(x.keys())[0]"),
        ("dict[Thing, str]", "next(iter(x))"),
        ("dict[str, Thing]", "[v for _, v in x.items()][0]"),
        ("dict[str, Thing]", "x.copy().pop('a')"),
        ("Tuple[int, Thing]", "x[1]"),
        ("tuple[Thing, ...]", "x[7]"),
        ("Type[Thing]", "x()"),
        ("Optional[Type['Thing']]", "x()"),
        ("Mapped[Thing]", "x"),
        ("Final", "Thing()"),
        ("ContextManager[Thing]", "enter(x)"),
        ("Awaitable[Thing]", "x"),
        ("Iterator[Thing]", "max(x)"),
        ("list[Thing]", "[*x, 1][0]"),
        ("list[Thing]", "(x + [])[0]"),
        ("list[Thing]", "[y for _, y in enumerate(x)][0]"),
        ("list[Thing]", "[b for a, b in zip([], x)][0]"),
        ("list[Thing]", "{1: y for y in x}[1]"),
        ("list[Thing]", "list(filter(None, x))[0]"),
        ("list[Thing]", "x.copy()[0]"),
        ("Thing", "cast('Thing', unknown)"),
        ("Thing", "getattr(Holder(x), 'thing')"),
        ("Thing", "copy.copy(x)"),
        ("Thing", "type(x)()"),
        ("Thing", "(lambda: x)()"),
        ("Thing", "partial(make, 1)()"),
        ("Thing", "echo(x)"),
        ("list[Thing]", "first(x)"),
        ("Thing", "build(Thing)"),
        ("Thing", "(1, x)[1]"),
        ("Thing", "{'a': x}['a']"),
        ("Thing", "Table()['a']"),
        ("Thing", "Thing.parse_obj({})"),
        ("Thing", "x.model_copy()"),
    ],
)
def test_values_are_followed_through_the_language(annotation: str, expression: str) -> None:
    found = project(
        {
            "m.py": f"""
                import copy
                from functools import partial
                from typing import (
                    Awaitable, ContextManager, Dict, Final, Iterator, List, Optional, Tuple, Type,
                    TypeVar, cast,
                )
                from pydantic import BaseModel
                T = TypeVar("T")
                class Thing(BaseModel): ...
                class Holder:
                    def __init__(self, thing): self.thing = thing
                class Table:
                    def __getitem__(self, key) -> Thing: ...
                def make(n): return Thing()
                def echo(value: T) -> T: ...
                def first(values: List[T]) -> T: ...
                def build(cls: Type[T]) -> T: ...
                def enter(manager):
                    with manager as value:
                        return value
                def f(x: {annotation}): return {expression}
            """
        }
    )
    assert instance(found, "m.Thing") in infer_return(found, "m.f")


def test_every_statement_is_walked() -> None:
    found = project(
        {
            "m.py": """
                def g(*args): ...
                def f(x):
                    try:
                        g(1)
                    except g(2) as error:
                        g(3)
                    else:
                        g(4)
                    finally:
                        g(5)
                    match g(6):
                        case {"a": name} if g(7):
                            g(8)
                        case g.attr:
                            pass
                    while g(9):
                        g(10)
                    else:
                        g(11)
                    with g(12) as x.y, g(13) as (a, *b):
                        pass
                    for x[g(14)] in g(15):
                        pass
                    x += g(16)
                    del x[g(17)]
                    raise g(18) from g(19)
                    assert g(20), g(21)
                    x: g(22) = g(23)
                    def h(y: g(24) = g(25)) -> g(26): ...
                    @g(27)
                    class A(g(28), metaclass=g(29)):
                        g(30)
                    return {g(31): g(32), **g(33)}, f"{g(34):{g(35)}}", (z := g(36))
                    yield from g(37)
                    lambda y=g(38): g(39)
                    async def i():
                        async with g(40): await g(41)
                        async for _ in g(42): ...
                        return [_ async for _ in g(43)]
            """
        }
    )
    function = found.function("m.g")
    assert function is not None
    numbers = [
        arg.value
        for site in found.callers(function)
        if isinstance(site.node, s.Call)
        for arg in site.node.args
        if isinstance(arg, s.Constant)
    ]
    assert sorted(numbers) == list(range(1, 44))


def test_what_a_bare_select_selects_is_in_the_code() -> None:
    """As for a bare `Query`: `-> Select` says nothing of the entities."""
    built = project(
        {
            "m.py": """
                from sqlalchemy import Select, select
                class Thing: ...
                def things() -> Select:
                    return select(Thing)
                def use():
                    return things().where()
            """
        }
    )
    use = built.function("m.use")
    assert use is not None
    [item] = built.infer(use.returns[0], use.scope)
    assert isinstance(item, SelectOf)
    assert [entity.model.name for entity in item.entities if entity.model] == ["Thing"]


@pytest.mark.parametrize(
    "made",
    [
        "await db.run_sync(Repository, 1)",
        "await db.run_sync(lambda session: Repository(session, 1))",
        "await run_in_threadpool(Repository, None, 1)",
    ],
)
def test_a_bridge_to_a_class_gives_an_object(made: str) -> None:
    """So that the methods that are called on it later are known."""
    found = project(
        {
            "a.py": f"""
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.concurrency import run_in_threadpool

class Repository:
    def __init__(self, db, number): self.db = db
    def count(self): return 1

async def f(db: AsyncSession):
    repository = {made}
    return await run_in_threadpool(repository.count)
"""
        }
    )
    (function,) = [item for item in found.functions if item.qualname == "a.f"]
    reached = {target.qualname for site in found.bridges(function) for target in site.targets}
    assert "a.Repository.count" in reached
