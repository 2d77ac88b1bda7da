"""What a rule is: a code, a documentation, examples that are its tests, and a check.

    class SessionNeverClosed(Rule):
        \"\"\"A session is opened and nothing closes it.

        ## Why
        ## Fix
        ## False alarms
        \"\"\"

        CODE = "MA601"
        CONSEQUENCE = "..."
        REMEDY = "..."
        EXAMPLES = (Example("...", "...  # error"), Example("...", "..."))

        def check(self, view: View) -> Iterator[Finding]: ...

The class is named after the pattern that it finds, so that "ignore session-never-closed" reads
well. A new rule is one file in `lint/rules`.
"""

from __future__ import annotations

import dataclasses
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from migrate_async.index.scopes import Function
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding, Fix, RelatedPlace

_CODE = re.compile(r"MA\d{3}")
_SECTIONS = ("## Why", "## Fix", "## False alarms")


@dataclasses.dataclass(frozen=True)
class Example:
    """Documentation and test in one.

    Each line of `code` that ends in `# error` has exactly one finding of the rule that starts on
    it; other lines have none. `# error: low` (or `medium`) asks for that confidence, `high` is the
    default. A line `# file: app/db.py` starts a further file. `fixed` is the text after the fix,
    markers gone, for a single file. `title` says what the case is about or, where nothing is
    found, the reason.
    """

    title: str
    code: str
    fixed: str | None = None

    @property
    def is_found(self) -> bool:
        """Whether it shows what the rule finds, and not what it leaves alone."""
        return "# error" in self.code


class Rule(ABC):
    """Base of all rules."""

    CODE: ClassVar[str]
    """Stable; `MA6..` leaks, `MA7..` async hazards, `MA80.` to `MA82.` legacy API, `MA85.`
    migration."""
    CONSEQUENCE: ClassVar[str]
    """What happens in production if it is left."""
    REMEDY: ClassVar[str]
    """What to do, for findings that say nothing more special."""
    EXAMPLES: ClassVar[tuple[Example, ...]]
    BEST: ClassVar[Confidence] = Confidence.HIGH
    """The highest confidence that it ever has: it is not run where that is not shown."""
    PER_FILE: ClassVar[bool] = False
    """Whether one file is enough to find it, so that a linter of single files may run it."""
    READS_FINDINGS: ClassVar[bool] = False
    """Whether it looks at what the others found (`View.found`), and therefore runs last."""

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        if ABC not in cls.__bases__:
            _check(cls)

    @abstractmethod
    def check(self, view: View) -> Iterator[Finding]:
        """The findings in the files of `view`, in any order."""

    @classmethod
    def name(cls) -> str:
        """`session-never-closed` for the class `SessionNeverClosed`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def summary(cls) -> str:
        """The first line of the documentation."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    def finding(  # noqa: PLR0913 - the parts of a finding
        self,
        node: s.Node,
        function: Function,
        message: str,
        *,
        confidence: Confidence = Confidence.HIGH,
        remedy: str = "",
        related: Sequence[RelatedPlace] = (),
        fix: Fix | None = None,
    ) -> Finding:
        """A finding of this rule at `node`, which is code of `function`."""
        return Finding(
            path=function.module.path,
            span=node.span,
            code=self.CODE,
            rule=self.name(),
            message=message,
            consequence=self.CONSEQUENCE,
            remedy=remedy or self.REMEDY,
            confidence=confidence.value,
            function=function.qualname,
            related=tuple(related),
            fix=fix,
        )


def place(node: s.Node, function: Function, message: str) -> RelatedPlace:
    """Another place that a finding is about, in the code of `function`."""
    return RelatedPlace(function.module.path, node.span, message)


def _check(cls: type[Rule]) -> None:
    """Refuse a rule that does not say what it finds, and show what it leaves."""
    if not _CODE.fullmatch(getattr(cls, "CODE", "")):
        raise TypeError(f"{cls.__name__} needs a CODE such as MA601")
    for name in ("CONSEQUENCE", "REMEDY"):
        if not getattr(cls, name, ""):
            raise TypeError(f"{cls.__name__} has no {name}")
    missing = [section for section in _SECTIONS if section not in (cls.__doc__ or "")]
    if missing:
        raise TypeError(f"the docstring of {cls.__name__} lacks {', '.join(missing)}")
    examples = getattr(cls, "EXAMPLES", ())
    if not any(example.is_found for example in examples):
        raise TypeError(f"{cls.__name__} has no example of what it finds")
    if all(example.is_found for example in examples):
        raise TypeError(f"{cls.__name__} has no example of what it leaves alone")
