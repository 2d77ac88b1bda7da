"""Call sites, what they run, and how functions are used as values."""

from __future__ import annotations

import pytest

from migrate_async.index.project import Project
from migrate_async.index.sites import CallSite
from support.projects import callees, operations, project

DATABASE = """
    from sqlalchemy import create_engine, select
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
    from sqlalchemy.orm import DeclarativeBase, Query, Session, sessionmaker
    engine = create_engine("sqlite://")
    SessionLocal = sessionmaker(engine)
    class Base(DeclarativeBase): ...
    class User(Base):
        __tablename__ = "user"
    def call(function): ...
"""


def site(found: Project, qualname: str, kind: str = "call") -> CallSite:
    """The last site of a kind."""
    function = found.function(qualname)
    assert function is not None
    return [item for item in found.calls(function) if item.kind == kind][-1]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("db.commit()", ["session.commit"]),
        ("db.add(x)", []),
        ("db.add(x); db.flush(); db.refresh(x)", ["session.flush", "session.refresh"]),
        ("db.query(User).filter(x).first()", ["query.first"]),
        ("db.query(User).filter(x)", []),
        ("db.query(User).all()", ["query.all"]),
        ("db.query(User).update({})", ["query.update"]),
        ("db.query(User)[1:2]", ["query.__getitem__"]),
        ("[u for u in db.query(User)]", ["query.__iter__"]),
        ("list(db.query(User))", ["query.__iter__"]),
        ("print(*db.query(User))", ["query.__iter__"]),
        ("a, b = db.query(User)", ["query.__iter__"]),
        ("for u in db.query(User): ...", ["query.__iter__"]),
        ("q.filter(x).count()", ["query.count"]),
        ("db.execute(select(User)).scalars().all()", ["session.execute"]),
        ("with db.begin(): ...", ["session.begin"]),
        ("with SessionLocal() as s: ...", ["session.__exit__"]),
        ("with SessionLocal.begin() as s: s.execute(x)", ["factory.begin", "session.execute"]),
        ("with engine.begin() as c: c.execute(x)", ["engine.begin", "connection.execute"]),
        ("engine.connect().execute(x)", ["connection.execute", "engine.connect"]),
        ("t = db.begin_nested(); t.rollback()", ["session.begin_nested", "transaction.rollback"]),
        ("db.connection().execute(x)", ["connection.execute", "session.connection"]),
        ("db.get_bind().dispose()", ["engine.dispose"]),
        ("{}.get(x); [].count(x)", []),
    ],
)
def test_database_operations(code: str, expected: list[str]) -> None:
    source = DATABASE + f"\n    def f(db: Session, q: Query, x):\n        {code}\n"
    assert sorted(operations(project({"m.py": source}), "m.f")) == sorted(expected)


def test_operations_of_async_sessions_are_marked() -> None:
    source = DATABASE + "\n    async def f(db: AsyncSession): await db.commit()\n"
    found = site(project({"m.py": source}), "m.f")
    assert found.operation is not None
    assert found.operation.is_async
    assert found.awaited  # noqa: PGH005  a fact, not a mock


@pytest.mark.parametrize(
    ("code", "context"),
    [
        ("g()", ()),
        ("call(g())", ("argument",)),
        ("call(x=g())", ("argument",)),
        ("if g(): ...", ("condition",)),
        ("while g(): ...", ("condition",)),
        ("assert g()", ("condition",)),
        ("x = 1 if g() else 2", ("condition",)),
        ("[g() for _ in x]", ("comprehension",)),
        ("[_ for _ in g()]", ()),
        ("[_ for _ in x for _ in g()]", ("comprehension",)),
        ("[_ for _ in x if g()]", ("comprehension", "condition")),
        ("any(g() for _ in x)", ("argument", "generator")),
        ("def h(x=g()): ...", ("default",)),
    ],
)
def test_contexts_of_calls(code: str, context: tuple[str, ...]) -> None:
    source = DATABASE + f"\n    def g(): ...\n    def f(x):\n        {code}\n"
    found = project({"m.py": source})
    target = found.function("m.g")
    assert target is not None
    assert [item.context for item in found.callers(target)] == [context]


def test_calls_in_lambdas_belong_to_the_lambda() -> None:
    source = DATABASE + "\n    def g(): ...\n    def f(): return lambda: g()\n"
    found = project({"m.py": source})
    target = found.function("m.g")
    assert target is not None
    (caller,) = found.callers(target)
    assert (caller.function.is_lambda, caller.context) == (True, ("lambda",))


def test_calls_under_a_main_guard_are_marked() -> None:
    found = project({"m.py": "def g(): ...\nif __name__ == '__main__':\n    g()"})
    target = found.function("m.g")
    assert target is not None
    (caller,) = found.callers(target)
    assert (caller.function.name, caller.context) == ("<module>", ("main",))


def test_unresolved_calls_that_pass_a_session_are_suspects() -> None:
    source = DATABASE + "\n    def f(db: Session, plugin): plugin.run(db); plugin.stop()\n"
    found = project({"m.py": source})
    function = found.function("m.f")
    assert function is not None
    facts = [(item.resolved, found.passes_session(item)) for item in found.calls(function)]
    assert facts == [(False, True), (False, False)]


def test_reading_a_property_runs_it() -> None:
    found = project(
        {
            "m.py": """
                class Base:
                    @property
                    def total(self): ...
                class Child(Base):
                    @property
                    def total(self): ...
                def f(x: Base): return x.total
                def g(x: Base): return x.total.real
            """
        }
    )
    assert callees(found, "m.f") == {"m.Base.total", "m.Child.total"}
    assert site(found, "m.g", "property").targets


