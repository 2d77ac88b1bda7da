"""Objects of the database that are given to code of which nobody can say what it reads of them.

    def deep(obj, path):
        for name in path.split("."):
            obj = getattr(obj, name)
        return obj

    {title: read(user) for title, read in columns.items()}

A relationship among that loads. A route lets it (`plan.loads.unknown_routes`); elsewhere it is
reported where the object is given away, or read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    Class,
    Function,
    ParameterBinding,
    RawCall,
    Scope,
    bindings_of,
)
from migrate_async.index.types import External, Instance, held, is_open, iterated
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.attribute_names import AttributeNames
from migrate_async.plan.loads.computed_names import computed_reads
from migrate_async.plan.loads.generated_reads import GeneratedReads
from migrate_async.plan.loads.paths import Step
from migrate_async.plan.loads.roots import Roots
from migrate_async.plan.loads.spelled import spelled
from migrate_async.plan.loads.sync_reads import Handed, SyncReads
from migrate_async.plan.loads.unknown_reads import UnknownReads
from migrate_async.plan.loops_over_attributes import names_all, names_columns
from migrate_async.plan.text import text
from migrate_async.plan.walks import is_computed

_NO_DOT = s.Name | s.Subscript | s.Call
"""What is called without a name that says what it may be: a variable, an item, a result."""


class Opaque(NamedTuple):
    """`node` reads nobody knows what of the objects that `value` is, or holds."""

    node: s.Expr
    value: s.Expr
    scope: Scope


class OpaqueReads:
    """Answers for one project, in which some functions become coroutines, as `converts` says."""

    def __init__(self, project: Project, converts: Callable[[Function], bool]) -> None:
        self._project = project
        self._converts = converts
        self._names = AttributeNames(project)
        self._unknown = project.shared(UnknownReads)
        self._generated = project.shared(GeneratedReads)
        self._handing = SyncReads(project, Roots(project), lambda _: True)
        self._found: dict[Function, tuple[Opaque, ...]] = {}
        self._parameters: dict[Function, frozenset[str]] = {}

    def of(self, function: Function) -> Iterator[Opaque]:
        """Those of objects that load, in the function's own code and in what it hands on of it."""
        for opaque in self._all(function):
            if self._loads(opaque):
                yield opaque
        for inner in self._inner.get(function, ()):
            yield from self.of(inner)
            for read in self._unknown.of(inner):
                yield Opaque(read.node, read.node.value, read.scope)

    def told(self, function: Function) -> Iterator[Diagnostic]:
        """What there is to say about those of a function that becomes a coroutine."""
        for node, value, _ in self.of(function):
            yield at(
                function.module.path,
                node.span,
                "MA513",
                f"nobody knows what `{text(node)}` reads of `{text(value)}`: if that is a "
                "relationship, it loads, and has to be awaited",
                "load what it reads with the query (`selectinload`)",
            )

    # --- one function --------------------------------------------------------------------------

    def _all(self, function: Function) -> tuple[Opaque, ...]:
        """Those of whatever objects."""
        if function not in self._found:
            self._found[function] = ()  # a function that calls itself
            self._found[function] = tuple(self._find(function)) if self._steps else ()
        return self._found[function]

    def _find(self, function: Function) -> Iterator[Opaque]:
        awaited = (
            {read.call for read in computed_reads(self._project, function)}
            if self._converts(function)
            else set()
        )
        for call in filter(is_computed, function.calls):
            if call.node not in awaited and not self._is_known(call):
                yield Opaque(call.node, call.node.args[0], call.scope)
        yield from self._unnamed(function)
        handed = chain(self._handing.handed(function), self._rest(function))
        for target, parameter, value, scope in handed:
            if parameter in self._read_by(target):
                yield Opaque(self._around(value), value, scope)
        for call in function.calls:
            if self._is_unknown(call):
                yield from (Opaque(call.node, value, call.scope) for value in _given(call.node))

    def _unnamed(self, function: Function) -> Iterator[Opaque]:
        """Reads that say no names, or names of what nobody knows."""
        for read in spelled(self._project, function):
            if read.chain is None:
                yield Opaque(read.node, read.owner, read.scope)
        for found in self._generated.of(function):
            yield Opaque(*found)
        for unknown in self._unknown.of(function):
            yield Opaque(unknown.node, unknown.node.value, unknown.scope)

    def _rest(self, function: Function) -> Iterator[Handed]:
        """What calls give for `*args` and `**options`, or by these."""
        for site in self._project.calls(function):
            if site.kind != "call" or not isinstance(site.node, s.Call):
                continue
            taken = {(fn, value) for fn, _, value in self._project.passes(site.node, site.scope)}
            for target in site.targets:
                rest = [value for value in _given(site.node) if (target, value) not in taken]
                is_open = any(isinstance(arg, s.Starred) for arg in site.node.args)
                for param in target.params if rest else ():
                    if is_open or param.kind in ("*", "**"):
                        yield from ((target, param.name, value, site.scope) for value in rest)

    def _read_by(self, function: Function) -> frozenset[str]:
        """The parameters of `function` of which it reads nobody knows what."""
        if function not in self._parameters:
            self._parameters[function] = frozenset()
            found = (self._parameter(opaque, function) for opaque in self._all(function))
            self._parameters[function] = frozenset(name for name in found if name)
        return self._parameters[function]

    def _parameter(self, opaque: Opaque, function: Function) -> str:
        """The parameter of `function` that `opaque` reads; empty: it reads something else."""
        value = opaque.value
        if not isinstance(value, s.Name):
            return ""
        bindings = bindings_of(value.id, opaque.scope)
        is_given = any(isinstance(b, ParameterBinding) and b.function is function for b in bindings)
        return value.id if is_given else ""

    def _is_known(self, call: RawCall) -> bool:
        """Whether what `call`, a `getattr()`, reads is known not to load, or looked after."""
        node, scope = call.node, call.scope
        if names_columns(self._project, node, scope) or names_all(self._project, node, scope):
            return True
        around = self._project.parent(node)
        if isinstance(around, s.Call) and around.func is node:
            return True  # a method
        names = self._names.of(node.args[1], scope)
        return names.is_known and self._relationships.isdisjoint(names.constants)

    def _is_unknown(self, call: RawCall) -> bool:
        """Whether nobody knows what `call` calls: a variable, an item, what an object keeps."""
        func = call.node.func
        if isinstance(func, s.Attribute):
            owners = self._project.infer(func.value, call.scope)
            if not owners or not all(isinstance(item, Instance) for item in owners):
                return False
        elif not isinstance(func, _NO_DOT):
            return False
        types = self._project.infer(func, call.scope)
        is_unknown = is_open(types) or all(isinstance(item, External) for item in types)
        return is_unknown and not any(
            site.node is call.node for site in self._project.calls(call.scope.function)
        )

    def _around(self, value: s.Expr) -> s.Expr:
        """The call that gives `value` away, or else `value` itself."""
        around = self._project.parent(value)
        return around if isinstance(around, s.Call) else value

    # --- objects that load ---------------------------------------------------------------------

    def _loads(self, opaque: Opaque) -> bool:
        types = iterated(self._project.infer(opaque.value, opaque.scope))
        return bool(held(types, self._steps))

    @cached_property
    def _steps(self) -> dict[Class, tuple[str, ...]]:
        """By class of objects: the relationships that are loaded when they are read."""
        found = {}
        for model in self._project.models.values():
            steps = (Step(model.cls, *item) for item in model.relationships.items())
            names = tuple(step.name for step in steps if step.is_lazy)
            if names:
                found[model.cls] = names
        return found

    @cached_property
    def _relationships(self) -> frozenset[str]:
        return frozenset(name for names in self._steps.values() for name in names)

    @cached_property
    def _inner(self) -> dict[Function, list[Function]]:
        """The plain functions in others that are handed on: lambdas above all."""
        found: dict[Function, list[Function]] = {}
        for function in self._project.functions:
            if function.parent is None or function.is_async or self._converts(function):
                continue
            if function.is_lambda or self._project.value_uses(function):
                found.setdefault(function.parent, []).append(function)
        return found


def _given(call: s.Call) -> Iterator[s.Expr]:
    for value in (*call.args, *(keyword.value for keyword in call.keywords)):
        yield value.value if isinstance(value, s.Starred) else value
