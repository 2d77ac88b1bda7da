"""An application as many are: a file for each model, a table that is altered when it starts.

It is executed before and after its migration, at once and route by route.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import tree
from support.route_by_route import in_random_order, migrate

FILES = {
    "app/__init__.py": "",
    "app/database.py": """
        import os

        from sqlalchemy import create_engine
        from sqlalchemy.orm import DeclarativeBase, sessionmaker

        engine = create_engine(os.environ["DATABASE_URL"])
        SessionLocal = sessionmaker(bind=engine)


        class Base(DeclarativeBase):
            pass


        def get_db():
            db = SessionLocal()
            try:
                yield db
            finally:
                db.close()
    """,
    "app/client.py": """
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from app.database import Base


        class Client(Base):
            __tablename__ = "clients"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str]
            projects: Mapped[list["Project"]] = relationship(back_populates="client")
    """,
    "app/project.py": """
        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from app.database import Base


        class Project(Base):
            __tablename__ = "projects"
            id: Mapped[int] = mapped_column(primary_key=True)
            client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
            client: Mapped["Client"] = relationship(back_populates="projects")
            quotes: Mapped[list["Quote"]] = relationship(back_populates="project")

            @property
            def codes(self) -> list[str]:
                return [quote.code for quote in self.quotes]
    """,
    "app/quote.py": """
        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from app.database import Base


        class Quote(Base):
            __tablename__ = "quotes"
            id: Mapped[int] = mapped_column(primary_key=True)
            code: Mapped[str]
            project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
            project: Mapped["Project"] = relationship(back_populates="quotes")    """,
    "app/schemas.py": """
        from pydantic import BaseModel


        class Project(BaseModel):
            label: str = "a schema of the same name, which has no client"


        class ProjectOut(BaseModel):
            id: int
            codes: list[str]

            class Config:
                from_attributes = True
    """,
    "app/main.py": """
        from fastapi import Depends, FastAPI
        from sqlalchemy import inspect, text
        from sqlalchemy.orm import Session, joinedload

        from app.client import Client
        from app.database import Base, SessionLocal, engine, get_db
        from app.project import Project
        from app.quote import Quote
        from app.schemas import ProjectOut

        app = FastAPI()


        @app.on_event("startup")
        def start():
            Base.metadata.create_all(bind=engine)
            inspector = inspect(engine)
            with engine.begin() as connection:
                if "note" not in {column["name"] for column in inspector.get_columns("clients")}:
                    connection.execute(text("ALTER TABLE clients ADD COLUMN note VARCHAR"))
            with SessionLocal() as db:
                client = Client(name="Ada")
                db.add_all([Project(client=client), Project(client=client)])
                db.commit()


        def describe(quote: Quote) -> str:
            return (
                "A new quote.\\n"
                f"Code: {quote.code}\\n"
                f"For: {quote.project.id}, {quote.project.client.name}\\n"
            )


        def announce(db: Session, quote: Quote) -> str:
            known = db.query(Quote).filter(Quote.code == quote.code).count()
            return (
                f"{known} of this code.\\n"
                f"For: {quote.project.id}, {quote.project.client.name}\\n"
            )


        @app.post("/quotes")
        def make(db: Session = Depends(get_db)):
            quote = Quote(code="Q", project_id=1)
            db.add(quote)
            db.commit()
            db.refresh(quote)
            return announce(db, quote)


        def with_quotes(db: Session):
            return db.query(Project).options(joinedload(Project.quotes))


        @app.get("/projects", response_model=list[ProjectOut])
        def projects(after: int | None = None, db: Session = Depends(get_db)):
            query = with_quotes(db)
            if after is not None:
                query = query.filter(Project.id > after)
            return query.order_by(Project.id).all()


        @app.get("/quotes/{id}")
        def show(id: int, db: Session = Depends(get_db)):
            return describe(db.query(Quote).filter(Quote.id == id).one())


        @app.get("/clients")
        def clients(db: Session = Depends(get_db)):
            found = db.query(Client).all()
            return {c.name: [[q.code for q in p.quotes] for p in c.projects] for c in found}


        @app.get("/columns")
        def columns():
            return [column["name"] for column in inspect(engine).get_columns("clients")]


        @app.get("/tables")
        async def tables():
            return sorted(inspect(engine).get_table_names())
    """,
}

REQUESTS = [
    {"method": "POST", "path": "/quotes"},
    {"method": "GET", "path": "/quotes/1"},
    {"method": "GET", "path": "/projects"},
    {"method": "GET", "path": "/projects?after=1"},
    {"method": "GET", "path": "/clients"},
    {"method": "GET", "path": "/columns"},
    {"method": "GET", "path": "/tables"},
]


def written(folder: Path) -> Path:
    for path, text in FILES.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text).lstrip())
    return folder


def answers(folder: Path) -> list[dict[str, object]]:
    return replay(folder, REQUESTS, app="app.main:app")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    found = answers(written(tmp_path_factory.mktemp("before")))
    assert [answer["status"] for answer in found] == [200] * len(REQUESTS)
    assert "note" in str(found[5]["json"])
    return found


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = written(tmp_path_factory.mktemp("after"))
    migrate(folder, EVERYTHING)
    return folder


def test_what_models_name_without_importing_is_loaded(
    before: list[dict[str, object]], at_once: Path
) -> None:
    assert answers(at_once) == before


def test_inspecting_never_works_on_an_async_engine(at_once: Path) -> None:
    main = (at_once / "app/main.py").read_text()
    assert main.count("inspect(sync_engine)") == 1
    assert main.count("inspect(sync_conn)") == 2
    assert "inspect(engine)" not in main


def test_a_second_run_changes_nothing(at_once: Path) -> None:
    found = tree(at_once)
    migrate(at_once, EVERYTHING)
    assert tree(at_once) == found


def test_every_state_on_the_way_answers_alike(
    before: list[dict[str, object]], at_once: Path, tmp_path: Path
) -> None:
    folder = written(tmp_path)
    for route in in_random_order(folder, 3):
        assert answers(folder) == before, route
    assert tree(folder) == tree(at_once)
