"""Reads whose outcome depends on what happens to be loaded, and which nobody can name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.types import Instance
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.loads.accesses import read_name
from migrate_async.plan.loads.computed_names import computed_reads
from migrate_async.plan.loads.decide import Always
from migrate_async.plan.loads.sinks import Sink
from migrate_async.plan.loops_over_attributes import names_columns
from migrate_async.plan.polymorphic import LateColumns, can_be_loaded, late_subclasses
from migrate_async.plan.walks import Walks

DEPENDS_ON_LOADS = "MA507"

_DICT = "__dict__"
_GETATTR = "getattr"
_VARS = "vars"


def dynamic_reads(
    project: Project,
    colouring: Colouring,
    sinks: Iterable[Sink],
    let_load: Callable[[Function], bool],
) -> Iterator[Diagnostic]:
    """`getattr(x, name)`, `x.__dict__` and `vars(x)` of ORM objects, on the event loop.

    The first may load a deferred column, or one of a subclass whose mapping cannot be changed (see
    `plan.polymorphic`), and so may attributes that only a subclass has; `__dict__` has more in it
    than before where something is loaded eagerly now. Not where routes `let_load` what a function
    reads.
    """
    yield from _by_unknown_names(project, colouring, let_load)
    for function, node in _nodes(project, colouring, LateColumns(project)):
        for what in _shown(project, node):
            yield _told(function, node.span, what)
        if isinstance(node, s.Call) and _is_dynamic_getattr(node):
            if _is_awaited(project, colouring, function, node):
                continue
            for model in _models(project, node.args[0]):
                if model.deferred:
                    yield _told(function, node.span, _whether(model))
    for read in _late_reads(project, colouring, sinks):
        if _is_left(project, read.model) and not read.model.deferred:
            yield _told(read.function, read.span, _whether(read.model))


def _by_unknown_names(
    project: Project, colouring: Colouring, let_load: Callable[[Function], bool]
) -> Iterator[Diagnostic]:
    """`getattr(x, name)` in code that runs no SQL, where `name` may be a relationship."""
    if not any(colouring.converts(function) for function in colouring.coloured):
        return
    walks = project.shared(Walks)
    for function in project.functions:
        if function in colouring.coloured or function.is_module or function.module.is_test:
            continue
        found = tuple(walks.unknown(function))
        for walk in () if found and let_load(function) else found:
            cls = walk.models[0]
            what = f"whether this loads a relationship of a {cls.name}"
            yield _told(function, walk.call.node.span, what)


@dataclass(frozen=True)
class _LateRead:
    """Code reads what only subclasses of `model` have, of what may be one of them."""

    function: Function
    span: s.Span
    model: Model


def read_by_name(project: Project, colouring: Colouring, sinks: Iterable[Sink]) -> list[Model]:
    """The models of whose objects code on the event loop reads what only their subclasses have."""
    reads = _late_reads(project, colouring, sinks)
    return list({read.model.qualname: read.model for read in reads}.values())


def _late_reads(
    project: Project, colouring: Colouring, sinks: Iterable[Sink]
) -> Iterator[_LateRead]:
    late = LateColumns(project)
    for function, node in _nodes(project, colouring, late):
        models: Iterable[Model] = _read_late(project, late, node)
        if isinstance(node, s.Call) and _is_dynamic_getattr(node):
            models = _models(project, node.args[0])
        yield from (_LateRead(function, node.span, model) for model in models)
    for sink in sinks:
        for cls in sorted(sink.reads.late, key=lambda cls: cls.qualname):
            yield _LateRead(sink.function, sink.node.span, project.models[cls.qualname])


def _read_late(project: Project, late: LateColumns, node: s.Attribute | s.Call) -> Iterator[Model]:
    """The models of whose objects `node` reads a column that one of their subclasses has."""
    if isinstance(node, s.Attribute):
        owner, name = node.value, node.attr
    elif name := read_name(node):
        owner = node.args[0]
    else:
        return
    for model in _models(project, owner) if name in late.all else ():
        if name in late.names(model):
            yield model


def _nodes(
    project: Project, colouring: Colouring, late: LateColumns
) -> Iterator[tuple[Function, s.Attribute | s.Call]]:
    """Attributes and calls in functions that run on the event loop, if any do."""
    if not any(colouring.converts(function) for function in colouring.coloured):
        return
    reading = _reading(project, late)
    for function in project.functions:
        if function.module not in reading or function in colouring.kept:
            continue
        if isinstance(function.node, s.FunctionDef) and not function.module.is_test:
            yield from ((function, node) for node in function.nodes(s.Attribute, s.Call))


def _reading(project: Project, late: LateColumns) -> frozenset[Module]:
    """The modules that read what only subclasses have, or attributes that they do not name."""
    names = {_DICT, *late.all}
    found = {
        module for module in project.modules.values() if not names.isdisjoint(module.attributes)
    }
    for function in project.functions:
        if any(call.name in (_GETATTR, _VARS) for call in function.calls):
            found.add(function.module)
    return frozenset(found)


def _is_awaited(project: Project, colouring: Colouring, function: Function, node: s.Call) -> bool:
    """Whether it is awaited, or all that it reads is loaded."""
    scope = project.scope_of(node)
    return (
        any(read.call is node for read in computed_reads(project, function))
        and colouring.converts(function)
    ) or names_columns(project, node, scope)


def _whether(model: Model) -> str:
    return f"whether this loads a column of a {model.cls.name}"


def _told(function: Function, span: s.Span, what: str) -> Diagnostic:
    return at(
        function.module.path,
        span,
        DEPENDS_ON_LOADS,
        f"{what} depends on what is loaded by then, and no load can be awaited here",
        "name the attributes, or load all of them in the query (`selectinload`, `undefer`)",
    )


def _shown(project: Project, node: s.Attribute | s.Call) -> Iterator[str]:
    """`x.__dict__` and `vars(x)`, in words."""
    if isinstance(node, s.Attribute) and node.attr == _DICT:
        for model in _models(project, node.value):
            yield f"what `__dict__` of a {model.cls.name} holds"
    elif isinstance(node, s.Call) and _is_vars(node):
        for model in _models(project, node.args[0]):
            yield f"what `vars()` of a {model.cls.name} holds"


def _is_vars(call: s.Call) -> bool:
    return isinstance(call.func, s.Name) and call.func.id == _VARS and len(call.args) == 1


def _is_dynamic_getattr(call: s.Call) -> bool:
    is_getattr = isinstance(call.func, s.Name) and call.func.id == _GETATTR
    return is_getattr and len(call.args) > 1 and not isinstance(call.args[1], s.Constant)


def _models(project: Project, value: s.Expr) -> list[Model]:
    types = project.infer(value, project.scope_of(value))
    classes = {item.cls.qualname for item in types if isinstance(item, Instance)}
    return [model for name, model in project.models.items() if name in classes][:1]


def _is_left(project: Project, model: Model) -> bool:
    """Whether objects of `model` may have columns that no query can be told to select."""
    late = late_subclasses(project, model)
    return bool(late) and not can_be_loaded(late)


def read_of_subclasses(project: Project, always: Iterable[Always]) -> list[Model]:
    """The models whose queries have to load subclasses whole, for what these load of themselves."""
    classes = {item.step.seen_as: None for item in always}
    models = (project.models.get(cls.qualname) for cls in classes if cls is not None)
    return [model for model in models if model is not None]
