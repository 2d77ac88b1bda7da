"""Decorators that open a session for what they are on, some of which stays sync.

    def begin_session(func):
        @wraps(func)
        def wrapper(*args, **kwargs):
            with SessionLocal.begin() as session:
                return func(*args, session=session, **kwargs)

        return wrapper

The wrapper converts with the functions that do. Those that stay sync, because a property runs them,
get a copy of the decorator on the sync factory, `sync_begin_session`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject
from migrate_async.knowledge.shim import sync_name_of
from migrate_async.model import syntax as s
from migrate_async.plan.makers import has_room
from migrate_async.plan.names import is_bound_inside, is_variable


class DecoratorCopies:
    """Those of a project of which there is a copy, or can be, by their wrappers."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def __contains__(self, wrapper: object) -> bool:
        return wrapper in self._copied

    def is_copy(self, wrapper: Function) -> bool:
        """Whether it is that of a copy that an earlier run made."""
        return wrapper in self.made

    def on(self, function: Function) -> Iterator[tuple[s.Expr, Function, Function]]:
        """The decorators of `function` that can be copied: where, which, and their wrappers."""
        node = function.node
        outer = function.scope.parent
        for decorator in node.decorators if isinstance(node, s.FunctionDef) else ():
            for found in self._project.infer(decorator, outer) if outer is not None else ():
                wrapper = _wrapper(found.fn) if isinstance(found, FunctionObject) else None
                if wrapper is None or wrapper not in self._copied:
                    continue
                if wrapper.parent is not None:
                    yield decorator, wrapper.parent, wrapper

    def sources(
        self, decorator: Function, becomes_async: Callable[[Variable], bool]
    ) -> Mapping[str, Variable]:
        """The factories and engines of modules that `decorator` uses, by its names for them."""
        names = _own_names(decorator)
        known = (*self._project.session_factories, *self._project.engines)
        return {
            name: source
            for source in known
            if source.scope.kind == "module" and becomes_async(source)
            for name in names
            if is_variable(decorator.module, source.module, source.name, name)
        }

    @cached_property
    def _copied(self) -> frozenset[Function]:
        return frozenset(wrapper for wrapper, _ in self._pairs() if self._can_be_copied(wrapper))

    @cached_property
    def made(self) -> Mapping[Function, tuple[Function, Function]]:
        """The wrappers of copies: the copy of each, and what that is a copy of."""
        asynchronous = (decorator for _, decorator in self._pairs(is_async=True))
        decorators = {(fn.module, sync_name_of(fn.name)): fn for fn in asynchronous}
        found: dict[Function, tuple[Function, Function]] = {}
        for wrapper, decorator in self._pairs():
            original = decorators.get((decorator.module, decorator.name))
            if original is not None:
                found[wrapper] = (decorator, original)
        return found

    def _pairs(self, *, is_async: bool = False) -> Iterator[tuple[Function, Function]]:
        """The wrappers that decorators of modules return, and these."""
        for function in self._project.functions:
            decorator = function.parent
            if decorator is None or decorator.is_module or function.is_async is not is_async:
                continue
            if _wrapper(decorator) is function and self._project.wrapped_by(function):
                yield function, decorator

    def _can_be_copied(self, wrapper: Function) -> bool:
        decorator = wrapper.parent
        if decorator is None or wrapper in self.made or decorator.cls is not None:
            return False
        name = sync_name_of(decorator.name)
        return (
            has_room(self._project, decorator)
            and not decorator.decorator_names
            and name not in decorator.module.scope.names
            and all(map(_is_of_module, self._project.wrapped_by(wrapper)))
            and all(use.kind == "decorator" for use in self._project.value_uses(decorator))
            and not self._project.callers(decorator)
        )


def _is_of_module(function: Function) -> bool:
    """Whether `function` is one of a module of the application, or a method there."""
    is_outer = function.parent is not None and function.parent.is_module
    return is_outer and not function.module.is_test


def _wrapper(decorator: Function) -> Function | None:
    """The function in `decorator` that all its `return`s give."""
    names = {value.id if isinstance(value, s.Name) else "" for value in decorator.returns}
    inside = [fn for fn in _inner(decorator) if {fn.name} == names]
    return inside[0] if len(inside) == 1 else None


def _inner(decorator: Function) -> Iterable[Function]:
    for bindings in decorator.scope.names.values():
        for binding in bindings:
            found = getattr(binding, "function", None)
            if isinstance(found, Function) and found.parent is decorator and found.node:
                yield found


def _own_names(decorator: Function) -> frozenset[str]:
    """The names of its module that `decorator` uses, also in its wrapper."""
    scopes = (decorator.scope, *(fn.scope for fn in _inner(decorator)))
    return frozenset(
        node.id
        for node in s.walk(decorator.node)  # type: ignore[arg-type]  # a `def`
        if isinstance(node, s.Name) and not any(is_bound_inside(node.id, scope) for scope in scopes)
    )
