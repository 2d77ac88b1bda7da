"""Functions that set attributes by names which their callers give, `user.update(groups=groups)`.

    def update(self, **values):
        for name, value in values.items():
            setattr(self, name, value)

Setting a collection, or the other side of a one-to-one relationship, first loads what it was. No
`setattr()` can be awaited: it is loaded where the call says the name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    Class,
    ElementBinding,
    Function,
    IterationBinding,
    Scope,
    bindings_of,
)
from migrate_async.index.sites import CallSite
from migrate_async.index.types import held
from migrate_async.model import syntax as s
from migrate_async.plan.loads.accesses import Accesses
from migrate_async.plan.loads.paths import Path


class Setting(NamedTuple):
    """`call` has `target` set relationships of the objects that `value` holds: those of `paths`."""

    call: s.Call
    value: s.Expr
    scope: Scope
    paths: frozenset[Path]
    target: Function


class Setters:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._accesses = project.shared(Accesses)
        self._models = frozenset(model.cls for model in project.models.values())
        self._owners: dict[Function, frozenset[str]] = {}

    def of(self, function: Function) -> Iterator[Setting]:
        """What the calls in `function` set by name."""
        yield from self._in_loops(function)
        for site in self._project.calls(function):
            call = site.node
            if site.kind != "call" or not isinstance(call, s.Call):
                continue
            names = frozenset(_names(call))
            for target in site.targets if names else ():
                for value in self._owned(site, call, target):
                    paths = self._paths(value, site.scope, names)
                    if paths:
                        yield Setting(call, value, site.scope, paths, target)

    def _in_loops(self, function: Function) -> Iterator[Setting]:
        """`setattr(user, name, value)` in a loop over the items of a dict that is written down."""
        for call in function.calls:
            node = call.node
            if (
                call.name != "setattr"
                or len(node.args) != 3
                or not isinstance(node.args[1], s.Name)
            ):
                continue
            names = frozenset(self._looped(node.args[1].id, call.scope))
            paths = self._paths(node.args[0], call.scope, names) if names else None
            if paths:
                yield Setting(node, node.args[0], call.scope, paths, function)

    def _looped(self, name: str, scope: Scope) -> Iterator[str]:
        bindings = bindings_of(name, scope)
        binding = bindings[0] if len(bindings) == 1 else None
        source = binding.source if isinstance(binding, ElementBinding) else binding
        given = source.value if isinstance(source, IterationBinding) else None
        if isinstance(given, s.Call) and isinstance(given.func, s.Attribute):
            given = given.func.value if given.func.attr in ("items", "keys") else None
        if isinstance(given, s.Name):
            given = self._project.value_of(given, scope)
        parts = given.keys if isinstance(given, s.Mapping) else ()
        parts = given.items if isinstance(given, s.Sequence) else parts
        for part in parts:
            if isinstance(part, s.Constant) and part.kind == "str":
                yield str(part.value)

    def _owned(self, site: CallSite, call: s.Call, target: Function) -> Iterator[s.Expr]:
        """What the call gives `target` for the objects whose attributes that sets."""
        owners = self._set_by(target)
        if target.self_name in owners and isinstance(call.func, s.Attribute):
            yield call.func.value
        for other, parameter, value in self._project.passes(call, site.scope) if owners else ():
            if other is target and parameter.name in owners and parameter.kind not in ("*", "**"):
                yield value

    def _set_by(self, function: Function) -> frozenset[str]:
        """The parameters of `function` of which it sets attributes whose names it does not say."""
        if function not in self._owners:
            params = {param.name for param in function.params} | {function.self_name}
            calls = (call.node for call in function.calls if call.name == "setattr")
            self._owners[function] = frozenset(
                call.args[0].id
                for call in calls
                if len(call.args) == 3
                and isinstance(call.args[0], s.Name)
                and not isinstance(call.args[1], s.Constant)
                and call.args[0].id in params
            )
        return self._owners[function]

    def _paths(self, value: s.Expr, scope: Scope, names: frozenset[str]) -> frozenset[Path]:
        models = held(self._project.infer(value, scope), self._models)
        return frozenset(path for model in models for path in self._of_model(model, names))

    def _of_model(self, model: Class, names: frozenset[str]) -> Iterator[Path]:
        for name in sorted(names):
            step = self._accesses.set_by_name(model, name)
            if step is not None:
                yield (step,)


def _names(call: s.Call) -> Iterator[str]:
    """`groups` in `update(groups=groups)` and `update({"groups": groups})`."""
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg
    for value in call.values:
        for key in value.keys if isinstance(value, s.Mapping) else ():
            if isinstance(key, s.Constant) and key.kind == "str":
                yield str(key.value)
