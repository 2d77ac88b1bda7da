"""Whether a project's tests have to change with it.

Tests that only send requests and override dependencies run unchanged: an overriding sync session
is adapted by the pytest plugin. Tests that call converted functions themselves must await them.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.plan.colour import Colouring
from migrate_async.plan.paths import is_test_path


def tests_take_part(project: Project, colouring: Colouring) -> bool:
    """Whether a test or fixture calls a function that converts."""
    return any(
        is_test_path(site.function.module.path) and site.kind != "dependency"
        for function in colouring.coloured
        for site in project.callers(function)
    )
