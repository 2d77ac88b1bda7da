"""Names that take turns in an import: the one that comes back stands where it was."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest

from migrate_async.rewrite.name_order import adding, passing, returning

PAIRS = [
    ("engine", "sync_engine"),
    ("SessionLocal", "SyncSessionLocal"),
    ("get_db", "get_sync_db"),
]
OTHERS = ["Base", "DATABASE_URL", "User", "create_tables", "get_session", "models", "settings"]


@pytest.mark.parametrize(("name", "beside"), PAIRS)
@pytest.mark.parametrize("others", range(4))
def test_every_order_of_names_is_found_again(name: str, beside: str, others: int) -> None:
    for chosen in combinations(OTHERS, others):
        for names in permutations([*chosen, name]):
            assert there_and_back(names, name, beside) == names


def test_names_in_order_stay_in_order() -> None:
    names = ["Base", "engine", "get_db", "settings"]
    assert passing(names, "sync_engine", "engine") == 4
    assert returning(["Base", "get_db", "settings", "sync_engine"], "engine", "sync_engine") == 1


@pytest.mark.parametrize(
    ("names", "index"),
    [
        (["Base", "engine"], 1),  # classes first
        (["Base", "SessionLocal", "engine"], 1),
        (["Base", "engine", "SessionLocal"], 1),  # without regard to case
        (["engine", "SessionLocal", "Base"], 3),  # in no order
    ],
)
def test_an_added_name_keeps_to_the_order_there_is(names: list[str], index: int) -> None:
    assert adding(names, "Depends") == index


def there_and_back(names: tuple[str, ...], name: str, beside: str) -> tuple[str, ...]:
    """`names` after `beside` came, `name` went and came back, and `beside` went."""
    both = inserted(names, beside, passing(names, beside, name))
    held = tuple(known for known in both if known != name)
    again = inserted(held, name, returning(held, name, beside))
    return tuple(known for known in again if known != beside)


def inserted(names: tuple[str, ...], name: str, index: int) -> tuple[str, ...]:
    return (*names[:index], name, *names[index:])
