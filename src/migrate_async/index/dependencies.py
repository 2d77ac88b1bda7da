"""`Depends(...)`: which project functions FastAPI calls for a function.

Written where it is asked for, or under a name: `DB = Depends(get_db)`, `db: Session = DB`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from migrate_async.index import declarative, providers, routers
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.classes import subscript_items
from migrate_async.index.infer import Inference
from migrate_async.index.parameters import is_depends
from migrate_async.index.resolve import alias, values
from migrate_async.model import syntax as s


class Depends(NamedTuple):
    """A `Depends(...)` call, to be read in `scope`; `annotation` is the type of what it gives.

    `written` is where it, or its name, stands, or the annotation in quotes that says it.
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
        yield from self._resolved(depends for _, depends in self.of_parameters(fn))
        if isinstance(fn.node, s.FunctionDef):
            yield from self._resolved(self._of_view(fn))

    def of_parameters(self, fn: sc.Function) -> Iterator[tuple[s.Parameter, Depends]]:
        """What the parameters of `fn` declare, whether or not it is known what that runs."""
        outer = fn.scope.parent
        if not isinstance(fn.node, s.FunctionDef) or outer is None:
            return
        for param in fn.params:
            for depends in self._declared(param.annotation, param.default, outer):
                yield param, depends

    def is_seen(self, depends: Depends) -> bool:
        """Whether it is known who gives what it asks for: code of the project, or its factory.

        Or what the settings name, `get-db`, wherever that is.
        """
        if self.targets(depends):
            return True
        asked = _asked(depends)
        if asked is None or providers.is_injection(asked, depends.scope, self._inference):
            return True
        types = self._inference.infer(asked, depends.scope)
        return any(
            isinstance(item, t.SessionFactory)
            or (isinstance(item, t.External) and item.dotted == self._inference.settings.get_db)
            for item in types
        )

    def _of_view(self, fn: sc.Function) -> Iterator[Depends]:
        """Class attributes that a class-based view injects before it calls a route method."""
        if fn.cls is None or not routers.is_route(fn, self._inference):
            return
        for ancestor in self._inference.hierarchy.order(fn.cls):
            if ancestor.cls is not None:
                for item in declarative.attributes(ancestor.cls):
                    yield from self._declared(item.annotation, item.value, item.scope)

    def _resolved(
        self, found: Iterable[Depends]
    ) -> Iterator[tuple[Depends, tuple[sc.Function, ...]]]:
        for depends in found:
            targets = self.targets(depends)
            if targets:
                yield depends, targets

    def _declared(
        self, annotation: s.Expr | None, default: s.Expr | None, scope: sc.Scope
    ) -> Iterator[Depends]:
        """From a default, or from inside an `Annotated` type."""
        named = None if default is None else self._called(default, scope)
        if named is not None and default is not None:
            yield Depends(*named, annotation, default)
        if annotation is not None:
            found, home = self._inference.annotations.unaliased(annotation, scope)
            if isinstance(found, s.Subscript) and sc.last_name(found.value) == "Annotated":
                first, *others = subscript_items(found)
                for node in others:
                    named = self._called(node, home)
                    if named is not None:
                        quoted = annotation if isinstance(annotation, s.Constant) else node
                        yield Depends(*named, first, quoted)

    def _called(self, node: s.Expr, scope: sc.Scope) -> tuple[s.Call, sc.Scope] | None:
        """The call of `Depends` that `node` is or names, and where it is read."""
        if isinstance(node, s.Call):
            return (node, scope) if is_depends(node) else None
        if not isinstance(node, s.Name | s.Attribute):
            return None
        names = self._inference.names
        value = next(iter(values(node, names, scope)), None)
        found = alias(node, names, scope)
        if found is None or found[0] is not value or not is_depends(value):
            return None
        return value, found[1]

    def targets(self, depends: Depends) -> tuple[sc.Function, ...]:
        """The project functions that FastAPI calls: `Depends()` means the annotated class."""
        _, scope, annotation, _ = depends
        dependency = _asked(depends)
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


def _asked(depends: Depends) -> s.Expr | None:
    """What FastAPI is told to call; None: the annotated class."""
    call = depends.call
    return call.args[0] if call.args else declarative.keyword(call, "dependency")
