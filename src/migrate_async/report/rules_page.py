"""The page `docs/rules.md`, made of what the rules say about themselves.

    python -m migrate_async.report.rules_page [--check] [FILE]

writes the page, by default `docs/rules.md`; with `--check` it writes nothing and exits with 1 when
the page is not current.
"""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from migrate_async.lint.registry import rules
from migrate_async.lint.rule import Example, Rule

PAGE = Path("docs/rules.md")

_GROUPS = (
    ("MA6", "Leaks"),
    ("MA7", "Async hazards"),
    ("MA80", "Legacy API"),
    ("MA85", "Migration"),
    ("MA", "The linter itself"),
)
_HEAD = """\
# Rules

<!-- Made by `python -m migrate_async.report.rules_page`. Do not edit: change the rule. -->

`migrate-async lint --explain RULE` prints the same. In the examples, `# error` marks the lines
that are found; a confidence other than high stands after it. [lint.md](lint.md) says how to
choose, suppress and mend.
"""


def page(found: Iterable[type[Rule]]) -> str:
    """The whole page."""
    every = sorted(found, key=lambda rule: rule.CODE)
    return "\n".join([_HEAD, *_contents(every), *(line for r in every for line in _section(r))])


def main(arguments: Sequence[str]) -> int:
    """Write or check the page; the exit code."""
    checking = "--check" in arguments
    named = [Path(argument) for argument in arguments if argument != "--check"]
    file = named[0] if named else PAGE
    text = page(rules())
    current = file.read_text(encoding="utf-8") if file.is_file() else ""
    if checking and text != current:
        diff = difflib.unified_diff(current.splitlines(), text.splitlines(), "now", "due", "", "")
        sys.stderr.write("\n".join([f"{file} is not current:", *diff, ""]))
        return 1
    if not checking:
        file.write_text(text, encoding="utf-8")
    return 0


def _contents(every: Sequence[type[Rule]]) -> Iterator[str]:
    left = list(every)
    for prefix, title in _GROUPS:
        group = [rule for rule in left if rule.CODE.startswith(prefix)]
        left = [rule for rule in left if rule not in group]
        if not group:
            continue
        yield f"## {title}\n"
        yield "| code | name | what it finds |"
        yield "| --- | --- | --- |"
        for rule in group:
            anchor = f"{rule.CODE}-{rule.name()}".lower()
            yield f"| [{rule.CODE}](#{anchor}) | `{rule.name()}` | {_cell(rule.summary())} |"
        yield ""


def _section(rule: type[Rule]) -> Iterator[str]:
    yield f"## {rule.CODE} {rule.name()}\n"
    text = inspect.getdoc(rule) or ""
    yield re.sub(r"^## ", "### ", text, flags=re.MULTILINE) + "\n"
    yield f"### If left\n\n{_sentence(rule.CONSEQUENCE)}\n"
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
    yield f"{_sentence(example.title)}\n"
    for path, code in _files(example.code):
        yield (f"`{path}`:\n\n" if path else "") + _block(code)
    if example.fixed is not None:
        yield f"After the fix:\n\n{_block(example.fixed)}"


def _files(code: str) -> Iterator[tuple[str, str]]:
    """The path (empty for the only file) and the text of each file of an example."""
    first, *others = re.split(r"^# file: (\S+)\n", code, flags=re.MULTILINE)
    if first.strip():
        yield ("main.py" if others else ""), first
    yield from zip(others[::2], others[1::2], strict=True)


def _block(code: str) -> str:
    return f"```python\n{code.strip()}\n```\n"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
