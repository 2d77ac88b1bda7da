"""SQL text cut into the few pieces that matter for moving parameters about.

What is inside quotes, dollar quotes and comments is left alone; placeholders, semicolons and words
are found outside of them. Two spellings of placeholders are known: `$1`, which asyncpg takes, and
psycopg2's `%s` and `%(name)s`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from migrate_async.runtime.errors import MigrateAsyncRuntimeError

MARK = "/**/"
"""Around the casts that SQLAlchemy adds to placeholders, to tell them from those in the text."""

_TOKEN = re.compile(
    r"""
      (?P<line>--[^\n]*)
    | (?P<comment>/\*(?!\*/::))
    | (?P<quoted>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"
        |\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    | (?P<bind>\$(?P<number>\d+)(?P<cast>/\*\*/::.*?/\*\*/)?)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<end>;)
    | (?P<space>\s+)
    | (?P<format>%(?:\((?P<name>[^)]*)\))?s|%%)
    | (?P<other>\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_FORMAT = re.compile(r"%(?:\([^)]*\))?s")
_NAMED = re.compile(r"(?<![:\w\\]):\w+(?!:)")
_PASTED = (
    "a placeholder inside {}: psycopg2 pastes the value into the text, where a real parameter "
    "cannot be; build the text in SQL, with ||"
)
_ORDERING = ("ORDER", "GROUP", "DISTINCT")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_SILENT = frozenset({"line", "comment", "space"})


Values = tuple[Any, ...]


class ParameterRefused(MigrateAsyncRuntimeError):
    """A parameter has a meaning in psycopg2 which cannot be kept; the message says which."""


class Token(NamedTuple):
    """A piece of SQL; `number` counts parameters from 0 and is that of a `bind` only."""

    kind: str
    text: str
    number: int = -1
    marked: bool = False

    @property
    def cast(self) -> str:
        """What SQLAlchemy added to the placeholder."""
        return self.text.lstrip("$0123456789")


class Statement:
    """One SQL statement, and where its parameters are.

    :ivar by_position: whether a bare integer can name a column (ORDER BY 1).
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tuple(tokens)
        self.marked = frozenset(token.number for token in tokens if token.marked)
        self.by_position = any(t.kind == "word" and t.text.upper() in _ORDERING for t in tokens)

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)

    def without_casts(self, numbers: Collection[int]) -> str:
        """The SQL without what SQLAlchemy added to these parameters."""
        return "".join(
            token.text.removesuffix(token.cast) if token.number in numbers else token.text
            for token in self.tokens
        )

    def after_word(self, words: Collection[str]) -> set[int]:
        """The parameters which stand directly behind one of these words."""
        found, before = set(), ""
        for token in self.tokens:
            if token.kind == "bind" and before in words:
                found.add(token.number)
            if token.kind not in _SILENT:
                before = token.text.upper()
        return found

    def render(self, write: Callable[[Token], tuple[str, tuple[Any, ...]]]) -> tuple[str, Values]:
        """The SQL with each parameter written as `write` says, and the values, numbered anew.

        `write` returns a text with one `{}` for each value. It is asked once per parameter.
        """
        values: list[Any] = []
        written: dict[tuple[int, bool], str] = {}
        parts: list[str] = []
        for token in self.tokens:
            if token.kind != "bind":
                parts.append(token.text)
                continue
            key = (token.number, token.marked)
            if key not in written:
                text, own = write(token)
                written[key] = text.format(*(f"${len(values) + 1 + i}" for i in range(len(own))))
                values += own
            parts.append(written[key])
        return "".join(parts), tuple(values)


@lru_cache(maxsize=512)
def parse(sql: str) -> tuple[Statement, ...]:
    """The statements of a text with `$1` placeholders; empty ones are left out."""
    statements: list[list[Token]] = [[]]
    for token in _tokens(sql):
        if token.kind == "end":
            statements.append([])
        else:
            statements[-1].append(token)
    kept = [tokens for tokens in statements if any(t.kind not in _SILENT for t in tokens)]
    return tuple(Statement(tokens) for tokens in kept)


def number_formats(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> tuple[str, Values]:
    """psycopg2's placeholders as `$1`, `$2`... and the values in this order.

    :raises ParameterRefused: a placeholder in quotes or a comment, where psycopg2 pastes text.
    """
    values: list[Any] = []
    parts: list[str] = []
    for token in _tokens(sql):
        if token.kind in {"quoted", "line", "comment"}:
            if _FORMAT.search(token.text.replace("%%", "")):
                raise ParameterRefused(_PASTED.format(token.text))
            parts.append(token.text.replace("%%", "%"))
        elif token.kind == "format" and token.text != "%%":
            values.append(_value_of(token, len(values), parameters))
            parts.append(f"${len(values)}")
        else:
            parts.append("%" if token.text == "%%" else token.text)
    if isinstance(parameters, Sequence) and len(parameters) != len(values):
        raise ParameterRefused(f"{len(parameters)} values for {len(values)} placeholders: {sql!r}")
    return "".join(parts), tuple(values)


def refuse_pasting(sql: str) -> None:
    """For a text with SQLAlchemy's placeholders, which it finds in quotes, too.

    :raises ParameterRefused: there is one.
    """
    for token in _tokens(sql) if ":" in sql else ():
        if token.kind == "quoted" and _NAMED.search(token.text):
            raise ParameterRefused(_PASTED.format(token.text))


def has_formats(sql: str) -> bool:
    """Whether a text has psycopg2's placeholders or its doubled percent signs."""
    return "%%" in sql or _FORMAT.search(sql) is not None


def _value_of(token: Token, index: int, parameters: Any) -> Any:
    name = token.text[2:-2] if token.text.startswith("%(") else None
    try:
        return parameters[index] if name is None else parameters[name]
    except (IndexError, KeyError, TypeError):
        raise ParameterRefused(f"there is no value for the placeholder {token.text}") from None


def _tokens(sql: str) -> Iterable[Token]:
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        assert match is not None, "`.` matches anything"  # noqa: S101
        end = _end_of_comment(sql, position) if match["comment"] else match.end()
        text = sql[position:end]
        position = end
        if match["bind"]:
            yield Token("bind", text, int(match["number"]) - 1, match["cast"] is not None)
        else:
            yield Token(str(match.lastgroup), text)


def _end_of_comment(sql: str, start: int) -> int:
    """Block comments nest in PostgreSQL."""
    depth = 0
    for match in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(sql)
