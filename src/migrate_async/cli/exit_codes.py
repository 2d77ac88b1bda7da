"""What the process says to its caller when it ends. docs/exit-codes.md is checked against this."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    CLEAN = 0
    """Nothing to report, nothing to change, or everything written."""
    FINDINGS = 1
    """Something found, changes pending, or something left to be done by hand."""
    USAGE = 2
    """The command line, the configuration or the environment is wrong; nothing was done."""
    INTERNAL = 3
    """A bug of migrate-async; nothing is written."""
    INTERRUPTED = 130
    """Ctrl-C."""
    CLOSED_PIPE = 141
    """Whoever read the output stopped reading."""
