"""Make one profile of several; the order in which they are given does not matter."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import msgspec

from migrate_async.model.profile import (
    VARIES,
    Execution,
    LazyLoad,
    Profile,
    RecordedTest,
)


def merge(profiles: Iterable[Profile]) -> Profile:
    """Counts of equal loads are added up, `most` is the greatest, tests are united.

    A test that was recorded more than once keeps one sequence of statements: parameters that
    differ become `VARIES`; if more differs, the test is no longer `stable` and the longest
    recording counts.
    """
    given = list(profiles)
    statements = {key: text for profile in given for key, text in profile.statements.items()}
    return Profile(
        environments=_united(profile.environments for profile in given),
        loads=merge_loads(load for profile in given for load in profile.loads),
        tests=_merge_tests(test for profile in given for test in profile.tests),
        statements=dict(sorted(statements.items())),
        problems=_united(profile.problems for profile in given),
    )


def merge_loads(loads: Iterable[LazyLoad]) -> tuple[LazyLoad, ...]:
    """The loads, sorted, with no two that differ in their numbers and tests only."""
    found: dict[LazyLoad, LazyLoad] = {}
    for load in loads:
        key = msgspec.structs.replace(load, count=0, most=0, tests=())
        other = found.get(key)
        found[key] = load if other is None else _added(load, other)
    return tuple(sorted(found.values()))


def _added(one: LazyLoad, other: LazyLoad) -> LazyLoad:
    return msgspec.structs.replace(
        one,
        count=one.count + other.count,
        most=max(one.most, other.most),
        tests=_united([one.tests, other.tests]),
    )


def _merge_tests(tests: Iterable[RecordedTest]) -> tuple[RecordedTest, ...]:
    by_name: dict[str, list[RecordedTest]] = {}
    for test in tests:
        by_name.setdefault(test.test, []).append(test)
    return tuple(functools.reduce(_combined, sorted(by_name[name])) for name in sorted(by_name))


def _combined(one: RecordedTest, other: RecordedTest) -> RecordedTest:
    if len(one.executions) == len(other.executions):
        pairs = list(zip(one.executions, other.executions, strict=True))
        if all(_are_alike(*pair) for pair in pairs):
            executions = tuple(_varied(*pair) for pair in pairs)
            return RecordedTest(one.test, executions, one.stable and other.stable)
    longer = max(one, other, key=lambda test: (len(test.executions), test.executions))
    return RecordedTest(one.test, longer.executions, stable=False)


def _are_alike(one: Execution, other: Execution) -> bool:
    """Whether they are equal but for the values of parameters."""
    return _shape(one) == _shape(other)


def _shape(execution: Execution) -> Execution:
    rows = tuple(("",) * len(row) for row in execution.parameters)
    return msgspec.structs.replace(execution, parameters=rows)


def _varied(one: Execution, other: Execution) -> Execution:
    rows = zip(one.parameters, other.parameters, strict=True)
    parameters = tuple(tuple(_values(*pair)) for pair in rows)
    return msgspec.structs.replace(one, parameters=parameters)


def _values(one: Sequence[str], other: Sequence[str]) -> Iterable[str]:
    for left, right in zip(one, other, strict=True):
        yield left if left == right else VARIES


def _united(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({item for group in groups for item in group}))
