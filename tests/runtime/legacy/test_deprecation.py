"""The shim warns once for each line which uses it, and counts every use."""

import warnings

import pytest

from migrate_async.runtime.frames import Location
from migrate_async.runtime.legacy.deprecation import (
    LegacyShimWarning,
    counted_elsewhere,
    legacy_uses,
    warn_legacy,
)


def use_the_shim() -> None:
    warn_legacy("old()", "new()")


def test_it_warns_once_per_line_and_counts_each_use() -> None:
    def use_it_on_two_lines() -> None:
        for _ in range(3):
            use_the_shim()
        warn_legacy("old()", "new()")

    with pytest.warns(LegacyShimWarning, match=r"old\(\) .* use new\(\) instead") as caught:
        use_it_on_two_lines()
    assert [warning.filename for warning in caught] == [__file__, __file__]
    assert sorted(use.count for use in legacy_uses()) == [1, 3]


def test_the_warning_is_a_deprecation_warning() -> None:
    with pytest.warns(DeprecationWarning, match="deprecated"):
        use_the_shim()


def test_a_call_site_may_be_given() -> None:
    where = Location("shop/routes.py", 7, "list_orders")
    with pytest.warns(LegacyShimWarning) as caught:
        warn_legacy("old()", "new()", where)
    assert (caught[0].filename, caught[0].lineno) == ("shop/routes.py", 7)
    assert legacy_uses()[0].location == where


def test_nothing_is_counted_twice() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with counted_elsewhere():
            use_the_shim()
    assert legacy_uses() == []
