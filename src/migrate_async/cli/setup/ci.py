"""A step for the CI service that the project uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from migrate_async import __version__
from migrate_async.model.proposal import Proposal

GITHUB = ".github/workflows/migrate-async.yml"
GITLAB = ".gitlab-ci.yml"
_PACKAGE = f"migrate-async[tools]=={__version__}"

_WORKFLOW = f"""\
name: migrate-async

on:
  pull_request:
  push:
    branches: [BRANCH]

permissions:
  contents: read

jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install "{_PACKAGE}"
      - run: migrate-async lint --format github
"""
_JOB = f"""\
migrate-async:
  image: python:3.12
  script:
    - pip install "{_PACKAGE}"
    - migrate-async lint --format gitlab --output gl-code-quality-report.json
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
"""


def propose(root: Path, read: Callable[[str], str], branch: str) -> Proposal | None:
    """The step; None where neither GitHub nor GitLab is used.

    `read` gives the text of a file, empty when there is none; `branch` is where changes land.
    """
    if (root / ".github").is_dir():
        before = read(GITHUB)
        if before:
            return Proposal(GITHUB, before, None, "it exists")
        return Proposal(GITHUB, "", _WORKFLOW.replace("BRANCH", branch), "the linter in CI")
    if (root / GITLAB).is_file():
        before = read(GITLAB)
        if "migrate-async" in before:
            return Proposal(GITLAB, before, None, "it names migrate-async")
        return Proposal(GITLAB, before, before.rstrip("\n") + "\n\n" + _JOB, "the linter in CI")
    return None
