"""`getattr(x, name)` with a name that the code has: which methods may be meant."""

from __future__ import annotations

import pytest

from migrate_async.index import types as t
from migrate_async.model import syntax as s
from support.projects import project

_MODULE = """
TABLE = {{"a": "first", "b": "second"}}
CHANGED = {{"a": "first"}}
GIVEN = {{"a": "first"}}
PLAIN = "first"
CHANGED["b"] = "third"
unknown(GIVEN)


class Thing:
    def first(self): ...
    def second(self): ...
    def third(self): ...


def use(thing: Thing, key: str, given):
    {body}
"""


def _found(body: str) -> set[str] | None:
    """The methods that `getattr` gives; None: nobody knows."""
    text = _MODULE.format(body=body.replace("\n", "\n    "))
    built = project({"m.py": text})
    [use] = [function for function in built.functions if function.name == "use"]
    [call] = [call for call in use.calls if s.dotted_name(call.node.func) == "getattr"]
    types = built.infer(call.node, call.scope)
    names = {item.fn.name for item in types if isinstance(item, t.FunctionObject)}
    is_open = any(isinstance(item, t.ExternalResult) for item in types)
    used = {f.name for f in built.functions if f.cls and built.value_uses(f)}
    assert not used or is_open
    return None if is_open else names


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("getattr(thing, 'first')()", {"first"}),
        ("getattr(thing, PLAIN)()", {"first"}),
        ("getattr(thing, TABLE[key])()", {"first", "second"}),
        ("name = TABLE[key]\ngetattr(thing, name)()", {"first", "second"}),
        ("name = 'first' if key else 'third'\ngetattr(thing, name)()", {"first", "third"}),
        ("for name in ('second', 'third'):\n    getattr(thing, name)()", {"second", "third"}),
        ("if key:\n    name = 'first'\nelse:\n    name = 'second'\ngetattr(thing, name)()",
         {"first", "second"}),
    ],
)  # fmt: skip
def test_names_that_the_code_has(body: str, expected: set[str]) -> None:
    assert _found(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "getattr(thing, key)()",
        "getattr(thing, given[key])()",
        "getattr(thing, CHANGED[key])()",
        "getattr(thing, GIVEN[key])()",
        "name = 'first'\nname += key\ngetattr(thing, name)()",
        "name = 'first'\nif key:\n    name = given\ngetattr(thing, name)()",
        "for name in given:\n    getattr(thing, name)()",
    ],
)
def test_names_that_it_has_not(body: str) -> None:
    assert _found(body) is None
