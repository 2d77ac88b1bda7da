"""The linter as a hook in `.pre-commit-config.yaml`.

The file is text to us: a YAML library would lose its comments and its layout.
"""

from __future__ import annotations

import re

from migrate_async import __version__
from migrate_async.model.proposal import Proposal

FILE = ".pre-commit-config.yaml"

_HOOK = f"""\
- repo: local
  hooks:
    - id: migrate-async-lint
      name: migrate-async lint
      entry: migrate-async lint --force-exclude
      language: python
      types: [python]
      require_serial: true  # the whole project is read in any case: one process does it once
      additional_dependencies: ["migrate-async[tools]=={__version__}"]
"""
_TOP_LEVEL_KEY = re.compile(r"^([A-Za-z_][\w-]*):", flags=re.MULTILINE)
_FIRST_ENTRY = re.compile(r"^repos:[^\S\n]*(?:#.*)?\n(?:[^\S\n]*(?:#.*)?\n)*( *)- ", re.MULTILINE)


def propose(before: str) -> Proposal:
    """The hook behind the others; `before` is the file's text, empty when there is none."""
    if "migrate-async" in before:
        return Proposal(FILE, before, None, "it names migrate-async")
    if not before:
        return Proposal(FILE, "", "repos:\n" + _indented(2), "the linter, before each commit")
    text = before.replace("\r\n", "\n")
    keys = _TOP_LEVEL_KEY.findall(text)
    first = _FIRST_ENTRY.search(text)
    if first is None or keys[-1:] != ["repos"]:
        return Proposal(
            FILE, before, None, "`repos:` is not its last key", f"add to `repos:`\n{_HOOK}"
        )
    after = text.rstrip("\n") + "\n" + _indented(len(first[1]))
    if "\r\n" in before:
        after = after.replace("\n", "\r\n")
    return Proposal(FILE, before, after, "the linter, before each commit")


def _indented(width: int) -> str:
    return "".join(" " * width + line for line in _HOOK.splitlines(keepends=True))
