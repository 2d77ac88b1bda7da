"""Session dependencies that annotations name in quotes, since they are defined further below.

def get_names(db: "SessionDep") -> Names: ...

SessionDep = Annotated[Session, Depends(get_db)]
"""

from __future__ import annotations

from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.dependencies import Dependencies
from migrate_async.plan.both_worlds.needs import Needs, passing
from migrate_async.plan.engines import NAME
from migrate_async.plan.leftovers.twins import Twins
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.references import quoted_annotations, renamed_in


class QuotedAnnotations:
    """Puts what gives sync sessions there, and notes in `needs` what it stands for."""

    def __init__(self, dependencies: Dependencies, twins: Twins, needs: Needs) -> None:
        self._dependencies = dependencies
        self._twins = twins
        self._needs = needs

    def repoint(self, found: ModuleEdits, function: Function) -> None:
        """Add to `found` what becomes of those that `function` names, which stays sync."""
        if function.node is None or function.module.is_test:
            return
        for text, names in quoted_annotations(function.node):
            sides = {name.id: self._side(found, function, name) for name in names}
            new = {name: side for name, side in sides.items() if side}
            if new:
                code = renamed_in(str(text.value), new)
                found.edits.append(p.ReplaceExpression(span=text.span, codemod=NAME, code=code))
                found.unneeded += new

    def _side(self, found: ModuleEdits, function: Function, name: s.Name) -> str:
        """The sync side of what `name` names, an alias or a dependency; empty if it is neither."""
        module = function.module
        if self._twins.named(module, name) is not None:
            return ""
        alias = self._dependencies.alias(function, name)
        if alias is not None:
            self._dependencies.need(alias, self._needs)
            return passing(found, module, alias.module, alias.sync_name, alias.name)
        dependency = self._dependencies.named(function, name)
        if dependency is None or self._dependencies.holder(dependency) is not None:
            return ""
        self._needs.dependencies[dependency] = None
        side = self._dependencies.sync_name(dependency)
        return passing(found, module, dependency.module, side, dependency.name)
