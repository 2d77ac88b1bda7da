"""Small projects with Alembic migrations, and what Alembic says of their databases."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect

_INI = """\
[alembic]
script_location = %(here)s/migrations
prepend_sys_path = %(here)s
path_separator = os
sqlalchemy.url = {url}
"""

_DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("{url}")
SessionLocal = sessionmaker(bind=engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_MODELS = """\
from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Numeric, String
from sqlalchemy.orm import declarative_base

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
Base = declarative_base(metadata=MetaData(naming_convention=NAMES))


class Shelf(Base):
    __tablename__ = "shelves"
    id = Column(Integer, primary_key=True)
    name = Column(String(60), unique=True, nullable=False)


class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    shelf_id = Column(Integer, ForeignKey("shelves.id"), nullable=False)
    price = Column(Numeric(10, 2))
    __table_args__ = (Index("ix_books_price", "price"),)
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from {package}.database import get_db
from {package}.models import Shelf

app = FastAPI()


@app.get("/shelves")
def shelves(db: Session = Depends(get_db)) -> int:
    return db.query(Shelf).count()
"""

_FIRST = '''\
"""Shelves and books."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.create_table(
        "shelves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelves")),
        sa.UniqueConstraint("name", name=op.f("uq_shelves_name")),
    )
    op.create_table(
        "books",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("shelf_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shelf_id"], ["shelves.id"], name=op.f("fk_books_shelf_id_shelves")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_books")),
    )
    op.execute("INSERT INTO shelves (id, name) VALUES (1, '100% pulp: a; b')")
    op.execute("INSERT INTO books (id, shelf_id) VALUES (1, 1)")


def downgrade():
    op.drop_table("books")
    op.drop_table("shelves")
'''

_SECOND = '''\
"""Longer names and prices; the books keep their shelf."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    with op.batch_alter_table("shelves") as batch:
        batch.alter_column("name", existing_type=sa.String(30), type_=sa.String(60))
    op.add_column("books", sa.Column("price", sa.Numeric(10, 2), nullable=True))
    op.create_index("ix_books_price", "books", ["price"])
    if not op.get_context().as_sql:
        rows = op.get_bind().execute(sa.text("SELECT shelf_id FROM books")).scalars().all()
        assert rows == [1]


def downgrade():
    op.drop_index("ix_books_price", "books")
    op.drop_column("books", "price")
    with op.batch_alter_table("shelves") as batch:
        batch.alter_column("name", existing_type=sa.String(60), type_=sa.String(30))
'''


@dataclass(frozen=True)
class AlembicProject:
    """A project in `folder` whose package is called `package`."""

    folder: Path
    package: str

    def config(self, url: str, output: io.StringIO | None = None) -> Config:
        """Alembic's configuration, with the URL given in `alembic.ini`."""
        ini = self.folder / "alembic.ini"
        ini.write_text(_INI.format(url=url.replace("%", "%%")))
        return Config(str(ini), output_buffer=output, stdout=output or sys.stdout)

    @property
    def env(self) -> str:
        """The text of `env.py`."""
        return (self.folder / "migrations" / "env.py").read_text()

    def forget(self) -> None:
        """Import the project's modules anew the next time."""
        for name in [name for name in sys.modules if name.split(".")[0] == self.package]:
            del sys.modules[name]

    def migrations_run(self, url: str) -> dict[str, object]:
        """What `upgrade`, `check`, `upgrade --sql`, `downgrade` and `upgrade` do, one by one."""
        self.forget()
        found: dict[str, object] = {}
        command.upgrade(self.config(url), "head")
        found["schema"] = schema_of(url)
        said = io.StringIO()
        command.check(self.config(url, said))
        found["check"] = said.getvalue()
        sql = io.StringIO()
        # Without a database, batch mode cannot copy a table of SQLite.
        last = "0001" if url.startswith("sqlite") else "head"
        command.upgrade(self.config(url, sql), last, sql=True)
        found["sql"] = sql.getvalue()
        command.downgrade(self.config(url), "base")
        found["base"] = schema_of(url)
        command.upgrade(self.config(url), "+1")
        found["first"] = schema_of(url)
        return found


def make_project(folder: Path, package: str, env: str, url: str) -> AlembicProject:
    """Write a project; `{package}` and `{url}` in `env` stand for the two."""
    home = folder / "app"
    files = {
        "pyproject.toml": '[project]\nname = "shelves"\nversion = "1"\n',
        f"{package}/__init__.py": "",
        f"{package}/database.py": _DATABASE.replace("{url}", url),
        f"{package}/models.py": _MODELS,
        f"{package}/main.py": _MAIN.replace("{package}", package),
        "migrations/env.py": env.replace("{package}", package).replace("{url}", url),
        "migrations/versions/0001_first.py": _FIRST,
        "migrations/versions/0002_second.py": _SECOND,
    }
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return AlembicProject(home, package)


def schema_of(url: str) -> dict[str, object]:
    """Tables with their columns, keys and indexes, and the revision."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            looking = inspect(connection)
            return {
                table: [
                    [
                        (c["name"], str(c["type"]), c["nullable"])
                        for c in looking.get_columns(table)
                    ],
                    looking.get_pk_constraint(table),
                    looking.get_foreign_keys(table),
                    looking.get_unique_constraints(table),
                    looking.get_indexes(table),
                    connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall(),
                ]
                for table in looking.get_table_names()
            }
    finally:
        engine.dispose()
