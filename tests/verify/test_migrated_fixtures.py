"""`verify` has nothing to say about an application that the tool has migrated."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.cli import use_cases, verify_use_case
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import open_workspace
from migrate_async.errors import UsageError
from migrate_async.model.plan import Step
from migrate_async.model.summary import Mode
from support.fixture_apps import FixtureApp, fixture_apps
from support.migration import copy_of


@pytest.mark.parametrize("app", fixture_apps(), ids=lambda app: app.name)
def test_no_false_alarm(app: FixtureApp, tmp_path: Path) -> None:
    """Before the migration nothing but sync sessions in coroutines, after it nothing."""
    root = copy_of(app.before, tmp_path)
    workspace = open_workspace([root], cache=False)
    before = verify_use_case.verify_project(workspace, Progress()).diagnostics
    assert {item.code for item in before} <= {"MA276"}
    try:
        use_cases.migrate(workspace, Step.ALL, Mode.WRITE, Progress(), allow_dirty=True)
    except UsageError as error:
        pytest.skip(f"the tool refuses to migrate it: {str(error).splitlines()[0]}")
    after = verify_use_case.verify_project(workspace, Progress()).diagnostics
    assert [f"{item.path}:{item.line} {item.code} {item.message}" for item in after] == []
