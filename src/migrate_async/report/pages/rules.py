"""The page about the linter's rules, made of what they say about themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from migrate_async.lint.rule import Example, Rule
from migrate_async.report.pages.markdown import block, cell, documentation, sentence

_GROUPS = (
    (("MA6",), "Leaks"),
    (("MA7",), "Async hazards"),
    (("MA80", "MA81", "MA82"), "Legacy API"),
    (("MA85",), "Migration"),
    (("MA",), "The linter itself"),
)
_HEAD = """\
# Rules

<!-- Made by `make docs`. Do not edit: change the rule. -->

`migrate-async lint --explain RULE` prints the same. In the examples, `# error` marks the lines
that are found; a confidence other than high stands after it. [lint.md](lint.md) says how to
choose, suppress and mend.
"""


def page(found: Iterable[type[Rule]]) -> str:
    """The whole page."""
    every = sorted(found, key=lambda rule: rule.CODE)
    return "\n".join([_HEAD, *_contents(every), *(line for r in every for line in _section(r))])


def _contents(every: Sequence[type[Rule]]) -> Iterator[str]:
    left = list(every)
    for prefixes, title in _GROUPS:
        group = [rule for rule in left if rule.CODE.startswith(prefixes)]
        left = [rule for rule in left if rule not in group]
        if not group:
            continue
        yield f"## {title}\n"
        yield "| code | name | what it finds |"
        yield "| --- | --- | --- |"
        for rule in group:
            anchor = f"{rule.CODE}-{rule.name()}".lower()
            yield f"| [{rule.CODE}](#{anchor}) | `{rule.name()}` | {cell(rule.summary())} |"
        yield ""


def _section(rule: type[Rule]) -> Iterator[str]:
    yield f"## {rule.CODE} {rule.name()}\n"
    yield documentation(rule)
    yield f"### If left\n\n{sentence(rule.CONSEQUENCE)}\n"
    if rule.PER_FILE:
        yield "One file is enough to find it, so the flake8 plugin has this rule, too.\n"
    for title, examples in (
        ("Found", [example for example in rule.EXAMPLES if example.is_found]),
        ("Left alone", [example for example in rule.EXAMPLES if not example.is_found]),
    ):
        yield f"### {title}\n"
        for example in examples:
            yield from _example(example)


def _example(example: Example) -> Iterator[str]:
    yield f"{sentence(example.title)}\n"
    for path, code in _files(example.code):
        yield (f"`{path}`:\n\n" if path else "") + block(code)
    if example.fixed is not None:
        yield f"After the fix:\n\n{block(example.fixed)}"


def _files(code: str) -> Iterator[tuple[str, str]]:
    """The path (empty for the only file) and the text of each file of an example."""
    first, *others = re.split(r"^# file: (\S+)\n", code, flags=re.MULTILINE)
    if first.strip():
        yield ("main.py" if others else ""), first
    yield from zip(others[::2], others[1::2], strict=True)
