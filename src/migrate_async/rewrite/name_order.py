"""Where a name belongs among the names that an import has.

Names that are in an order stay in it, because a formatter may hold the file to it. Some names take
turns while code migrates: `sync_engine` comes beside `engine`, which goes, and later `engine` comes
back and `sync_engine` goes. Then `engine` has to be where it was, for the files to end the same
whatever the order of the steps. Only the import can remember that place, so a name that is passing
through stands where `returning` can tell it from. For these only one order counts, that of isort
and ruff: a few names are too easily in one of several.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from itertools import chain

_Key = Callable[[str], tuple[int, str]]


def _by_type(name: str) -> tuple[int, str]:
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name


_ORDERS: tuple[_Key, ...] = (
    _by_type,
    lambda name: (0, name),
    lambda name: (0, name.lower()),
)


def adding(names: Sequence[str], name: str) -> int:
    """The index of `name` in `names`: in order, if they are in an order, else last."""
    for key in _ORDERS:
        if _is_in_order(names, key):
            return _place(names, name, key)
    return len(names)


def passing(names: Sequence[str], name: str, beside: str) -> int:
    """The index in `names` of `name`, which may hold the place of `beside` for some time."""
    at = names.index(beside)
    wanted = _place(names, name) if _is_in_order(names) else at + 1
    for index in chain((wanted, at + 1), range(len(names) + 1)):
        left = [known for known in _with(names, name, index) if known != beside]
        if _held(left, beside, name) == at:
            return index
    return wanted


def returning(names: Sequence[str], name: str, beside: str) -> int:
    """The index in `names` of `name`, whose place `beside` has held."""
    if _is_in_order(names):
        return _place(names, name)
    held = _held(names, name, beside)
    return held + int(held > names.index(beside))


def _held(names: Sequence[str], name: str, holder: str) -> int:
    """The index that `name` had among the others, told from where its `holder` stands in `names`.

    Names in order were in order before. In others the holder stands in the very place, with one
    exception: it cannot stand where it would bring them into order. Then it stands where `name`
    would have done so.
    """
    at = names.index(holder)
    others = [known for known in names if known != holder]
    if _is_in_order(names):
        return _place(others, name)
    if _is_in_order(_with(others, name, at)):
        return _place(others, holder)
    return at


def _is_in_order(names: Sequence[str], key: _Key = _by_type) -> bool:
    keys = [key(known) for known in names]
    return keys == sorted(keys)


def _place(names: Sequence[str], name: str, key: _Key = _by_type) -> int:
    return bisect.bisect_left([key(known) for known in names], key(name))


def _with(names: Sequence[str], name: str, index: int) -> list[str]:
    return [*names[:index], name, *names[index:]]
