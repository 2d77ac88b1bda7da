"""`Depends(...)`: which project functions FastAPI calls for a function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index import declarative, providers, routers
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.classes import subscript_items
from migrate_async.index.infer import Inference
from migrate_async.index.parameters import is_depends
from migrate_async.model import syntax as s


class Depends(NamedTuple):
    """A `Depends(...)` call, to be read in `scope`; `annotation` is the type of what it gives.

    `written` is where it stands, or the annotation in quotes that says it.
    """

    call: s.Call
    scope: sc.Scope
    annotation: s.Expr | None
    written: s.Expr


class Dependencies:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def of_function(self, fn: sc.Function) -> Iterator[tuple[Depends, tuple[sc.Function, ...]]]:
        """The dependencies that `fn` declares, with the project functions they run."""
        outer = fn.scope.parent
        if not isinstance(fn.node, s.FunctionDef) or outer is None:
            return
        for param in fn.params:
            yield from self._resolved(self._declared(param.annotation, param.default, outer))
        yield from self._resolved(self._of_view(fn))

    def _of_view(self, fn: sc.Function) -> Iterator[Depends]:
        """Class attributes that a class-based view injects before it calls a route method."""
        if fn.cls is None or not routers.is_route(fn, self._inference):
            return
        for ancestor in self._inference.hierarchy.order(fn.cls):
            if ancestor.cls is not None:
                for item in declarative.attributes(ancestor.cls):
                    yield from self._declared(item.annotation, item.value, item.scope)

    def _resolved(
        self, found: Iterator[Depends]
    ) -> Iterator[tuple[Depends, tuple[sc.Function, ...]]]:
        for depends in found:
            targets = self.targets(depends)
            if targets:
                yield depends, targets

    def _declared(
        self, annotation: s.Expr | None, default: s.Expr | None, scope: sc.Scope
    ) -> Iterator[Depends]:
        """From a default, or from inside an `Annotated` type."""
        if isinstance(default, s.Call) and is_depends(default):
            yield Depends(default, scope, annotation, default)
        if annotation is not None:
            found, home = self._inference.annotations.unaliased(annotation, scope)
            if isinstance(found, s.Subscript) and sc.last_name(found.value) == "Annotated":
                first, *others = subscript_items(found)
                for node in others:
                    if isinstance(node, s.Call) and is_depends(node):
                        quoted = annotation if isinstance(annotation, s.Constant) else node
                        yield Depends(node, home, first, quoted)

    def targets(self, depends: Depends) -> tuple[sc.Function, ...]:
        """The project functions that FastAPI calls: `Depends()` means the annotated class."""
        call, scope, annotation, _ = depends
        dependency = call.args[0] if call.args else declarative.keyword(call, "dependency")
        if dependency is not None and providers.is_injection(dependency, scope, self._inference):
            return ()
        if dependency is not None:
            types = self._inference.infer(dependency, scope)
        elif annotation is not None:
            values = self._inference.annotations.types(annotation, scope)
            types = frozenset(t.as_class(item) for item in values)
        else:
            return ()
        members = self._inference.members
        found = [fn for item in t.ordered(types) for fn, _ in members.callables(item)]
        return tuple(dict.fromkeys(found))
