"""Functions that give sessions, handed to code of the project that does no more than call them.

    UserRepository(session_factory=database.session)
    users_router(get_db)

Where the constructor keeps the function in an attribute, and all that is done with the attribute is
to call it, the calls are in the call graph: nobody unknown calls the function. So it is where a
parameter goes no further than into the `Depends(...)` of inner functions: FastAPI calls it. Other
callbacks are not followed: whoever calls one of many seldom becomes a coroutine for the sake of a
few.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from migrate_async.index import providers
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.calls import arguments
from migrate_async.index.infer import Inference
from migrate_async.index.parameters import callable_params, is_depends
from migrate_async.index.plain_givers import entered_at, is_entered, opened_by
from migrate_async.index.sessions import session_kind
from migrate_async.index.sites import ValueUse
from migrate_async.model import syntax as s

_Place: TypeAlias = tuple[sc.Function, sc.Reference]


class Followed:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._reads: dict[str, list[_Place]] | None = None

    def __call__(self, fn: sc.Function, use: ValueUse) -> bool:
        """Whether `fn` gives sessions, and all that becomes of it at `use` is that it is called."""
        if not self.gives_session(fn):
            return False
        seen: set[s.Expr] = set()
        return self._is_called(fn, use.node, use.function, use.scope, seen)

    def gives_session(self, fn: sc.Function) -> bool:
        """Whether `fn` returns or yields sessions, or context managers of some."""
        types = self._inference.calls.returns(fn, None)
        entered = t.union(item.value for item in types if isinstance(item, t.ContextOf))
        given = types | entered | self._inference.protocols.elements(types)
        return session_kind(given, self._inference.hierarchy) is not None

    def _is_called(
        self,
        fn: sc.Function,
        node: s.Expr,
        host: sc.Function,
        scope: sc.Scope,
        seen: set[s.Expr],
    ) -> bool:
        """Whether `node`, read in `host`, ends up where it is called, and nowhere else."""
        if node in seen:
            return True
        seen.add(node)
        around = self._inference.symbols.parents[node]
        if isinstance(around, s.Assign | s.AnnotatedAssign):
            return self._is_kept(fn, around, seen)
        if isinstance(around, s.Keyword):
            around = self._inference.symbols.parents[around]
        if not isinstance(around, s.Call):
            return False
        if self._is_entered(fn, around) or _is_dependency(around, node):
            return True
        filled = list(self._filled(around, node, host, scope))
        return bool(filled) and all(
            self._knows(fn, target, param) and self._reads_end(fn, param.name, seen, target)
            for target, param in filled
        )

    def _is_entered(self, fn: sc.Function, made: s.Call) -> bool:
        """Whether `made` is `contextmanager(get_db)`, of a plain `get_db`, and is only called."""
        if opened_by(fn, self._inference) is None:
            return False
        around = self._inference.symbols.parents[made]
        if isinstance(around, s.Assign):
            return self._is_only_entered(fn, around, made)
        return isinstance(around, s.Call) and around.func is made and entered_at(around) is not None

    def _is_only_entered(self, fn: sc.Function, assign: s.Assign, made: s.Call) -> bool:
        """Whether `assign` gives `made` a name of a module, by which it is only called."""
        symbols = self._inference.symbols
        body, target = symbols.parents[assign], assign.targets[0]
        is_alone = len(assign.targets) == 1 and assign.value is made
        if not isinstance(body, s.ModuleSyntax) or not is_alone or not isinstance(target, s.Name):
            return False
        scope = symbols.scopes[body]
        if len(scope.names.get(target.id, ())) != 1:
            return False
        place = (scope.module.name, target.id)
        modules = {host.module for host in self._inference.symbols.functions}
        names = {target.id, *(module.imported_as.get(place, target.id) for module in modules)}
        reads = [read for name in names for read in self._all_reads.get(name, ())]
        return all(self._enters(fn, host, reference) for host, reference in reads)

    def _enters(self, fn: sc.Function, host: sc.Function, reference: sc.Reference) -> bool:
        """Whether `reference`, if it names what `contextmanager(fn)` gave, is called by that."""
        types = self._inference.infer(reference.node, reference.scope)
        if not any(isinstance(item, t.ContextFunction) and item.fn is fn for item in types):
            return True
        call = self._inference.symbols.parents[reference.node]
        if not isinstance(call, s.Call) or call.func is not reference.node:
            return False
        return is_entered(call, types) and not host.module.is_test

    def _filled(
        self, call: s.Call, node: s.Expr, host: sc.Function, scope: sc.Scope
    ) -> Iterator[tuple[sc.Function, s.Parameter]]:
        """The parameters of project functions that `node` fills as an argument of `call`."""
        for item in t.ordered(self._inference.infer(call.func, scope)):
            for target, receiver in self._inference.members.callables(item):
                for param, value in arguments(callable_params(target, receiver), call):
                    if value is node:
                        yield target, param
        raw = next((raw for raw in host.calls if raw.node is call), None)
        if raw is None:
            return
        for target, param, value in providers.handed(raw, self._inference):
            if value is node:
                yield target, param

    def _knows(self, fn: sc.Function, target: sc.Function, param: s.Parameter) -> bool:
        """Whether calls of the parameter are known to be calls of `fn`."""
        bindings = target.scope.names.get(param.name, [])
        types = t.union(map(self._inference.binding, bindings))
        return len(bindings) == 1 and self._holds(fn, types)

    def _is_kept(
        self, fn: sc.Function, assign: s.Assign | s.AnnotatedAssign, seen: set[s.Expr]
    ) -> bool:
        """Whether the assignment is to an attribute of `self` that is only called."""
        targets = assign.targets if isinstance(assign, s.Assign) else (assign.target,)
        return all(
            isinstance(target, s.Attribute)
            and isinstance(target.value, s.Name)
            and self._reads_end(fn, target.attr, seen)
            for target in targets
        )

    def _reads_end(
        self, fn: sc.Function, name: str, seen: set[s.Expr], inside: sc.Function | None = None
    ) -> bool:
        """Whether `name`, a parameter of `inside` or else an attribute, is called where read."""
        kind = s.Attribute if inside is None else s.Name
        for host, reference in self._all_reads.get(name, ()):
            if not isinstance(reference.node, kind) or self._is_target(reference.node):
                continue
            if inside is not None and inside is not host and inside not in host.around:
                continue
            types = self._inference.infer(reference.node, reference.scope)
            if self._holds(fn, types) and not self._is_called(
                fn, reference.node, host, reference.scope, seen
            ):
                return False
        return True

    def _is_target(self, node: s.Expr) -> bool:
        around = self._inference.symbols.parents[node]
        if isinstance(around, s.Assign):
            return node in around.targets
        return isinstance(around, s.AnnotatedAssign) and node is around.target

    def _holds(self, fn: sc.Function, types: t.Types) -> bool:
        given = providers.injected(types)
        return any(isinstance(item, t.FunctionObject) and item.fn is fn for item in given)

    @property
    def _all_reads(self) -> dict[str, list[_Place]]:
        if self._reads is None:
            self._reads = {}
            for host in self._inference.symbols.functions:
                for reference in host.references:
                    node = reference.node
                    name = node.attr if isinstance(node, s.Attribute) else sc.last_name(node)
                    self._reads.setdefault(name, []).append((host, reference))
        return self._reads


def _is_dependency(call: s.Call, node: s.Expr) -> bool:
    """Whether `call` is `Depends(node)`."""
    return is_depends(call) and any(argument is node for argument in call.args)
