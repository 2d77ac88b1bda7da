"""What calls pass of the sync world: sessions, engines, connections."""

from __future__ import annotations

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.sessions import engine_or_connection, is_heuristic
from migrate_async.index.sites import CallSite
from migrate_async.index.types import Types
from migrate_async.knowledge.sqlalchemy import ENGINE
from migrate_async.model import syntax as s

_VALUES = frozenset({s.Name, s.Attribute, s.Call})


def passes_sync(project: Project, site: CallSite, *, surely: bool = False) -> bool:
    """Whether an argument is a sync session, not only by its name if it is to be so `surely`."""
    call = site.node
    assert isinstance(call, s.Call)  # noqa: S101  sites of this kind are
    types = (project.infer(value, site.scope) for value in call.values)
    return any(
        project.session_kind_of(found) == "sync" and not (surely and is_heuristic(found))
        for found in types
    )


def passed_source(project: Project, site: CallSite) -> str:
    """`engine` or `connection`, if `site` passes a sync one, or the URL of one; else empty."""
    call = site.node
    if not isinstance(call, s.Call):
        return ""
    for value in call.values:
        if type(value) in _VALUES:
            found = _source(project.infer(value, site.scope))
            if found:
                return found
    return ""


def _source(types: Types) -> str:
    for item in types:
        if isinstance(item, t.ExternalInstance) and not item.heuristic:
            kind = engine_or_connection(t.of(item))
            if kind in ("engine", "connection"):
                return kind
        if isinstance(item, t.ExternalMethod) and (item.owner, item.name) == (ENGINE, "url"):
            return "engine"
    return ""


def reflects(site: CallSite) -> bool:
    """`metadata.reflect(...)`: what follows it may count on the tables."""
    func = site.node.func if isinstance(site.node, s.Call) else None
    return isinstance(func, s.Attribute) and func.attr == "reflect"
