"""What code that cannot await reads of the objects that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.keyed import keyed
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, ParameterBinding, Scope
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.plan.loads.accesses import Accesses
from migrate_async.plan.loads.origins import bindings_of
from migrate_async.plan.loads.paths import Path
from migrate_async.plan.loads.roots import Roots

_MAX_STEPS = 6

Reads = dict[str, frozenset[Path]]
Handed = tuple[Function, str, s.Expr, Scope]
"""A function, one of its parameters, and the expression (with its scope) that it gets."""


class SyncReads:
    """The reads of functions that `is_sync` accepts, by parameter; `self` is one, too."""

    def __init__(self, project: Project, roots: Roots, is_sync: Callable[[Function], bool]) -> None:
        self._project = project
        self._roots = roots
        self._is_sync = is_sync
        self._accesses = project.shared(Accesses)
        self._found: dict[Function, Reads] = {}

    def of(self, function: Function) -> Reads:
        """The paths that `function` reads from each of its parameters."""
        if function not in self._found:
            self._found[function] = {}  # a function that calls itself reads no more than once
            self._found[function] = self._reads(function)
        return self._found[function]

    def handed(self, function: Function) -> Iterator[Handed]:
        """What `function` hands to functions that cannot await."""
        for site in self._project.calls(function):
            for target in site.targets:
                if self._is_sync(target) and target is not function:
                    yield from self._arguments(site, target)
        for call in function.calls:
            for node, items in keyed(call.node):
                lambda_function = self._project.definition(node)
                yield lambda_function, node.params[0].name, items, call.scope

    def parameter(self, name: s.Expr, scope: Scope, function: Function) -> str | None:
        """The parameter of `function` that `name` is; None: something else."""
        if not isinstance(name, s.Name):
            return None
        bindings = bindings_of(name.id, scope)
        own = all(isinstance(b, ParameterBinding) and b.function is function for b in bindings)
        return name.id if bindings and own else None

    def _reads(self, function: Function) -> Reads:
        found: dict[str, set[Path]] = {}
        for access in self._accesses.of(function):
            self._add(found, function, access.node.value, access.scope, (access.step,))
        for named in self._accesses.named(function):
            self._add(found, function, named.owner, named.scope, (named.step,))
        for target, parameter, value, scope in self.handed(function):
            for path in self.of(target).get(parameter, ()):
                self._add(found, function, value, scope, path)
        return {name: frozenset(paths) for name, paths in found.items()}

    def _add(
        self,
        found: dict[str, set[Path]],
        function: Function,
        value: s.Expr,
        scope: Scope,
        path: Path,
    ) -> None:
        for root in self._roots.of(value, scope, far=True) or ():
            name = self.parameter(root.node, root.scope, function)
            whole = (*root.path, *path)
            if name is not None and len(whole) <= _MAX_STEPS:
                found.setdefault(name, set()).add(whole)

    def _arguments(self, site: CallSite, target: Function) -> Iterator[Handed]:
        node = site.node
        if site.kind == "property" and isinstance(node, s.Attribute):
            yield target, target.self_name, node.value, site.scope
        elif isinstance(node, s.Call) and site.kind == "call":
            for function, parameter, value in self._project.passes(node, site.scope):
                if function is target:
                    yield target, parameter.name, value, site.scope
            if target.self_name and isinstance(node.func, s.Attribute):
                yield target, target.self_name, node.func.value, site.scope
