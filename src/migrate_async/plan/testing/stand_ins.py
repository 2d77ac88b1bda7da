"""Tests that put something in the place of a function that becomes a coroutine.

`monkeypatch.setattr(crud, "get", fake)` gives the application a plain function where it now awaits
the result. The stand-in becomes a coroutine function, too: by `async def` where it is a function
that serves for nothing else, else by an `AsyncMock` around it. `mock.patch("app.crud.get")` without
a stand-in of its own needs no change: it makes an `AsyncMock` of a coroutine function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeGuard

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, FunctionBinding, Module, Scope
from migrate_async.index.sites import CallSite
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.text import text

NAME = "async-tests"
UNKNOWN_STAND_IN = "MA430"
MOCK_SESSION = "MA431"

_MOCKS = frozenset({"Mock", "MagicMock", "NonCallableMock", "NonCallableMagicMock"})
_SETTERS = {"setattr": "value", "object": "new", "patch": "new"}
"""Functions that put a value in the place of another, and the keyword that gives it."""


@dataclass(frozen=True)
class StandIn:
    """`value`, in the place of `target`; `on_class`: as an attribute of a class."""

    call: s.Call
    value: s.Expr
    target: Function
    on_class: bool


@dataclass(frozen=True)
class Place:
    """The attribute `name` of `owner`, which is read in `scope`; no owner: of the module."""

    owner: s.Expr | None
    name: str
    scope: Scope


def stand_in_edits(
    project: Project, converts: Callable[[Function], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """What the stand-ins of functions that `converts` names become, by module."""
    found = [(module, item) for module, item in _stand_ins(project) if converts(item.target)]
    given = frozenset(item.value for _, item in found)
    made_async: dict[Function, None] = {}
    for module, stand_in in found:
        edits = ModuleEdits()
        if stand_in.target.is_generator:
            if not _is_async(project, stand_in.value):
                edits.diagnostics.append(_told(module, stand_in))
            yield module, edits
            continue
        alone = _own_function(project, stand_in.value, given)
        if alone is not None:
            if alone not in made_async and isinstance(alone.node, s.FunctionDef):
                edits.edits.append(p.MakeAsync(span=alone.node.span, codemod=NAME))
            made_async[alone] = None
        elif not _is_async(project, stand_in.value):
            _wrap(project, module, stand_in, edits)
        yield module, edits


def _wrap(project: Project, module: Module, stand_in: StandIn, edits: ModuleEdits) -> None:
    """`AsyncMock(side_effect=value)`, which calls a plain function and gives what it gives."""
    value = stand_in.value
    mocks = is_mock(project, value)
    # A mock gets no `self` as the attribute of a class; neither does a mock in its place.
    if mocks or (_is_plain(project, value) and not stand_in.on_class):
        mock = add_import(edits, module, "unittest.mock", "AsyncMock", NAME)
        code = f"{mock}(side_effect={{}})"
        edits.edits.append(p.ReplaceExpression(span=value.span, codemod=NAME, code=code))
        return
    edits.diagnostics.append(_told(module, stand_in))


def _told(module: Module, stand_in: StandIn) -> Diagnostic:
    """What becomes of the stand-in of a function, a generator or a context manager."""
    name, told = stand_in.target.name, f"`{text(stand_in.value)}` is put in its place"
    if "contextmanager" in stand_in.target.decorator_names:
        what = (
            f"`async with` enters {name} now, and {told}: unless that has `__aenter__`, it raises"
        )
        advice = "make it an `@asynccontextmanager` that yields an AsyncSession"
    elif stand_in.target.is_generator:
        what = f"{name} is an async generator now, and {told}: what iterates over it raises"
        advice = "make it an `async def` that yields an AsyncSession"
    else:
        what = f"{name} is awaited now, and {told}: unless that gives a coroutine, the await raises"
        advice = "make it a coroutine function, or an AsyncMock"
    return at(module.path, stand_in.value.span, UNKNOWN_STAND_IN, what, advice)


def entered_mocks(project: Project, converts: Callable[[Function], bool]) -> Iterator[Diagnostic]:
    """`patch("app.db.session_scope")` of what `async with` enters now: a mock with `__enter__`."""
    for site, call in test_calls(project):
        place = place_of(project, call)
        target = _function_at(project, place) if place is not None else None
        if target is None or value_of(call) is not None or not converts(target):
            continue
        if "contextmanager" in target.decorator_names:
            yield at(
                site.function.module.path,
                call.span,
                UNKNOWN_STAND_IN,
                f"`async with` enters {target.name} now, and a mock is put in its place: it gives "
                "what its `__aenter__` says, and not what `__enter__` does",
                "set `return_value.__aenter__.return_value` of the mock, to an AsyncSession",
            )


def mock_sessions(
    project: Project,
    converts: Callable[[Function], bool],
    converts_class: Callable[[Class], bool],
) -> Iterator[Diagnostic]:
    """Mocks that tests give to converted code in the place of a session.

    Nobody can tell what such a mock would have to answer to `await db.execute(select(...))`. With
    `converts_class` they are in an object that only holds the session for others.
    """

    def is_concerned(target: Function) -> bool:
        if _is_concerned(target, converts):
            return True
        return target.cls is not None and target.name == "__init__" and converts_class(target.cls)

    for site, call in test_calls(project):
        yield from _mocks_given(project, call, site.scope, is_concerned)


def _mocks_given(
    project: Project, call: s.Call, scope: Scope, is_concerned: Callable[[Function], bool]
) -> Iterator[Diagnostic]:
    for target, parameter, value in project.passes(call, scope):
        is_session = _is_session(project, target, parameter)
        if is_session and is_mock(project, value) and is_concerned(target):
            yield at(
                project.function_of(call).module.path,
                value.span,
                MOCK_SESSION,
                f"a mock takes the place of the session that {target.qualname} awaits now",
                "use a session on SQLite in memory, or rewrite the mock for `await db.execute()`",
            )
            return


def _is_session(project: Project, function: Function, parameter: s.Parameter) -> bool:
    if parameter.annotation is None or function.scope.parent is None:
        return False
    types = project.annotated(parameter.annotation, function.scope.parent)
    return project.session_kind_of(types) == "sync"


def _is_concerned(function: Function, converts: Callable[[Function], bool]) -> bool:
    """Whether `function` converts, or a method of the object that it makes."""
    if function.cls is None or function.name != "__init__":
        return converts(function)
    bindings = (b for found in function.cls.scope.names.values() for b in found)
    return any(isinstance(b, FunctionBinding) and converts(b.function) for b in bindings)


# --- what is put where -------------------------------------------------------------------------


def _stand_ins(project: Project) -> Iterator[tuple[Module, StandIn]]:
    for site, call in test_calls(project):
        found = _stand_in(project, call)
        if found is not None:
            yield site.function.module, found


def test_calls(project: Project) -> Iterator[tuple[CallSite, s.Call]]:
    """The calls in test modules."""
    for function in project.functions:
        if function.module.is_test:
            for site in project.calls(function):
                if isinstance(site.node, s.Call) and site.kind == "call":
                    yield site, site.node


def _stand_in(project: Project, call: s.Call) -> StandIn | None:
    place = place_of(project, call)
    value = value_of(call) if place is not None else None
    if place is None or value is None:
        return None
    target = _function_at(project, place)
    if target is None:
        return None
    owner = project.infer(place.owner, place.scope) if place.owner is not None else ()
    return StandIn(call, value, target, any(isinstance(o, t.ClassObject) for o in owner))


def place_of(project: Project, call: s.Call) -> Place | None:
    """Where `call`, of `monkeypatch.setattr` or `mock.patch`, puts something; None: it does not."""
    callee = s.dotted_name(call.func).rpartition(".")[2]
    if callee not in _SETTERS or not call.args:
        return None
    is_dotted = isinstance(call.args[0], s.Constant)
    return _named(project, call.args[0]) if is_dotted else _attribute(project, call)


def value_of(call: s.Call) -> s.Expr | None:
    """What a call with a `place_of` puts there; None: a mock that it makes itself."""
    callee = s.dotted_name(call.func).rpartition(".")[2]
    position = 1 if isinstance(call.args[0], s.Constant) else 2
    if len(call.args) > position:
        return call.args[position]
    return next((k.value for k in call.keywords if k.arg == _SETTERS[callee]), None)


def _attribute(project: Project, call: s.Call) -> Place | None:
    """`setattr(owner, "name", ...)`."""
    name = call.args[1] if len(call.args) > 1 else None
    if not isinstance(name, s.Constant) or name.kind != "str":
        return None
    return Place(call.args[0], str(name.value), project.scope_of(call))


def _named(project: Project, path: s.Expr) -> Place | None:
    """`setattr("package.module.name", ...)`."""
    if not isinstance(path, s.Constant) or path.kind != "str":
        return None
    parts = str(path.value).split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = project.modules.get(".".join(parts[:length]))
        if module is not None:
            owner: s.Expr | None = None
            for part in parts[length:-1]:
                span = path.span
                owner = s.Attribute(*span, owner, part) if owner else s.Name(*span, part)
            return Place(owner, parts[-1], module.scope)
    return None


def _function_at(project: Project, place: Place) -> Function | None:
    """The one function of the project that is there."""
    where = (place.owner or s.Name(0, 0, 0, 0, "")).span
    read = (
        s.Attribute(*where, place.owner, place.name) if place.owner else s.Name(*where, place.name)
    )
    found = {i.fn for i in project.infer(read, place.scope) if isinstance(i, t.FunctionObject)}
    return found.pop() if len(found) == 1 else None


# --- what it is --------------------------------------------------------------------------------


def _own_function(project: Project, value: s.Expr, given: frozenset[s.Expr]) -> Function | None:
    """The plain function that `value` is, if it serves as a stand-in and for nothing else."""
    found = [i for i in project.infer(value, project.scope_of(value)) if _plain(i)]
    if not isinstance(value, s.Name) or len(found) != 1:
        return None
    function = found[0].fn
    if not function.module.is_test or project.callers(function) or function.is_lambda:
        return None
    uses = [use.node for use in project.value_uses(function)]
    return function if uses and all(use in given for use in uses) else None


def _is_plain(project: Project, value: s.Expr) -> bool:
    types = project.infer(value, project.scope_of(value))
    return isinstance(value, s.Lambda) or (bool(types) and all(_plain(i) for i in types))


def _plain(item: t.Type) -> TypeGuard[t.FunctionObject]:
    """A function that is neither a coroutine function nor a generator."""
    if not isinstance(item, t.FunctionObject):
        return False
    return not item.fn.is_async and not item.fn.is_generator and not item.fn.decorator_names


def _is_async(project: Project, value: s.Expr) -> bool:
    """Whether `value` gives something to await already."""
    types = project.infer(value, project.scope_of(value))
    is_coroutine = any(isinstance(i, t.FunctionObject) and i.fn.is_async for i in types)
    return is_coroutine or "AsyncMock" in _mocks(project, value)


def is_mock(project: Project, value: s.Expr) -> bool:
    """Whether `value` is a mock whose answers nobody can await."""
    return not _MOCKS.isdisjoint(_mocks(project, value))


def _mocks(project: Project, value: s.Expr) -> frozenset[str]:
    """The kinds of mock that `value` can be: `Mock`, `MagicMock`, `AsyncMock` ..."""
    types = project.infer(value, project.scope_of(value))
    names = (i.dotted.rpartition(".") for i in types if isinstance(i, _EXTERNAL))
    return frozenset(name for module, _, name in names if module in ("unittest.mock", "mock"))


_EXTERNAL = (t.ExternalInstance, t.ExternalResult)