def test_syntax_runs_special_methods() -> None:
    found = project(
        {
            "m.py": """
                class Manager:
                    def __enter__(self): return self
                    def __exit__(self, *args): ...
                    def __iter__(self): yield 1
                    def __getitem__(self, key): ...
                    def __call__(self): ...
                def f(m: Manager):
                    with m:
                        for x in m:
                            m[x]
                    m()
            """
        }
    )
    names = {name.rpartition(".")[2] for name in callees(found, "m.f")}
    assert names == {"__enter__", "__exit__", "__iter__", "__getitem__", "__call__"}


def test_constructors_are_targets_of_instantiation() -> None:
    found = project(
        {
            "m.py": """
                class A:
                    def __init__(self): ...
                class B(A): ...
                def f(): B()
            """
        }
    )
    assert callees(found, "m.f") == {"m.A.__init__"}


def test_dependencies_are_flagged_edges() -> None:
    found = project(
        {
            "m.py": """
                from typing import Annotated
                from fastapi import Depends
                def get_db(): yield 1
                def user(db=Depends(get_db)): ...
                class Page:
                    def __init__(self, size: int = 1): ...
                class Checker:
                    def __call__(self): ...
                UserDep = Annotated[int, Depends(user)]
                def route(
                    a: UserDep, b: Page = Depends(), c=Depends(Page), d=Depends(Checker())
                ): ...
            """
        }
    )
    function = found.function("m.route")
    assert function is not None
    targets = [
        target.qualname
        for item in found.calls(function)
        if item.kind == "dependency"
        for target in item.targets
    ]
    assert targets == ["m.user", "m.Page.__init__", "m.Page.__init__", "m.Checker.__call__"]
    assert callees(found, "m.user") == {"m.get_db"}


def test_class_based_views_inject_class_attributes_into_their_routes() -> None:
    found = project(
        {
            "m.py": """
                from fastapi import APIRouter, Depends
                router = APIRouter()
                def get_db(): yield 1
                class Base:
                    db = Depends(get_db)
                class View(Base):
                    @router.get("/")
                    def index(self): ...
                    def helper(self): ...
            """
        }
    )
    assert callees(found, "m.View.index") == {"m.get_db"}
    assert callees(found, "m.View.helper") == set()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("call(g)", "arg:call"),
        ("call(x=g)", "arg:call"),
        ("Depends(g)", "arg:Depends"),
        ("tasks.add_task(g, 1)", "arg:add_task"),
        ("x = g", "value"),
        ("x = [g]", "value"),
        ("g.delay()", "base"),
        ("@g\n        def h(): ...", "decorator"),
        ("return g", "value"),
    ],
)
def test_functions_as_values(code: str, kind: str) -> None:
    source = DATABASE + f"\n    def g(): ...\n    def f(tasks, Depends):\n        {code}\n"
    found = project({"m.py": source})
    function = found.function("m.g")
    assert function is not None
    assert [use.kind for use in found.value_uses(function)] == [kind]


def test_a_call_is_no_value_use() -> None:
    found = project({"m.py": "def g(): ...\ndef f(): g()"})
    function = found.function("m.g")
    assert function is not None
    assert found.value_uses(function) == []


@pytest.mark.parametrize(
    ("code", "count"),
    [("__all__ = [g, f]", 0), ("__all__ = (g,)", 0), ("ALL = [g, f]", 1), ("def h(): x = [g]", 1)],
)
def test_what_is_exported_is_no_value_use(code: str, count: int) -> None:
    """Objects where `__all__` wants names: a mistake that nothing notices."""
    found = project({"m.py": f"def g(): ...\ndef f(): g()\n{code}\n"})
    function = found.function("m.g")
    assert function is not None
    assert len(found.value_uses(function)) == count


def test_families_hold_bases_and_siblings() -> None:
    found = project(
        {
            "m.py": """
                class A:
                    def run(self): ...
                class B(A):
                    def run(self): ...
                class C(A):
                    def run(self): ...
                class D:
                    def run(self): ...
            """
        }
    )
    function = found.function("m.B.run")
    assert function is not None
    assert {fn.qualname for fn in found.family(function)} == {"m.A.run", "m.B.run", "m.C.run"}


@pytest.mark.parametrize("annotation", ["", ": Callable", ": Callable[..., int]"])
@pytest.mark.parametrize("decorator", ["with_session", "named('x')", "Wrap()"])
def test_wrappers_call_what_they_decorate(annotation: str, decorator: str) -> None:
    found = project(
        {
            "m.py": f"""
                from typing import Callable
                def with_session(function{annotation}):
                    def wrapper(): return function()
                    return wrapper
                def named(name):
                    def decorate(function{annotation}):
                        def wrapper(): return function()
                        return wrapper
                    return decorate
                class Wrap:
                    def __call__(self, function{annotation}):
                        def wrapper(): return function()
                        return wrapper
                @{decorator}
                def job(): ...
            """
        }
    )
    function = found.function("m.job")
    assert function is not None
    assert [site.function.name for site in found.callers(function)] == ["wrapper"]


def test_a_class_does_not_inherit_from_itself() -> None:
    """`class Model(Model)` derives from what was imported under that name."""
    source = (
        "from pydantic import BaseModel\nclass BaseModel(BaseModel): ...\nclass A(BaseModel): ..."
    )
    found = project({"m.py": source})
    subs = {cls.name: [sub.name for sub in cls.subs] for cls in found.classes}
    assert subs == {"BaseModel": ["A"], "A": []}
