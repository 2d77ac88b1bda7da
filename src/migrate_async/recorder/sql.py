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
    """A normalised text, and where each of its values is found: a name, an index, or in turn."""

    text: str
    keys: Sequence[Any]
    is_in_turn: bool


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
    return Statement(text, keys, keys == list(range(len(keys))))


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
