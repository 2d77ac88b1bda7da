"""Profiles of several runs make one, in any order."""

from __future__ import annotations

import itertools

import pytest

from migrate_async.model.profile import (
    VARIES,
    Execution,
    LazyLoad,
    Place,
    Producer,
    Profile,
    RecordedTest,
    statement_key,
)
from migrate_async.model.profile_merge import merge

SELECT = "SELECT items.id FROM items WHERE items.id = ?"
KEY = statement_key(SELECT)
QUERY = Producer("query", Place("shop/crud.py", 10, "shop.crud.get"), KEY)


def load(count: int = 1, most: int = 1, *tests: str, line: int = 4) -> LazyLoad:
    return LazyLoad(
        model="shop.models.Order",
        attribute="items",
        place=Place("shop/api.py", line, "shop.api.show"),
        producer=QUERY,
        count=count,
        most=most,
        tests=tests,
    )


def recorded(*rows: tuple[str, ...], test: str = "test_a.py::test") -> RecordedTest:
    return RecordedTest(test, tuple(Execution(statement=KEY, parameters=(row,)) for row in rows))


def test_counts_are_added_and_the_most_is_the_greatest() -> None:
    one = Profile(loads=(load(5, 3, "b", "a"),), environments=("sqlite",))
    other = Profile(loads=(load(2, 1, "c"), load(line=9)), environments=("postgresql",))
    merged = merge([one, other])
    assert merged.loads == (load(7, 3, "a", "b", "c"), load(line=9))
    assert merged.environments == ("postgresql", "sqlite")


def test_loads_of_other_producers_stay_apart() -> None:
    new = LazyLoad(model="m.A", attribute="b", producer=Producer("new", Place("a.py", 1)))
    query = LazyLoad(model="m.A", attribute="b", producer=QUERY)
    assert set(merge([Profile(loads=(new,)), Profile(loads=(query,))]).loads) == {new, query}


def test_tests_and_statements_are_united() -> None:
    one = Profile(tests=(recorded(("1",), test="b"),), statements={KEY: SELECT})
    other = Profile(tests=(recorded(("2",), test="a"),), statements={"0": "COMMIT"})
    merged = merge([one, other])
    assert [test.test for test in merged.tests] == ["a", "b"]
    assert merged.statements == {"0": "COMMIT", KEY: SELECT}


def test_parameters_that_differ_between_runs_vary() -> None:
    runs = [Profile(tests=(recorded(("1", f'"{token}"')),)) for token in ("x", "y", "z")]
    (test,) = merge(runs).tests
    assert test == recorded(("1", VARIES))


@pytest.mark.parametrize("other", [recorded(("1",)), recorded(("1", "2"), ("3", "4"))])
def test_a_test_that_runs_other_statements_is_not_stable(other: RecordedTest) -> None:
    one = recorded(("1", "2"))
    (test,) = merge([Profile(tests=(one,)), Profile(tests=(other,))]).tests
    assert not test.stable
    assert len(test.executions) == max(len(one.executions), len(other.executions))


def test_the_order_of_profiles_does_not_matter() -> None:
    profiles = [
        Profile(tests=(recorded(("1",), ("2",)),), loads=(load(1, 2, "a"),)),
        Profile(tests=(recorded(("1",), ("3",)),), loads=(load(4, 1, "b"),)),
        Profile(tests=(recorded(("1",)),), problems=("it failed",)),
    ]
    assert len({str(merge(order)) for order in itertools.permutations(profiles)}) == 1


def test_a_repeated_load_of_one_query_is_n_plus_1() -> None:
    assert load(3, 3).is_repeated
    assert not load(3, 1).is_repeated
    new = LazyLoad(model="m.A", attribute="b", producer=Producer("new"), count=3, most=3)
    assert not new.is_repeated
    assert load().name == "Order.items"
