"""The test suite on every Python that is installed, on both lines of SQLAlchemy.

nox                       all of them
nox -s "tests-3.12(2.0)"  one

FastAPI's releases have a matrix of their own: `make test-matrix`.
"""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
SQLALCHEMY = {"2.0": "sqlalchemy[asyncio]<2.1", "2.1": "sqlalchemy[asyncio]>=2.1"}


@nox.session(python=PYTHONS)
@nox.parametrize("line", list(SQLALCHEMY), ids=list(SQLALCHEMY))
def tests(session: nox.Session, line: str) -> None:
    """`nox -s tests -- -k something` passes arguments to pytest."""
    if line == "2.1" and session.python == "3.10":
        session.skip("SQLAlchemy 2.1 needs Python 3.11")
    groups = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")
    session.install("--editable", ".[tools]", SQLALCHEMY[line], *groups)
    pytest = ("python", "-m", "pytest", "-n", "2", "--dist", "worksteal")
    session.run(*pytest, *session.posargs, env={"MIGRATE_ASYNC_TEST_FRESH": "1"})
