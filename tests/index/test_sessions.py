"""Session factories, engines, session dependencies."""

from __future__ import annotations

from support.projects import project

FILES = {
    "app/db.py": """
        from sqlalchemy import create_engine
        from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
        from sqlalchemy.orm import scoped_session, sessionmaker
        engine = create_engine("sqlite://")
        async_engine = create_async_engine("sqlite+aiosqlite://")
        SessionLocal = sessionmaker(bind=engine)
        Async = async_sessionmaker(async_engine)
        Scoped: scoped_session = scoped_session(SessionLocal)
        class Manager:
            def __init__(self):
                self.make = sessionmaker(engine)
        def local():
            inner = sessionmaker(engine)
            return inner()
    """,
    "app/deps.py": """
        from contextlib import contextmanager
        from fastapi import Depends, Request
        from app.db import SessionLocal
        def get_db():
            db = SessionLocal()
            try:
                yield db
            finally:
                db.close()
        def from_request(request: Request):
            request.state.db = SessionLocal()
            return request.state.db
        def helper(): return SessionLocal()
        def numbers(): yield 1
        @contextmanager
        def scope():
            with SessionLocal() as db:
                yield db
        def route(a=Depends(get_db), b=Depends(from_request), c=Depends(numbers)): ...
    """,
}


def test_factories_are_found_wherever_they_are_assigned() -> None:
    found = {item.qualname: item.kind for item in project(FILES).session_factories}
    assert found == {
        "app.db.SessionLocal": "sessionmaker",
        "app.db.Async": "async_sessionmaker",
        "app.db.Scoped": "scoped_session",
        "app.db.Manager.make": "sessionmaker",
        "app.db.local.inner": "sessionmaker",
    }


def test_engines() -> None:
    found = {item.qualname: item.kind for item in project(FILES).engines}
    assert found == {"app.db.engine": "engine", "app.db.async_engine": "async-engine"}


def test_session_dependencies_yield_or_are_injected() -> None:
    found = [fn.qualname for fn in project(FILES).session_dependencies]
    assert found == ["app.deps.get_db", "app.deps.from_request"]


def test_an_annotation_that_names_a_factory_means_a_session() -> None:
    app = project(
        {
            "app.py": """
                from sqlalchemy import create_engine
                from sqlalchemy.orm import sessionmaker
                SessionLocal = sessionmaker(bind=create_engine("sqlite://"))
                def add(connection: SessionLocal, note):
                    connection.add(note)
                    connection.commit()
            """
        }
    )
    [add] = [function for function in app.functions if function.name == "add"]
    operations = [site.operation for site in app.calls(add) if site.operation is not None]
    assert [(item.owner, item.name) for item in operations] == [("session", "commit")]


def test_variables_that_one_call_gives() -> None:
    app = project(
        {
            "app.py": """
                from sqlalchemy import create_engine
                from sqlalchemy.orm import sessionmaker
                def connect():
                    engine = create_engine("sqlite://")
                    return sessionmaker(bind=engine), engine
                SessionLocal, engine = connect()
            """
        }
    )
    assert "app.SessionLocal" in {item.qualname for item in app.session_factories}
    assert "app.engine" in {item.qualname for item in app.engines}
