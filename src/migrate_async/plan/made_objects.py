"""The classes of objects that a call makes with a session: by itself, or through makers.

def provider_for(db): return Provider(db)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.sites import CallSite


def made_with_session(
    project: Project, site: CallSite, sees_to_it: Callable[[Function], bool]
) -> Iterator[Class]:
    """What `site` makes, but for what functions make of which `sees_to_it` is true."""
    seen: set[Function] = set()
    pending = list(site.targets) if site.kind in ("call", "bridge") else []
    while pending:
        target = pending.pop()
        if target in seen:
            continue
        seen.add(target)
        if target.name == "__init__" and target.cls is not None:
            yield target.cls
        elif not sees_to_it(target):
            for inner in project.calls(target):
                if inner.kind == "call" and project.passes_session(inner):
                    pending += inner.targets
