"""What a comment tells the linter to leave out.

    # noqa                                   every rule, on this statement
    # noqa: MA601, MA702 closed by the pool  these rules; what follows the codes is a reason
    # migrate-async: ignore-file[MA601]      these rules, in the whole file; without [...] all

The first two are read as flake8 and ruff read them, and codes of other linters are left to those.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import msgspec

from migrate_async.model import syntax as s

_CODE = r"[A-Za-z]+[0-9]+"
_NOQA = re.compile(
    rf"#\s*noqa(?!\w)(?P<codes>\s*:\s*{_CODE}(?:[,\s]+{_CODE}(?!\w))*)?", re.IGNORECASE
)
_FILE = re.compile(
    r"#\s*migrate-async:\s*ignore-file(?!\w)\s*(?:\[(?P<codes>[^\]]*)\])?", re.IGNORECASE
)
_EACH = re.compile(_CODE)
_OURS = re.compile(r"MA\d+", re.IGNORECASE)


class Suppression(msgspec.Struct, frozen=True):
    """One code that a comment names, or all (an empty `code`), and where it says so.

    `place` is the code in `comment`, or what there is in place of codes. `whole_file`: not only
    the statement that the comment is at.
    """

    comment: s.Comment
    place: s.Comment
    code: str = ""
    whole_file: bool = False


def suppressions(module: s.ModuleSyntax) -> tuple[Suppression, ...]:
    """What the comments of `module` suppress; codes of other linters are left out."""
    return tuple(found for comment in module.suppressions for found in _read(comment))


def without(comment: s.Comment, codes: Collection[str]) -> str:
    """The text of `comment` without those codes.

    With the last code goes what serves only it: the reason, but no other comment on the line.
    """
    left = comment
    while unwanted := next((each for each in _read(left) if each.code in codes), None):
        left = s.Comment(*comment.span, _without_one(unwanted))
    return left.text


def _without_one(suppression: Suppression) -> str:
    text = suppression.comment.text
    match = (_FILE if suppression.whole_file else _NOQA).search(text)
    if match is None or not match["codes"]:
        return ""
    codes = list(_EACH.finditer(text, match.start("codes"), match.end("codes")))
    start = suppression.place.col - suppression.comment.col
    if len(codes) == 1:
        further = text.find("#", match.end())
        parts = (text[: match.start()].rstrip(), text[further:] if further >= 0 else "")
        return "  ".join(part for part in parts if part)
    if start == codes[0].start():
        return text[:start] + text[codes[1].start() :]
    before = next(code for code in reversed(codes) if code.start() < start)
    return text[: before.end()] + text[start + len(suppression.place.text) :]


def codes_end(comment: str) -> int | None:
    """Where the list of codes in a `# noqa: ...` comment ends; None: it has none."""
    match = _NOQA.search(comment)
    return match.end("codes") if match and match["codes"] else None


def _read(comment: s.Comment) -> Iterator[Suppression]:
    for pattern, whole_file in ((_NOQA, False), (_FILE, True)):
        match = pattern.search(comment.text)
        if match is None:
            continue
        if match["codes"] is None:
            place = _part(comment, match.start(), match.end())
            yield Suppression(comment, place, "", whole_file)
            continue
        for code in _EACH.finditer(comment.text, match.start("codes"), match.end("codes")):
            if _OURS.fullmatch(code[0]):
                place = _part(comment, code.start(), code.end())
                yield Suppression(comment, place, code[0].upper(), whole_file)


def _part(comment: s.Comment, start: int, end: int) -> s.Comment:
    column = comment.col
    return s.Comment(
        comment.line, column + start, comment.line, column + end, comment.text[start:end]
    )
