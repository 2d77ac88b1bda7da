"""How deep an eager relationship has to reach.

SQLAlchemy stops eager loading where a path comes to a class for the second time, however the path
began: `customer` of orders that were reached through `user.orders` stays unloaded. `join_depth`
lifts that. It is safe where the eager relationships alone lead in no circle, because then the path
ends by itself; in a circle each level would cost a query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migrate_async.index.project import Project, Relationship
from migrate_async.index.scopes import Class
from migrate_async.knowledge.sqlalchemy import EAGER

LEVELS = 10
_CIRCLE_LEVELS = 3

Edge = tuple[Class, Class]


class EagerGraph:
    """The models, linked by the relationships that are loaded with their objects."""

    def __init__(self, project: Project, needed: Iterable[tuple[Class, Relationship]]) -> None:
        edges: dict[Class, dict[Class, int]] = {}
        wanted = {(model, relationship.name) for model, relationship in needed}
        for model in project.models.values():
            for name, relationship in model.relationships.items():
                is_eager = relationship.lazy in EAGER or (model.cls, name) in wanted
                if is_eager and relationship.target is not None:
                    targets = edges.setdefault(model.cls, {})
                    targets[relationship.target] = targets.get(relationship.target, 0) + 1
        self._edges: Mapping[Class, Mapping[Class, int]] = edges

    def depth(self, model: Class, relationship: Relationship) -> int:
        """The `join_depth` that the relationship needs; 0: none."""
        target = relationship.target
        if target is None:
            return 0
        if target is model:
            alone = self._edges.get(model, {}).get(model, 0) <= 1
            return LEVELS if alone else _CIRCLE_LEVELS
        return 0 if self._reaches(target, model) else LEVELS

    def _reaches(self, start: Class, goal: Class) -> bool:
        seen: set[Class] = set()
        pending = [start]
        while pending:
            current = pending.pop()
            if current is goal:
                return True
            if current not in seen:
                seen.add(current)
                pending += self._edges.get(current, {})
        return False
