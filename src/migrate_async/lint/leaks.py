"""What the rules about leaks have in common: they judge the fates of resources."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.resources.fate import Fate, Handover, Leak, LeakKind
from migrate_async.lint.rule import Rule, place
from migrate_async.lint.view import View
from migrate_async.lint.with_block import with_block
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding, RelatedPlace


class LeakRule(Rule, ABC):
    """A rule that looks at one resource at a time: those of `FAMILIES`."""

    FAMILIES: ClassVar[frozenset[str]] = frozenset({"session"})

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for fate in view.analysis(Resources).of(function):
                # What `next(get_db())` gives has a rule of its own.
                if fate.resource.family in self.FAMILIES and fate.resource.via != "next":
                    yield from self.findings_of(fate)

    @abstractmethod
    def findings_of(self, fate: Fate) -> Iterator[Finding]:
        """The findings about one resource."""

    def of_fate(
        self,
        fate: Fate,
        message: str,
        *,
        confidence: Confidence | None = None,
        related: Sequence[RelatedPlace] = (),
    ) -> Finding:
        """A finding at the place where the resource is opened."""
        resource = fate.resource
        if resource.origin is not None:
            origin = resource.origin
            opened = place(origin.node, origin.function, f"the {origin.noun} is opened here")
            related = (opened, *related)
        return self.finding(
            resource.node,
            resource.function,
            message,
            confidence=confidence or confidence_of(fate),
            related=related,
            fix=with_block(fate, self.name()),
        )


def confidence_of(fate: Fate, leak: Leak | None = None) -> Confidence:
    """Medium where unknown code was given the resource, or the path to `leak` is doubtful.

    In a test it may be a mock, and the process ends soon.
    """
    is_doubtful = fate.has(Handover.UNKNOWN) or fate.resource.function.module.is_test
    if leak is not None:
        is_doubtful = is_doubtful or leak.is_doubtful
    return Confidence.MEDIUM if is_doubtful else Confidence.HIGH


def surest(leaks: Iterable[Leak]) -> Leak | None:
    """The leak to report, of several."""
    return min(leaks, key=lambda leak: leak.is_doubtful, default=None)


def leak_place(fate: Fate, leak: Leak) -> tuple[RelatedPlace, ...]:
    """The place where the resource stays open, if one can be named."""
    node = leak.node
    if node is None or not isinstance(node, s.Node):
        return ()
    texts = {
        LeakKind.RETURN: "here the function returns without closing it",
        LeakKind.REBOUND: "here its name is given to something else",
        LeakKind.ERROR: "an exception here leaves it open",
    }
    return (place(node, fate.resource.function, texts.get(leak.kind, "here it stays open")),)


def lends(fate: Fate) -> bool:
    """Whether a generator lends the resource and leaves it open, or does when that fails."""
    if not fate.has(Handover.YIELD):
        return False
    return any(leak.kind is not LeakKind.ERROR or _is_at_yield(leak) for leak in fate.leaks)


def _is_at_yield(leak: Leak) -> bool:
    if leak.node is None:
        return False
    return any(isinstance(node, s.Yield) for node in s.own_code(leak.node))
