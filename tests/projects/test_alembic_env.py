"""`env.py` on an async engine: Alembic's own commands do what they did before, on a new database.

The legacy environment runs first, with the sync driver; then the converted one, on a database of
its own, with the async driver.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from alembic import command

from support.alembic_projects import AlembicProject, make_project, schema_of
from support.databases import fresh_database
from support.migration import tree, write, written

_HEAD = '''\
from alembic import context
from sqlalchemy import engine_from_config, pool

from {package}.models import Base

config = context.config
target_metadata = Base.metadata


def include_object(object, name, type_, reflected, compare_to):
    return name != "unrelated"


def run_migrations_offline():
    """Only writes."""
    context.configure(
        url=config.get_main_option("sqlalchemy.url"),
        target_metadata=target_metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()

'''
_TAIL = """

if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
"""
_CONFIGURED = """\
context.configure(
            connection=connection,
            target_metadata=target_metadata,
            compare_type=True,
            render_as_batch=True,
            include_object=include_object,
        )
"""

TEMPLATE = (
    _HEAD
    + f'''
def run_migrations_online() -> None:
    """Run migrations in 'online' mode."""
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {{}}),
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )

    # As Alembic's template has it.
    with connectable.connect() as connection:
        {_CONFIGURED}
        with context.begin_transaction():
            context.run_migrations()
'''
    + _TAIL
)

URL_OF_SETTINGS = (
    _HEAD.replace(
        "target_metadata = Base.metadata\n",
        'target_metadata = Base.metadata\n\n\ndef get_url():\n    return str("{url}")\n',
    )
    + f"""
def run_migrations_online():
    configuration = config.get_section(config.config_ini_section)
    configuration["sqlalchemy.url"] = get_url()
    connectable = engine_from_config(configuration, prefix="sqlalchemy.")
    with connectable.connect() as connection:
        {_CONFIGURED}
        with context.begin_transaction():
            context.run_migrations()
"""
    + _TAIL
)

MAIN_OPTION = URL_OF_SETTINGS.replace(
    "\n\ndef run_migrations_online",
    '\n\nconfig.set_main_option("sqlalchemy.url", get_url().replace("%", "%%"))'
    "\n\n\ndef run_migrations_online",
).replace('    configuration["sqlalchemy.url"] = get_url()\n', "")

CLOSED_BY_HAND = (
    _HEAD
    + """
def run_migrations_online():
    engine = engine_from_config(config.get_section(config.config_ini_section))
    connection = engine.connect()
    context.configure(
        connection=connection, target_metadata=target_metadata, render_as_batch=True
    )

    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.close()
"""
    + _TAIL
)

OWN_FUNCTION = (
    _HEAD
    + """
def migrate_on(connection):
    context.configure(
        connection=connection, target_metadata=target_metadata, render_as_batch=True
    )
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online():
    connectable = engine_from_config(
        config.get_section(config.config_ini_section), poolclass=pool.NullPool
    )
    with connectable.begin() as connection:
        migrate_on(connection)
    connectable.dispose()
"""
    + _TAIL
)

SEVERAL_DATABASES = (
    _HEAD.replace("engine_from_config, pool", "create_engine, pool, text")
    + f"""
def run_migrations_online():
    count = 0
    for url in ["{{url}}"]:
        engine = create_engine(url, poolclass=pool.NullPool)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1
            connection.commit()
            {_CONFIGURED}
            with context.begin_transaction():
                context.run_migrations()
            assert engine.dialect.name == connection.dialect.name
        count += 1
    assert count == 1
"""
    + _TAIL
)

ENGINE_OF_THE_APPLICATION = (
    _HEAD.replace(
        "from sqlalchemy import engine_from_config, pool\n", "from {package}.database import engine"
    )
    + f"""
def run_migrations_online():
    connectable = engine
    with connectable.connect() as connection:
        {_CONFIGURED}
        with context.begin_transaction():
            context.run_migrations()
"""
    + _TAIL
)

URL_OF_THE_APPLICATION = TEMPLATE.replace(
    "from {package}.models import Base\n",
    "from {package}.database import engine\nfrom {package}.models import Base\n",
).replace(
    "target_metadata = Base.metadata\n",
    "target_metadata = Base.metadata\n"
    "url = engine.url.render_as_string(hide_password=False)\n"
    'config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))\n',
)


@pytest.fixture(params=["sqlite", "postgresql"])
async def urls(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """The URLs of two empty databases, for the sync driver."""
    async with AsyncExitStack() as stack:
        found = [
            await stack.enter_async_context(fresh_database(request.param, tmp_path))
            for _number in range(2)
        ]
        yield found[0], found[1]


@pytest.fixture
def package() -> str:
    return f"shelves_{uuid.uuid4().hex}"


@pytest.fixture(autouse=True)
def _paths() -> Iterator[None]:
    """Alembic puts the folder of the project onto `sys.path`."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def moved(project: AlembicProject, old: str, new: str) -> None:
    """Have every file of `project` name the database `new`, as its settings would."""
    for path in project.folder.rglob("*.py"):
        text = path.read_text()
        for before, after in ((old, new), (_asynchronous(old), _asynchronous(new))):
            text = text.replace(before, after)
        path.write_text(text)


