"""The edits that make async twins, call them, and let them take the original's place again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migrate_async.index.originals import mark_of
from migrate_async.index.project import Project
from migrate_async.index.scopes import FromBinding, Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import PACKAGE, TWIN_MARK, TWIN_SUFFIX
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.twin_names import callee, can_name, rename

OPEN = "?"
"""Stands for the fingerprint, which the finished text is needed for."""


@dataclass(eq=False)
class KeptBoth:
    """Answers and edits for one run: `beside` are the functions that are split in it."""

    _project: Project
    colouring: Colouring
    _beside: frozenset[Function]

    def twin_name(self, site: CallSite) -> str:
        """What a coroutine calls instead of the functions that `site` runs; empty: no twin."""
        coloured = [target for target in site.targets if target in self.colouring.coloured]
        if coloured and self._beside.issuperset(coloured):
            return f"{coloured[0].name}{TWIN_SUFFIX}"
        names = {self._existing(site, target) for target in coloured}
        return names.pop() if len(names) == 1 else ""

    def _existing(self, site: CallSite, target: Function) -> str:
        twin = self._project.originals.twins.get(target)
        if twin is None or self.colouring.converts(target):
            return ""
        return twin.name if can_name(self._project, site, target) else ""

    def renamed(self, site: CallSite, name: str) -> ModuleEdits:
        """Have `site` run the function `name` instead of its sibling."""
        node = callee(site)
        if node is None:
            return ModuleEdits()
        return rename(site.function.module, node, site.targets[0], name, passing=True)

    def split(self, function: Function) -> ModuleEdits:
        """Leave `function` as it is, and what becomes of it below, under another name."""
        found = ModuleEdits()
        if function not in self._beside or not isinstance(function.node, s.FunctionDef):
            return found
        name = f"{function.name}{TWIN_SUFFIX}"
        mark = add_import(found, function.module, PACKAGE, TWIN_MARK, NAME)
        found.edits.append(
            p.KeepBoth(
                span=function.node.span,
                codemod=NAME,
                name=name,
                code=f'{mark}("{name}", "{OPEN}")',
                apart=1 if function.cls is not None else 2,
            )
        )
        return found

    # --- the end -------------------------------------------------------------------------------

    @property
    def staying(self) -> tuple[Function, ...]:
        """Sync originals that an earlier run left and that still have to stay."""
        twins = self._project.originals.twins
        return tuple(function for function in twins if not self.colouring.converts(function))

    def is_leaving(self, function: Function) -> bool:
        """Whether `function` is, or stands in, a twin whose original is a coroutine from now on."""
        original = self._project.originals.originals.get(function)
        if original is not None:
            return self.colouring.converts(original)
        around = function.parent
        return around is not None and not around.is_module and self.is_leaving(around)

    def collapse(self) -> Iterator[tuple[Module, ModuleEdits]]:
        """The twins that go: their originals convert and take back their name."""
        for original, twin in self._project.originals.twins.items():
            if self.colouring.converts(original):
                yield original.module, _removal(original, twin)
                yield from self._uses(original, twin)

    def _uses(self, original: Function, twin: Function) -> Iterator[tuple[Module, ModuleEdits]]:
        sites = [site for site in self._project.callers(twin) if site.kind == "call"]
        named = [(site.function, callee(site)) for site in sites]
        named += [(use.function, use.node) for use in self._project.value_uses(twin)]
        for function, node in named:
            if node is not None and not self.is_leaving(function):
                name = original.name
                yield function.module, rename(function.module, node, twin, name, passing=False)
        for module in self._project.modules.values():
            if any(_imports(module, twin)):
                yield module, ModuleEdits(unneeded=list(_imports(module, twin)))


def _removal(original: Function, twin: Function) -> ModuleEdits:
    found = ModuleEdits()
    mark = mark_of(original.node)
    if mark is not None and twin.node is not None:
        found.edits.append(p.RemoveDecorator(span=mark.span, codemod=NAME))
        found.edits.append(p.ReplaceStatement(span=twin.node.span, codemod=NAME))
        found.unneeded.append(s.dotted_name(mark.func).partition(".")[0])
    return found


def _imports(module: Module, twin: Function) -> Sequence[str]:
    """The names under which `module` imports `twin`."""
    return [
        bound
        for bound, bindings in module.scope.names.items()
        for binding in bindings
        if isinstance(binding, FromBinding) and binding.name == twin.name
    ]
