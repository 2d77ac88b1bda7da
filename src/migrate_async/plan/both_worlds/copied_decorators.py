"""Copies of decorators, on what stays sync below one whose wrapper converts."""

from __future__ import annotations

from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.needs import passing
from migrate_async.plan.both_worlds.worlds import BothWorlds
from migrate_async.plan.engines import NAME
from migrate_async.plan.leftovers.twins import sync_maker_name
from migrate_async.plan.module_edits import ModuleEdits


class CopiedDecorators:
    """Puts them there, and notes in `needs` which are to be written."""

    def __init__(self, worlds: BothWorlds) -> None:
        self._worlds = worlds
        self._decorators = worlds.around.decorators

    def repoint(self, found: ModuleEdits, function: Function) -> None:
        """`@sync_begin_session` on `function`, which stays sync."""
        for node, decorator, wrapper in self._decorators.on(function):
            if not self._worlds.colouring.converts(wrapper):
                continue
            sources = self._decorators.sources(decorator, self._is_source)
            givers = self._worlds.givers
            originals = {used: givers.original(source) for used, source in sources.items()}
            self._worlds.needs.add_decorator(decorator, originals)
            name = sync_maker_name(decorator.name)
            if isinstance(node, s.Attribute):
                code = f"{s.dotted_name(node.value)}.{name}"
            else:
                code = passing(found, function.module, decorator.module, name, decorator.name)
            found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))
            found.unneeded += self._worlds.unneeded(function, node)

    def _is_source(self, variable: Variable) -> bool:
        """Whether `variable` becomes async, or is on the sync side of what did."""
        is_twin = variable in self._worlds.around.twins.variables
        return self._worlds.becomes_async(variable) or is_twin
