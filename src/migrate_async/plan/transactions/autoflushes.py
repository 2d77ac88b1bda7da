"""Statements for whose queries a session flushes first."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s

_EXECUTING = frozenset({"execute", "scalar", "scalars"})


class Autoflushes:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._querying: dict[Function, bool] = {}

    def at(self, function: Function, statement: s.Stmt) -> bool:
        """Whether `statement`, or what it calls, runs a query."""
        inside = set(s.walk(statement))
        sites = (site for site in self._project.calls(function) if site.node in inside)
        return any(_is_query(site) or any(map(self._queries, site.targets)) for site in sites)

    def _queries(self, function: Function) -> bool:
        """Whether `function`, or what it calls, runs a query."""
        if function not in self._querying:
            self._querying[function] = False
            self._querying[function] = any(map(_is_query, self._project.calls(function))) or any(
                map(self._queries, self._project.runs(function))
            )
        return self._querying[function]


def _is_query(site: CallSite) -> bool:
    found = site.operation
    if found is None:
        return False
    return found.owner == "query" or (found.owner == "session" and found.name in _EXECUTING)
