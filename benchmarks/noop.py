"""The codemod that does nothing: the cost of LibCST's own runner, and nothing else."""

from __future__ import annotations

from libcst.codemod import VisitorBasedCodemodCommand


class NoOpCommand(VisitorBasedCodemodCommand):
    """Parse, visit and print every module; change none."""

    DESCRIPTION = "Change nothing."
