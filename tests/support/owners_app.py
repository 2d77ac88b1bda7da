"""An application with every kind of owner of a session, and a program that uses them all."""

from __future__ import annotations

import textwrap

_DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///owners.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

FILES = {
    "app/__init__.py": "",
    "app/database.py": _DATABASE,
    "app/crud.py": """\
        from sqlalchemy.orm import Session

        from app.database import Note


        def add(db: Session, text: str) -> Note:
            note = Note(text=text)
            db.add(note)
            db.commit()
            return note


        def count(db: Session) -> int:
            return db.query(Note).count()
        """,
    "app/main.py": """\
        from fastapi import BackgroundTasks, Depends, FastAPI, Request, WebSocket
        from sqlalchemy.orm import Session

        from app import crud
        from app.database import Base, SessionLocal, engine, get_db

        Base.metadata.create_all(engine)
        app = FastAPI()


        @app.middleware("http")
        async def session_in_state(request: Request, call_next):
            request.state.db = SessionLocal()
            try:
                return await call_next(request)
            finally:
                request.state.db.close()


        def db_of(request: Request) -> Session:
            return request.state.db


        @app.get("/count")
        def count(db: Session = Depends(get_db)):
            return crud.count(db)


        @app.post("/state")
        def by_state(request: Request):
            return crud.add(request.state.db, "state").id


        @app.post("/dependency")
        def by_dependency(db: Session = Depends(db_of)):
            return crud.add(db, "dependency").id


        @app.post("/kept-state")
        def kept_by_state(request: Request):
            rows = request.state.db.query(crud.Note).enable_assertions(False).all()
            crud.add(request.state.db, "kept")
            return [len(rows), request.state.db.query(crud.Note).count()]


        @app.post("/kept-dependency")
        def kept_by_dependency(db: Session = Depends(db_of)):
            return len(db.query(crud.Note).enable_assertions(False).all())


        def later(text: str):
            with SessionLocal() as db:
                crud.add(db, text)


        @app.post("/later")
        def start_later(tasks: BackgroundTasks):
            tasks.add_task(later, "later")


        @app.websocket("/ws")
        async def socket(websocket: WebSocket):
            await websocket.accept()
            with SessionLocal() as db:
                await websocket.send_json(crud.count(db))
            await websocket.close()
        """,
    "app/commands.py": """\
        from threading import Thread

        import click

        from app import crud
        from app.database import SessionLocal


        @click.command()
        @click.argument("text")
        def add(text):
            with SessionLocal() as db:
                click.echo(crud.add(db, text).id)


        def nightly():
            with SessionLocal() as db:
                crud.add(db, "nightly")


        def in_a_thread():
            thread = Thread(target=nightly)
            thread.start()
            thread.join()
        """,
    "app/script.py": """\
        from app import crud
        from app.database import Base, SessionLocal, engine


        def main():
            Base.metadata.create_all(engine)
            with SessionLocal() as db:
                crud.add(db, "script")
                print(crud.count(db))


        if __name__ == "__main__":
            main()
        """,
}
APPLICATION = {path: textwrap.dedent(text) for path, text in FILES.items()}

USE = """
import pathlib, runpy, warnings
warnings.simplefilter("ignore")
pathlib.Path("owners.db").unlink(missing_ok=True)
runpy.run_module("app.script", run_name="__main__")
from click.testing import CliRunner
from fastapi.testclient import TestClient
from app import commands
from app.main import app
with TestClient(app) as client:
    for path in ("state", "dependency", "kept-state", "kept-dependency", "later"):
        print(path, client.post(f"/{path}").text)
    with client.websocket_connect("/ws") as websocket:
        print("ws", websocket.receive_json())
    print("command", CliRunner().invoke(commands.add, ["x"]).output.strip())
    commands.in_a_thread()
    print("count", client.get("/count").text)
"""
