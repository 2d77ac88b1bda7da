"""How sure a finding is when it rests on several facts."""

from __future__ import annotations

from migrate_async.index.scopes import Function
from migrate_async.model.finding import Confidence
from migrate_async.plan.paths import is_test_path

_ORDER = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def rank(confidence: Confidence) -> int:
    """A number that is greater the surer `confidence` is."""
    return _ORDER.index(confidence)


def weakest(*confidences: Confidence) -> Confidence:
    """A chain of reasoning is as sure as its weakest part."""
    return min(confidences, key=rank)


def on_loop(function: Function) -> Confidence:
    """How much it matters that `function` holds its loop: little where a test is all that runs."""
    return Confidence.LOW if is_test_path(function.module.path) else Confidence.HIGH
