"""Statements without what differs between drivers: placeholders, their casts and white space."""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Pattern, Sequence

_CAST = (
    r"(?:::(?:double precision|character varying|bit varying"
    r"|time(?:stamp)?(?:\(\d+\))? with(?:out)? time zone|[a-z_][\w.]*)"
    r"(?:\(\d+(?:, ?\d+)*\))?(?:\[\])*)?"
)
_SAVEPOINT = re.compile(r"^((?:RELEASE |ROLLBACK TO )?SAVEPOINT) \S+$")
"""SQLAlchemy numbers them for each connection."""
_MANY_ROWS = re.compile(r"VALUES (?P<row>\([^()']*\))(?:, (?P=row))+")
"""SQLAlchemy 2 makes one of many INSERTs, with some drivers."""
_QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`"
_PLACEHOLDERS = {
    "qmark": r"(?P<next>\?)",
    "format": r"(?P<next>%s)",
    "pyformat": r"%\((?P<name>\w+)\)s",
    "named": r"(?<![:\w]):(?P<name>[a-zA-Z_]\w*)",
    "numeric": r"(?<![:\w]):(?P<number>\d+)",
    "numeric_dollar": r"\$(?P<number>\d+)",
}


class Statement(NamedTuple):
    """A normalised text, and where each of its values is found: a name, an index, or in turn.

    `width` is the number of values in a row of an INSERT that has many, else 0.
    """

    text: str
    keys: Sequence[Any]
    is_in_turn: bool
    width: int = 0


class Statements:
    """Normalises, and remembers what it has normalised."""

    def __init__(self) -> None:
        self._known: Dict[Any, Statement] = {}

    def normal(self, text: str, paramstyle: str) -> Statement:
        found = self._known.get((text, paramstyle))
        if found is None:
            found = self._known[text, paramstyle] = normalise(text, paramstyle)
        return found


def normalise(text: str, paramstyle: str) -> Statement:
    """The statement with `?` for each placeholder of `paramstyle`, and one blank between words."""
    keys: List[Any] = []

    def replaced(match: re.Match[str]) -> str:
        groups = match.groupdict()
        if groups.get("next"):
            keys.append(len(keys))
        elif groups.get("name"):
            keys.append(groups["name"])
        elif groups.get("number"):
            keys.append(int(groups["number"]) - 1)
        else:
            return match[0]
        return "?"

    text = _pattern(paramstyle).sub(replaced, text)
    if paramstyle in ("format", "pyformat"):
        text = text.replace("%%", "%")
    text = _SAVEPOINT.sub(r"\1", " ".join(text.split()))
    is_in_turn = keys == list(range(len(keys)))
    many = _MANY_ROWS.search(text)
    width = many["row"].count("?") if many else 0
    if many is None or many[0].count("?") != len(keys):
        return Statement(text, keys, is_in_turn)
    one = text[: many.start()] + "VALUES " + many["row"] + text[many.end() :]
    return Statement(one, keys, is_in_turn, width)


def rows(statement: Statement, parameters: Any) -> List[List[Any]]:
    """The values of one execution: a row, or one for each row of an INSERT that has many."""
    found = values(statement, parameters)
    width = statement.width or len(found) or 1
    return [found[start : start + width] for start in range(0, len(found), width)]


def values(statement: Statement, parameters: Any) -> List[Any]:
    """One row of values in the order of the placeholders; `parameters` as the driver gets them."""
    if isinstance(parameters, dict):
        return [parameters.get(key) for key in statement.keys]
    if statement.is_in_turn or not statement.keys:
        return list(parameters)
    return [parameters[key] for key in statement.keys]


_PATTERNS: Dict[str, Pattern[str]] = {}


def _pattern(paramstyle: str) -> Pattern[str]:
    if paramstyle not in _PATTERNS:
        placeholder = _PLACEHOLDERS.get(paramstyle, _PLACEHOLDERS["qmark"])
        _PATTERNS[paramstyle] = re.compile(f"{_QUOTED}|(?:{placeholder}){_CAST}", re.IGNORECASE)
    return _PATTERNS[paramstyle]
