"""Whether new text may be written: `verify` looks at the project as it would be then.

What a planner gets wrong is seen here by rules that know nothing of plans: who calls what, what is
awaited, which names are there. What was wrong before is nobody's fault now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from migrate_async.model.diagnostic import Diagnostic, Severity

Verify = Callable[[Mapping[str, bytes]], Iterable[Diagnostic]]
"""What `verify` finds in the project if these files have that content."""


def new_mistakes(verify: Verify, instead: Mapping[str, bytes]) -> list[Diagnostic]:
    """The errors that are in the project with the content `instead`, and are not in it now.

    One that only moves to another line is none, nor one that has another code: a coroutine that
    nobody awaits is something else in a function that becomes one.
    """
    after = _errors(verify(instead))
    if not after:
        return []
    known = Counter(map(_same, _errors(verify({}))))
    found = []
    for item in after:
        if known[_same(item)]:
            known[_same(item)] -= 1
        else:
            found.append(item)
    return found


def _errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    return sorted(item for item in found if item.severity == Severity.ERROR.value)


def _same(item: Diagnostic) -> tuple[str, str]:
    return item.path, item.message
