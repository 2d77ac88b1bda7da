"""What `init` would do about one file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Proposal:
    """`after` is the new text of `path`; None leaves the file alone, for the `reason`.

    `path` is relative to the project root, with forward slashes; `before` is empty for a file that
    does not exist. `advice`, if any, is to be done by hand.
    """

    path: str
    before: str
    after: str | None
    reason: str
    advice: str = ""

    @property
    def is_new(self) -> bool:
        return not self.before
