"""A profile: what the recorder saw of the database while a command ran.

`migrate-async record` writes it; docs/record.md describes it and docs/profile.schema.json is its
JSON schema. Everything in it is sorted and holds no time of day, so that two runs that do the
same give the same bytes.
"""

from __future__ import annotations

import enum
import hashlib
from typing import Literal

import msgspec

PROFILE_VERSION = 1


class LoadKind(enum.Enum):
    """What a lazy load fetches."""

    RELATIONSHIP = "relationship"
    DEFERRED = "deferred"
    """A deferred column, or one that the query left out."""
    COLUMN_PROPERTY = "column-property"
    EXPIRED = "expired"
    """An attribute that a commit, a rollback, a flush or `expire()` has expired."""


class ProducerKind(enum.Enum):
    """Where the object came from whose attribute was loaded."""

    QUERY = "query"
    NEW = "new"
    """The application made it; no loader option of a query can help."""
    UNKNOWN = "unknown"


class Place(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """A line of the application.

    `path` is relative to the project root, with forward slashes; it is empty when none of the
    application's code was at work. `line` counts from 1. `function` is the qualified name, as in a
    plan; it is empty in a template.
    """

    path: str = ""
    line: int = 0
    function: str = ""


class Producer(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """What produced an object: the place of a query and its statement, or where it was made.

    `statement` is a key of `Profile.statements`. `through` are the lazy loads that lead from what
    the query returned to the object, as `Model.attribute`, outermost first; it is empty when the
    query returned the object itself.
    """

    kind: Literal["query", "new", "unknown"] = "unknown"
    place: Place = Place()
    statement: str = ""
    through: tuple[str, ...] = ()


class LazyLoad(msgspec.Struct, frozen=True, order=True, omit_defaults=True, kw_only=True):
    """Loads of one attribute, touched at one place, of objects from one producer.

    `model` is the dotted name of the mapped class that has `attribute`. `via` says who touched it
    on behalf of the code at `place`: `response` (FastAPI made a response; the place is the route's
    `def`), `pydantic`, `jinja2`, `awaitable_attrs`; empty: the line itself.

    `count` are all loads; `most` is the greatest number of them that one execution of the
    producing query caused (for new objects: that one test caused). `tests` are the tests that were
    running, sorted.
    """

    model: str
    attribute: str
    kind: Literal["relationship", "deferred", "column-property", "expired"] = "relationship"
    place: Place = Place()
    via: str = ""
    producer: Producer = Producer()
    count: int = 1
    most: int = 1
    tests: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`Model.attribute`, without the module."""
        return f"{self.model.rpartition('.')[2]}.{self.attribute}"

    @property
    def is_repeated(self) -> bool:
        """Whether it is an N+1 load: one query caused the same load more than once."""
        return self.producer.kind == ProducerKind.QUERY.value and self.most > 1


class Execution(msgspec.Struct, frozen=True, order=True, omit_defaults=True, kw_only=True):
    """A statement that ran `count` times in succession, with the same parameters.

    `statement` is a key of `Profile.statements`. `parameters` has a row for each set of values
    (several for an `executemany`); a value is text, see docs/record.md. `cause` is `get` for a
    look-up by primary key, `lazy` for a lazy load, `eager` for a load that a loader option asked
    for, `refresh` for `refresh()` and expired attributes; empty for what the code asked for
    itself. `at` is `path:line`. `phase` is `setup` or `teardown` for what fixtures did; empty for
    the test.
    """

    statement: str
    parameters: tuple[tuple[str, ...], ...] = ()
    count: int = 1
    cause: Literal["", "get", "lazy", "eager", "refresh"] = ""
    at: str = ""
    phase: Literal["", "setup", "teardown"] = ""


class RecordedTest(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """What one test executed, in order; `test` is its node id, as pytest prints it.

    `test` is empty for what ran outside of tests. `stable` is false when recordings of the test
    differ in more than the values of parameters.
    """

    test: str
    executions: tuple[Execution, ...] = ()
    stable: bool = True


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Lazy loads and the SQL of each test, of one run or of several merged.

    `statements` are the normalised SQL texts by key (see `statement_key`). `environments` name
    what it ran on, such as `sqlalchemy 2.0.36, sqlite+pysqlite`. `problems` are failures of the
    recorder itself: what they are about is missing.
    """

    version: int = PROFILE_VERSION
    environments: tuple[str, ...] = ()
    loads: tuple[LazyLoad, ...] = ()
    tests: tuple[RecordedTest, ...] = ()
    statements: dict[str, str] = {}
    problems: tuple[str, ...] = ()


VARIES = "<varies>"
"""Stands for a parameter that differs from run to run."""


def statement_key(statement: str) -> str:
    """The key of a normalised statement in `Profile.statements`."""
    return hashlib.sha256(statement.encode("utf-8", "replace")).hexdigest()[:12]
