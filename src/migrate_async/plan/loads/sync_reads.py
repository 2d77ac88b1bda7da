"""What code that cannot await reads of the objects that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from migrate_async.index.descriptors import READ
from migrate_async.index.keyed import Keyed, keyed
from migrate_async.index.parameters import callable_params
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, ParameterBinding, Scope, bindings_of
from migrate_async.index.sites import CallSite
from migrate_async.index.types import FunctionObject, held
from migrate_async.model import syntax as s
from migrate_async.plan.loads.accesses import Accesses
from migrate_async.plan.loads.paths import Path
from migrate_async.plan.loads.roots import Roots

_MAX_STEPS = 6

Reads = dict[str, frozenset[Path]]
Handed = tuple[Function, str, s.Expr, Scope]
"""A function, one of its parameters, and the expression (with its scope) that it gets."""


def read_parameter(function: Function) -> str:
    """The parameter that is the object of which `function`, a property or `__get__`, is read."""
    params = function.params
    return params[1].name if function.name == READ and len(params) > 1 else function.self_name


class SyncReads:
    """The reads of functions that `is_sync` accepts, by parameter; `self` is one, too."""

    def __init__(self, project: Project, roots: Roots, is_sync: Callable[[Function], bool]) -> None:
        self._project = project
        self._roots = roots
        self.is_sync = is_sync
        self._accesses = project.shared(Accesses)
        self._found: dict[Function, Reads] = {}
        self._models = frozenset(model.cls for model in project.models.values())
        self._infer = project.infer

    def of(self, function: Function) -> Reads:
        """The paths that `function` reads from each of its parameters."""
        if function not in self._found:
            self._found[function] = {}  # a function that calls itself reads no more than once
            self._found[function] = self._reads(function)
        return self._found[function]

    def of_value(
        self, function: Function, parameter: str, value: s.Expr, scope: Scope
    ) -> frozenset[Path]:
        """What `function` reads of `parameter` where it is given `value`."""
        return self.of_models(function, parameter, held(self._infer(value, scope), self._models))

    def of_models(
        self, function: Function, parameter: str, models: Sequence[Class]
    ) -> frozenset[Path]:
        """The same where it is given objects of `models`; none: nobody knows."""
        paths = self.of(function).get(parameter, ())
        found = (self._accesses.narrowed(path, models) for path in paths)
        return frozenset(path for path in found if path is not None)

    def handed(self, function: Function) -> Iterator[Handed]:
        """What `function` hands to functions that cannot await."""
        for site in self._project.calls(function):
            for target in site.targets:
                if self.is_sync(target) and target is not function:
                    yield from self._arguments(site, target)
        for call in function.calls:
            for found in keyed(call.node):
                for target, parameter in self._taking(found, call.scope):
                    yield target, parameter, found.items, call.scope

    def _taking(self, found: Keyed, scope: Scope) -> Iterator[tuple[Function, str]]:
        """The functions of `found`, and their parameters, if they cannot await."""
        node, position = found.function, found.position
        if isinstance(node, s.Lambda):
            if position < len(node.params):
                yield self._project.definition(node), node.params[position].name
            return
        for item in self._project.infer(node, scope):
            if isinstance(item, FunctionObject) and self.is_sync(item.fn):
                params = callable_params(item.fn, item.receiver)
                if position < len(params):
                    yield item.fn, params[position].name

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
            self._add(found, function, named.owner, named.scope, named.path)
        for target, parameter, value, scope in self.handed(function):
            for path in self.of_value(target, parameter, value, scope):
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
            yield target, read_parameter(target), node.value, site.scope
        elif isinstance(node, s.Call) and site.kind == "call":
            for function, parameter, value in self._project.passes(node, site.scope):
                if function is target:
                    yield target, parameter.name, value, site.scope
            if target.self_name and isinstance(node.func, s.Attribute):
                yield target, target.self_name, node.func.value, site.scope
