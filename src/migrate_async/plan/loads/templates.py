"""What Jinja templates read of their context: chains of attributes, by context variable."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate_async.source.templates import Templates

_PART = re.compile(r"\{\{(.*?)\}\}|\{%[-+]?(.*?)%\}", re.DOTALL)
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_CHAIN = re.compile(r"(?<![\w.])([A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*|\[\d+\])*)(\s*\()?")
_FOR = re.compile(r"^for\s+([\w\s,()]+?)\s+in\s+(.*?)(?:\s+recursive)?$", re.DOTALL)
_SET = re.compile(r"^(?:set|with)\s+(\w+)\s*=\s*(.*)$", re.DOTALL)
_MACRO = re.compile(r"^macro\s+(\w+)\s*\((.*)\)$", re.DOTALL)
_OTHER = re.compile(r"^(?:include|extends|import|from)\s+[\"']([^\"']+)[\"']")
_CALL = re.compile(r"(\w+)\s*\(([^()]*)\)")
_ATTRIBUTE = re.compile(
    r"attribute\s*=\s*[\"']([\w.]+)[\"']|(?:select|reject)attr\(\s*[\"']([\w.]+)"
)
_MAX_ROUNDS = 8

Chain = tuple[str, ...]


def chains(name: str, templates: Templates) -> dict[str, frozenset[Chain]]:
    """The attributes that the template `name`, and those it includes, read of each variable.

    Loops, `set`, `with` and macros are followed; scopes are not: a name is one variable
    everywhere. Methods are in the chains as attributes are.
    """
    parts = [part for text in _texts(name, templates) for part in _parts(text)]
    reading = _Reading(parts)
    found: dict[str, set[Chain]] = {}
    for chain in reading.chains():
        found.setdefault(chain[0], set()).add(chain[1:])
    return {variable: frozenset(reads - {()}) for variable, reads in found.items()}


def _texts(name: str, templates: Templates) -> Iterator[str]:
    seen = {name}
    pending = [name]
    while pending:
        for text in templates(pending.pop()):
            yield text
            others = (_OTHER.match(part) for part in _parts(text))
            new = {match.group(1) for match in others if match} - seen
            seen |= new
            pending += sorted(new)


def _parts(text: str) -> list[str]:
    """The insides of `{{ }}` and `{% %}`."""
    matches = _PART.finditer(text)
    return [(match.group(1) or match.group(2) or "").strip(" \t\r\n-+") for match in matches]


class _Reading:
    """The parts of one page: what names stand for, and the chains that are read."""

    def __init__(self, parts: list[str]) -> None:
        self._parts = parts
        self._stands_for: dict[str, set[Chain]] = {}
        self._macros: dict[str, list[str]] = {}
        for part in parts:
            self._define(part)
        for part in parts:
            self._pass_arguments(part)

    def chains(self) -> Iterator[Chain]:
        for part in self._parts:
            for chain in _read(part):
                yield from self._resolved(chain, _MAX_ROUNDS)

    def _define(self, part: str) -> None:
        loop, assigned, macro = _FOR.match(part), _SET.match(part), _MACRO.match(part)
        if loop:
            names = [name.strip(" ()") for name in loop.group(1).split(",")]
            for name in names if len(names) == 1 else ():
                self._stands_for.setdefault(name, set()).update(_first(loop.group(2)))
        elif assigned:
            chains = _first(assigned.group(2))
            self._stands_for.setdefault(assigned.group(1), set()).update(chains)
        elif macro:
            params = [param.partition("=")[0].strip() for param in macro.group(2).split(",")]
            self._macros[macro.group(1)] = [param for param in params if param]

    def _pass_arguments(self, part: str) -> None:
        for match in _CALL.finditer(part):
            params = self._macros.get(match.group(1), [])
            for param, argument in zip(params, match.group(2).split(","), strict=False):
                self._stands_for.setdefault(param, set()).update(_first(argument))

    def _resolved(self, chain: Chain, rounds: int) -> Iterator[Chain]:
        known = self._stands_for.get(chain[0], set())
        if not known:
            yield chain
        for other in sorted(known) if rounds else ():
            if other[0] != chain[0]:
                yield from self._resolved((*other, *chain[1:]), rounds - 1)


def _first(expression: str) -> list[Chain]:
    """What `orders if orders else []` and `orders | sort` stand for: every chain in it."""
    return [chain for chain in _read(expression.partition("|")[0]) if chain[0] != "loop"]


def _read(expression: str) -> Iterator[Chain]:
    plain = _STRING.sub("", expression)
    found = []
    for match in _CHAIN.finditer(plain):
        chain = tuple(re.sub(r"\[\d+\]|\s", "", match.group(1)).split("."))
        if match.group(2) and chain[-1] in ("items", "values", "keys", "get"):
            chain = chain[:-1]
        if chain:
            found.append(chain)
            yield chain
    for match in _ATTRIBUTE.finditer(expression):
        attribute = tuple((match.group(1) or match.group(2)).split("."))
        yield from ((*chain, *attribute) for chain in found)
