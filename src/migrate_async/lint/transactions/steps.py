"""What a step does to a name."""

from __future__ import annotations

from migrate_async.lint.flow.graph import Step, StepKind
from migrate_async.model import syntax as s


def rebinds(step: Step, name: str) -> bool:
    """Whether `step` gives the dotted `name` another value."""
    node = step.node
    if step.kind is StepKind.RUN and isinstance(node, s.Assign):
        return any(s.dotted_name(target) == name for target in node.targets)
    if step.kind is StepKind.RUN and isinstance(node, s.AnnotatedAssign):
        return node.value is not None and s.dotted_name(node.target) == name
    if step.kind is StepKind.NEXT_ITEM and isinstance(node, s.For):
        return s.dotted_name(node.target) == name
    if step.kind is StepKind.ENTER and isinstance(node, s.WithItem):
        return node.target is not None and s.dotted_name(node.target) == name
    return False
