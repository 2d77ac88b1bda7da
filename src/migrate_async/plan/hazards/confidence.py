"""How sure a finding is when it rests on several facts."""

from __future__ import annotations

from migrate_async.model.finding import Confidence

_ORDER = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def rank(confidence: Confidence) -> int:
    """A number that is greater the surer `confidence` is."""
    return _ORDER.index(confidence)


def weakest(*confidences: Confidence) -> Confidence:
    """A chain of reasoning is as sure as its weakest part."""
    return min(confidences, key=rank)
