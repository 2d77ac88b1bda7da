"""Make a profile of the logs that the processes of one run wrote (see `recorder.log`)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, Union

import msgspec

from migrate_async.errors import UsageError
from migrate_async.model.profile import (
    Execution,
    LazyLoad,
    Place,
    Producer,
    Profile,
    RecordedTest,
    statement_key,
)
from migrate_async.model.profile_merge import merge_loads
from migrate_async.recording.addresses import Addresses
from migrate_async.recording.comparing.normal import is_write

Rows = tuple[tuple[str, ...], ...]
_At = Union[tuple[str, int], None]


class _Execution(msgspec.Struct, frozen=True, array_like=True):
    statement: int
    rows: Rows
    count: int
    cause: Literal["", "get", "lazy", "eager", "refresh"]
    at: str
    phase: str


class _Producer(msgspec.Struct, frozen=True, array_like=True):
    kind: Literal["query", "new", "unknown"]
    place: _At
    statement: int
    through: tuple[str, ...]


class _Load(msgspec.Struct, frozen=True, array_like=True):
    model: str
    attribute: str
    kind: Literal["relationship", "deferred", "column-property", "expired"]
    place: _At
    via: str
    producer: _Producer
    count: int
    most: int


class _Line(msgspec.Struct, frozen=True):
    """One line of a log: `executions` and `loads` are those of `test`, otherwise one is there."""

    environment: str = ""
    problem: str = ""
    statement: tuple[int, str] | None = None
    test: str = ""
    executions: tuple[_Execution, ...] = ()
    loads: tuple[_Load, ...] = ()


def collect(folder: Path, addresses: Addresses) -> Profile:
    """The profile of the logs in `folder`; processes follow one another as they were started."""
    logs = [_Log(file, addresses) for file in sorted(folder.glob("*.jsonl"))]
    tests: dict[str, list[Execution]] = {}
    for log in logs:
        for name, executions in log.executions.items():
            tests.setdefault(name, []).extend(executions)
    statements = dict(sorted((k, v) for log in logs for k, v in log.statements.items()))
    return Profile(
        environments=_distinct(item for log in logs for item in log.environments),
        loads=merge_loads(load for log in logs for load in log.loads),
        tests=tuple(
            RecordedTest(name, _in_order(tests[name], statements)) for name in sorted(tests)
        ),
        statements=statements,
        problems=_distinct(item for log in logs for item in log.problems),
    )


def _in_order(
    executions: Iterable[Execution], statements: Mapping[str, str]
) -> tuple[Execution, ...]:
    """What one line writes at a time sorted by statement, and its equal lazy loads by parameters.

    SQLAlchemy keeps the tables of a flush, the objects of a cascade and indexes in sets: the order
    of those that do not depend on each other changes from run to run.
    """

    def group(execution: Execution) -> tuple[str, str]:
        if is_write(statements[execution.statement]):
            return (execution.at, "")
        return (execution.at, execution.statement) if execution.cause == "lazy" else ("", "")

    def order(execution: Execution) -> tuple[str, Rows]:
        is_read = execution.cause == "lazy"
        return (statements[execution.statement], execution.parameters if is_read else ())

    runs = itertools.groupby(executions, group)
    return tuple(item for (at, _), run in runs for item in (sorted(run, key=order) if at else run))


def _distinct(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(items)))


class _Log:
    """What one process wrote. The last line may be half a line: the process may have been killed.

    Raises `UsageError` for a file that the recorder cannot have written.
    """

    def __init__(self, file: Path, addresses: Addresses) -> None:
        self._addresses = addresses
        self._keys = {0: ""}
        self.statements: dict[str, str] = {}
        self.environments: list[str] = []
        self.problems: list[str] = []
        self.executions: dict[str, list[Execution]] = {}
        self.loads: list[LazyLoad] = []
        for line in _lines(file):
            self._read(line)

    def _read(self, line: _Line) -> None:
        if line.environment:
            self.environments.append(line.environment)
        if line.problem:
            self.problems.append(line.problem)
        if line.statement is not None:
            number, text = line.statement
            self._keys[number] = statement_key(text)
            self.statements[self._keys[number]] = text
        if line.executions:
            known = self.executions.setdefault(line.test, [])
            known.extend(map(self._execution, line.executions))
        self.loads.extend(self._load(load, line.test) for load in line.loads)

    def _execution(self, raw: _Execution) -> Execution:
        return Execution(
            statement=self._keys[raw.statement],
            parameters=tuple(sorted(raw.rows)),  # those of an association table come from a set
            count=raw.count,
            cause=raw.cause,
            at=raw.at,
            phase="setup" if raw.phase == "setup" else "teardown" if raw.phase else "",
        )

    def _load(self, raw: _Load, test: str) -> LazyLoad:
        producer = Producer(
            kind=raw.producer.kind,
            place=self._place(raw.producer.place),
            statement=self._keys[raw.producer.statement],
            through=raw.producer.through,
        )
        return LazyLoad(
            model=self._addresses.model(raw.model),
            attribute=raw.attribute,
            kind=raw.kind,
            place=self._place(raw.place, raw.via),
            via=raw.via,
            producer=producer,
            count=raw.count,
            most=raw.most,
            tests=(test,) if test else (),
        )

    def _place(self, at: _At, via: str = "") -> Place:
        return Place() if at is None else self._addresses.place(at[0], at[1], via)


def _lines(file: Path) -> Iterator[_Line]:
    decoder = msgspec.json.Decoder(_Line)
    for number, data in enumerate(file.read_bytes().splitlines(keepends=True), start=1):
        if not data.endswith(b"\n"):
            return
        try:
            yield decoder.decode(data)
        except msgspec.DecodeError as error:
            raise UsageError(f"{file}:{number} is no line of the recorder: {error}") from None
