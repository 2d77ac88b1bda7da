"""Functions that make engines or session factories for variables of a module.

    SessionLocal, engine = connect(settings.url)

What they make becomes async inside of them. Where the sync side is needed, too, a copy of the
function goes on making that, `sync_connect`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject, SessionFactory
from migrate_async.model import syntax as s
from migrate_async.plan.names import is_bound_inside
from migrate_async.plan.own_globals import own_globals


class Makers:
    """Those of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, variable: Variable) -> Function | None:
        """The function whose call is the value of `variable`, if the project defines it."""
        call = variable.value
        if not isinstance(call, s.Call):
            return None
        for found in self._project.infer(call.func, variable.scope):
            if isinstance(found, FunctionObject):
                return found.fn
        return None

    @cached_property
    def variables(self) -> dict[Function, list[Variable]]:
        """The variables of modules, by the function that makes them."""
        found: dict[Function, list[Variable]] = {}
        for variable in (*self._project.session_factories, *self._project.engines):
            maker = self.of(variable) if variable.scope.kind == "module" else None
            if maker is not None:
                found.setdefault(maker, []).append(variable)
        return found

    @cached_property
    def _named(self) -> frozenset[s.Expr | None]:
        variables = (*self._project.engines, *self._project.session_factories)
        return frozenset(variable.value for variable in variables)

    def unnamed(self, maker: Function) -> Iterator[Variable]:
        """The engines and factories that `maker` returns, or yields, as it makes them."""
        for call in maker.calls:
            if call.node in self._named or not self._is_returned(call.node):
                continue
            called = self._project.infer(call.node.func, call.scope)
            if any(isinstance(found, FunctionObject) for found in called):
                continue
            kind = self._kind(call.node)
            if kind:
                yield Variable("", "", kind, call.node, call.scope)

    @cached_property
    def for_functions(self) -> dict[Function, tuple[Variable, ...]]:
        """What functions make and return at once, for functions: no variable of a module has it."""
        found = {
            function: tuple(self.unnamed(function))
            for function in self._project.functions
            if function not in self.variables
            and not function.is_module
            and not function.module.is_test
        }
        return {function: made for function, made in found.items() if made}

    @cached_property
    def for_tests(self) -> dict[Function, tuple[Variable, ...]]:
        """The same of functions of tests: `return sessionmaker(bind=engine)` in a fixture."""
        tests = (function for function in self._project.functions if function.module.is_test)
        found = {function: tuple(self.unnamed(function)) for function in tests}
        return {function: made for function, made in found.items() if made}

    def inside(self, function: Function) -> Iterator[Variable]:
        """The engines and factories that `function` makes for itself, and gives a name."""
        for variable in (*self._project.engines, *self._project.session_factories):
            if variable.scope is function.scope:
                yield variable

    def _is_returned(self, call: s.Call) -> bool:
        around = self._project.parent(call)
        if isinstance(around, s.Sequence):
            around = self._project.parent(around)
        return isinstance(around, s.Return | s.Yield)

    def _kind(self, value: s.Expr) -> str:
        scope = self._project.scope_of(value)
        engine = self._project.engine_or_connection(value, scope)
        if engine in ("engine", "async-engine"):
            return engine
        for found in self._project.infer(value, scope):
            if isinstance(found, SessionFactory):
                return "async_sessionmaker" if found.is_async else "sessionmaker"
        return ""

    def kinds(self, function: Function) -> frozenset[str]:
        """The kinds of what `function` returns, or of the parts of that."""
        values = [
            part
            for value in function.returns
            for part in (value.items if isinstance(value, s.Sequence) else (value,))
        ]
        return frozenset(map(self._kind, values)) - {""}


CONFIGURE = "configure"
"""The method that binds a factory after it was made."""

_COPIED_DECORATORS = frozenset({"cache", "classmethod", "lru_cache", "staticmethod"})


def can_be_copied(project: Project, maker: Function) -> bool:
    """Whether a copy can stand beside it: a plain function at the top of its module."""
    return has_room(project, maker) and not maker.decorator_names


def has_room(project: Project, function: Function) -> bool:
    """The same, also for a method of any kind."""
    return (
        _is_plain(function)
        and function.decorator_names <= _COPIED_DECORATORS
        and not function.is_generator
        and not binds_factories(function)
        and own_globals(project, function) is not None
    )


def binds_factories(function: Function) -> bool:
    """Whether it says `SessionLocal.configure(bind=...)`: so would a copy, of the same factory."""
    return any(call.name == CONFIGURE and binds(call.node) for call in function.calls)


def binds(call: s.Call) -> bool:
    """Whether `call`, of `configure`, says what a factory is bound to."""
    return any(keyword.arg == "bind" for keyword in call.keywords)


def is_scope_shaped(function: Function) -> bool:
    """Whether a copy of a context manager can stand beside it: of a module, or a method."""
    return (
        _is_plain(function)
        and function.is_generator
        and function.decorator_names <= {"contextmanager"}
    )


def is_plain_giver(function: Function) -> bool:
    """Whether it is a function of a module that returns what it makes, and keeps nothing."""
    return (
        _is_plain(function)
        and function.cls is None
        and not function.is_generator
        and not function.decorators
        and bool(function.returns)
        and all(_is_made(value, function) for value in function.returns)
    )


def _is_made(value: s.Expr, function: Function) -> bool:
    """Whether it is a call, or a variable of `function`."""
    if isinstance(value, s.Name):
        return is_bound_inside(value.id, function.scope)
    return isinstance(value, s.Call)


def _is_plain(function: Function) -> bool:
    """Whether it is a `def` of a module, or of a class of one."""
    return (
        isinstance(function.node, s.FunctionDef)
        and not function.is_async
        and function.parent is not None
        and function.parent.is_module
    )
