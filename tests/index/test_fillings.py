"""What statements put into containers."""

from __future__ import annotations

import pytest

from migrate_async.index.types import Instance
from support.projects import infer_name, project

_USER = "class User:\n    name = ''\n\n\nclass Team:\n    pass\n\n\n"


def _known(code: str) -> set[str]:
    """The classes that `found`, the last variable of `f`, may hold."""
    types = infer_name(project({"m.py": f"{_USER}{code}"}), "m.f", "found")
    return {item.cls.name for item in types if isinstance(item, Instance)}


def _function(*lines: str) -> str:
    return "\n".join(["def f():", *(f"    {line}" for line in lines)])


@pytest.mark.parametrize(
    "lines",
    [
        ("a = []", "a.append(User())", "found = a[0]"),
        ("a = []", "a.insert(0, User())", "for found in a: pass"),
        ("a = set()", "a.add(User())", "found = a.pop()"),
        ("a = deque()", "a.appendleft(User())", "found = a.popleft()"),
        ("a = list()", "a.extend([User()])", "found = a[0]"),
        ("a = []", "a += [User()]", "found = a[0]"),
        ("a: list = []", "a.append(User())", "found = a[0]"),
        ("a, b = [], {}", "a.append(User())", "found = a[0]"),
        ("a = {}", "a[1] = User()", "found = a.get(1)"),
        ("a = {}", "a[User()] = 1", "for found in a: pass"),
        ("a = Counter()", "a[User()] += 1", "for found, n in a.items(): pass"),
        ("a = {}", "a.setdefault(1, User())", "found = a[2]"),
        ("a = {}", "a.update({1: User()})", "for found in a.values(): pass"),
        ("a = OrderedDict()", "a[1] = User()", "k, found = a.popitem()"),
        ("a = defaultdict(list)", "a[1].append(User())", "found = a[1][0]"),
        (
            "a = {}",
            "a.setdefault(1, []).append(User())",
            "for b in a.values():",
            "    found = b[0]",
        ),
        ("a = {}", "a.setdefault(1, {}).setdefault(2, []).append(User())", "found = a[1][2][0]"),
        ("a = {}", "a[1] = {}", "a[1][2] = User()", "found = a[1][2]"),
        ("a = []", "a.append((1, User()))", "for n, found in a: pass"),
        ("a = []", "def put():", "    a.append(User())", "found = a[0]"),
        ("a = []", "while True:", "    a.append(User())", "    a.append(a[0])", "found = a[0]"),
    ],
    ids="; ".join,
)
def test_what_is_put_in_is_what_comes_out(lines: tuple[str, ...]) -> None:
    assert _known(_function(*lines)) == {"User"}


@pytest.mark.parametrize(
    "head",
    [
        "class Box:\n    def __init__(self):\n        self.items = []\n",
        "@dataclass\nclass Box:\n    items: list = field(default_factory=list)\n",
        "class Box:\n    items = []\n",
    ],
    ids=["init", "dataclass", "class"],
)
def test_methods_fill_the_attributes_of_their_object(head: str) -> None:
    method = "\n    def put(me, user: User):\n        me.items.append(user)\n\n\n"
    code = f"from dataclasses import dataclass, field\n\n\n{head}{method}"
    assert _known(code + _function("box = Box()", "found = box.items[0]")) == {"User"}


def test_everything_that_is_put_in_counts() -> None:
    lines = ("a = [Team()]", "a.append(User())", "found = a[0]")
    assert _known(_function(*lines)) == {"Team", "User"}


@pytest.mark.parametrize(
    "lines",
    [
        ("a = []", "b = []", "b.append(User())", "found = a[0]"),
        ("a = []", "def put(a):", "    a.append(User())", "found = a[0]"),
        ("a = []", "a.append(User)", "found = a[0]"),
        ("a = []", "a.append(f)", "found = a[0]"),
        ("a = list_users()", "a.append(User())", "found = a[0]"),
    ],
    ids="; ".join,
)
def test_what_is_put_in_elsewhere_is_not(lines: tuple[str, ...]) -> None:
    """Nor are functions and classes: who calls those is asked in other ways."""
    assert _known(_function(*lines)) == set()