def _asynchronous(url: str) -> str:
    backend, _, rest = url.partition("://")
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[backend]
    return f"{driver}://{rest}"


@pytest.mark.parametrize(
    ("env", "step"),
    [
        pytest.param(TEMPLATE, "alembic", id="template"),
        pytest.param(URL_OF_SETTINGS, "alembic", id="url-of-settings"),
        pytest.param(MAIN_OPTION, "alembic", id="main-option"),
        pytest.param(CLOSED_BY_HAND, "alembic", id="closed-by-hand"),
        pytest.param(OWN_FUNCTION, "alembic", id="own-function"),
        pytest.param(SEVERAL_DATABASES, "alembic", id="several-databases"),
        pytest.param(ENGINE_OF_THE_APPLICATION, "all", id="engine-of-the-application"),
        pytest.param(URL_OF_THE_APPLICATION, "all", id="url-of-the-application"),
    ],
)
def test_alembic_does_what_it_did(
    env: str, step: str, urls: tuple[str, str], package: str, tmp_path: Path
) -> None:
    old, new = urls
    project = make_project(tmp_path, package, env, old)
    before = project.migrations_run(old)

    write(project.folder, "--step", step)

    assert "asyncio.run(run_migrations_online())" in project.env
    done = tree(project.folder)
    write(project.folder, "--step", step)
    assert tree(project.folder) == done, "a second run changes nothing"
    moved(project, old, new)
    after = project.migrations_run(new)
    assert after == before
    assert "No new upgrade operations detected" in str(after["check"])


@pytest.mark.parametrize("step", ["all", "queries", "models"])
def test_an_environment_with_an_engine_of_its_own_stays(
    step: str, package: str, tmp_path: Path
) -> None:
    """A sync driver goes on working: it is converted when that is asked for."""
    project = make_project(tmp_path, package, TEMPLATE, "sqlite:///app.db")
    before = project.env
    write(project.folder, "--step", step)
    assert project.env == before


def test_the_command_line_ends(package: str, tmp_path: Path) -> None:
    """Connections that are left open would keep the process alive."""
    url = f"sqlite:///{tmp_path}/line.db"
    project = make_project(tmp_path, package, URL_OF_SETTINGS, url)
    write(project.folder, "--step", "alembic")
    project.config(url)
    for arguments in (["upgrade", "head"], ["check"]):
        result = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=project.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr


async def test_a_program_may_migrate_inside_its_event_loop(package: str, tmp_path: Path) -> None:
    """Where the project calls `alembic.command`, the environment blocks instead of failing."""
    url = f"sqlite:///{tmp_path}/loop.db"
    project = make_project(tmp_path, package, ENGINE_OF_THE_APPLICATION, url)
    (project.folder / package / "startup.py").write_text("from alembic import command\n")
    write(project.folder)
    assert "run_blocking(run_migrations_online())" in project.env
    command.upgrade(project.config(url), "head")
    assert "books" in schema_of(url)


def test_an_environment_that_is_not_understood_still_runs(package: str, tmp_path: Path) -> None:
    """It gets the sync side of the application's engine."""
    url = f"sqlite:///{tmp_path}/left.db"
    env = ENGINE_OF_THE_APPLICATION.replace(
        "    connectable = engine\n", "    connectable = engine\n    print(connectable.pool)\n"
    )
    project = make_project(tmp_path, package, env, url)
    write(project.folder)
    assert "asyncio" not in project.env
    assert "sync_engine" in project.env
    project.migrations_run(url)


_APPLICATION = {
    "app/core/__init__.py": "",
    "app/core/database.py": """\
from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite:///later.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
""",
    "app/crud.py": """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def kept(db: Session):
    run = lambda: db.execute(text("select 1")).scalar()
    return run()
""",
    "app/main.py": """\
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

import crud
from core.database import SessionLocal

app = FastAPI()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@app.get("/one")
def one(db: Session = Depends(get_db)):
    return db.execute(text("select 1")).scalar() + crud.kept(db)
""",
    "app/alembic/env.py": """\
from alembic import context

from core.database import Base, engine


def run_migrations_online() -> None:
    connectable = engine

    with connectable.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata)

        with context.begin_transaction():
            context.run_migrations()


run_migrations_online()
""",
}
_LATER = """

def later(db: Session):
    return db.execute(text("select 1")).scalar()
"""


def test_what_converts_later_leaves_the_environment_alone(tmp_path: Path) -> None:
    written(tmp_path, _APPLICATION)
    write(tmp_path)
    crud, env = tmp_path / "app/crud.py", tmp_path / "app/alembic/env.py"
    before = env.read_text()
    assert "connection.run_sync(do_run_migrations)" in before
    crud.write_text(crud.read_text() + _LATER)
    write(tmp_path)
    assert "async def later(" in crud.read_text()
    assert env.read_text() == before
