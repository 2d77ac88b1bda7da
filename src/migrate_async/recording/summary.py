"""The sums of a profile."""

from __future__ import annotations

import msgspec

from migrate_async.model.profile import LazyLoad, Profile
from migrate_async.model.recording import LoadGroup, Recording


def summarise(profile: Profile) -> Recording:
    """Loads grouped by attribute, place and producer, and how much was executed."""
    groups: dict[LoadGroup, list[LazyLoad]] = {}
    for load in profile.loads:
        groups.setdefault(_key(load), []).append(load)
    loads = [_filled(key, found) for key, found in groups.items()]
    return Recording(
        environments=profile.environments,
        tests=sum(bool(test.test) for test in profile.tests),
        executions=sum(run.count for test in profile.tests for run in test.executions),
        statements=len(profile.statements),
        loads=tuple(sorted(loads, key=lambda load: (-load.count, load))),
        problems=profile.problems,
    )


def _key(load: LazyLoad) -> LoadGroup:
    return LoadGroup(
        name=load.name,
        kind=load.kind,
        place=load.place,
        via=load.via,
        producer=load.producer.kind,
        produced_at=load.producer.place,
        through=load.producer.through,
        count=0,
        most=0,
        tests=0,
    )


def _filled(key: LoadGroup, loads: list[LazyLoad]) -> LoadGroup:
    return msgspec.structs.replace(
        key,
        count=sum(load.count for load in loads),
        most=max(load.most for load in loads),
        tests=len({test for load in loads for test in load.tests}),
    )
