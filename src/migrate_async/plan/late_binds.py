"""Factories that get their engine after they were made: `SessionLocal.configure(bind=engine)`.

Where a sync factory has to stand beside one that becomes async, it is bound where that is, by a
copy of the statement; an engine that the function makes for that gets a copy, too:

    engine = create_async_engine(url)
    sync_engine = create_engine(url)
    SessionLocal.configure(bind=engine)
    SyncSessionLocal.configure(bind=sync_engine)

Where no such copy can be written, none can stand beside it, as if the function made the factory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, RawCall
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.engines import NAME, engine_edits, made_engine
from migrate_async.plan.makers import CONFIGURE, Makers, binds, can_be_copied, has_room
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.names import is_bound_inside, is_variable, read_from

BecomesAsync = Callable[[Variable], bool]
"""Whether an engine or a factory does in this run."""


@dataclass(frozen=True, eq=False)
class LateBind:
    """`statement`, in `function`, binds `factory` to `bind`; `engine` is the variable there.

    `makes_engine`: the function that binds the factory makes its engine, under that name.
    `getter` is called for the engine.
    """

    factory: Variable
    function: Function
    statement: s.ExpressionStatement
    bind: s.Expr
    engine: Variable | None
    makes_engine: bool
    getter: Function | None

    def is_async(self, becomes_async: BecomesAsync) -> bool:
        """Whether it is right for the async factory: a test that stays sync has a sync engine."""
        engine = self.engine or self.made_engine
        is_test = self.function.module.is_test
        return not is_test or (engine is not None and becomes_async(engine))

    @property
    def made_engine(self) -> Variable | None:
        """The engine that the statement makes."""
        made = made_engine(self.bind)
        return None if made is None else Variable("", "", "engine", made, self.function.scope)

    def copy(self, names: Mapping[str, str]) -> p.CopyStatement:
        """The same below it, about what `names` say."""
        pairs = tuple(sorted(names.items()))
        return p.CopyStatement(span=self.statement.span, codemod=NAME, names=pairs)


class LateBinds:
    """Those of the factories of a project's modules; tests may bind them for themselves."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._makers = project.shared(Makers)

    def of(self, factory: Variable) -> tuple[LateBind, ...]:
        """Where `factory` is bound, tests left out."""
        return tuple(b for b in self._found.get(factory, ()) if not b.function.module.is_test)

    def binds(self, function: Function) -> bool:
        """Whether `function` binds one."""
        return any(bind.function is function for found in self._found.values() for bind in found)

    def inside(self, function: Function, becomes_async: BecomesAsync) -> Iterator[LateBind]:
        """What `function` goes on saying of factories that become async."""
        for bind in self.becoming_async(becomes_async):
            if bind.function is function and bind.is_async(becomes_async):
                yield bind

    def binders(self, factory: Variable) -> Iterator[Function]:
        """The functions that bind `factory`."""
        yield from (bind.function for bind in self.of(factory) if not bind.function.is_module)

    def has_room(self, factory: Variable) -> bool:
        """Whether a sync one beside `factory` can be bound wherever that is."""
        return all(map(self._can_be_copied, self.of(factory)))

    def becoming_async(self, becomes_async: BecomesAsync) -> Iterator[LateBind]:
        """Those that bind a factory which becomes async."""
        for factory, found in self._found.items():
            yield from found if becomes_async(factory) else ()

    def async_edits(self, becomes_async: BecomesAsync) -> Iterator[tuple[Module, ModuleEdits]]:
        """The engines that are made in such statements: nothing else names them."""
        for bind in self.becoming_async(becomes_async):
            made = bind.made_engine
            if made is not None and becomes_async(made):
                yield bind.function.module, engine_edits(self._project, made)

    def _can_be_copied(self, bind: LateBind) -> bool:
        """Whether what it says can be said of another factory, by names that are known there."""
        call = bind.statement.value
        if not isinstance(call, s.Call) or bind.function.module is not bind.factory.module:
            return False
        owner = call.func.value if isinstance(call.func, s.Attribute) else None
        if not isinstance(owner, s.Name) or call.args or not all(k.arg for k in call.keywords):
            return False
        if bind.made_engine is not None:
            return True
        if bind.getter is not None:
            return has_room(self._project, bind.getter)
        if bind.engine is None:
            return False
        maker = self._makers.of(bind.engine)
        return maker is None or can_be_copied(self._project, maker)

    @cached_property
    def _found(self) -> dict[Variable, list[LateBind]]:
        found: dict[Variable, list[LateBind]] = {}
        for function in self._project.functions:
            has_some = CONFIGURE in function.module.attributes
            for call in function.calls if has_some else ():
                bind = self._read(function, call)
                if bind is not None:
                    found.setdefault(bind.factory, []).append(bind)
        return found

    def _read(self, function: Function, call: RawCall) -> LateBind | None:
        func = call.node.func
        if call.name != CONFIGURE or not isinstance(func, s.Attribute):
            return None
        binds = [keyword.value for keyword in call.node.keywords if keyword.arg == "bind"]
        factory = self._factory(func.value) if binds else None
        statement = self._project.statement_of(call.node)
        if factory is None or not isinstance(statement, s.ExpressionStatement):
            return None
        bind = binds[0]
        engine = self._made_inside(function, bind)
        makes_engine = engine is not None
        engine = engine or self._of_module(function, bind)
        getter = self._getter(function, bind)
        return LateBind(factory, function, statement, bind, engine, makes_engine, getter)

    def _factory(self, node: s.Expr) -> Variable | None:
        if not isinstance(node, s.Name | s.Attribute):
            return None
        place = read_from(self._project, node)
        if place is None or (
            isinstance(node, s.Name) and is_bound_inside(node.id, self._project.scope_of(node))
        ):
            return None
        home, name = place
        for factory in self._project.session_factories:
            is_plain = factory.kind == "sessionmaker" and factory.scope.kind == "module"
            if is_plain and is_variable(home, factory.module, factory.name, name):
                return factory
        return None

    def _made_inside(self, function: Function, bind: s.Expr) -> Variable | None:
        """The variable of `function`, a `global` one perhaps, that it gives its engine to."""
        if function.is_module or not isinstance(bind, s.Name):
            return None
        for engine in self._project.engines:
            if engine.name == bind.id and engine.scope.function is function:
                return engine
        return None

    def _getter(self, function: Function, bind: s.Expr) -> Function | None:
        """The function of the project that `bind` calls by its name."""
        if not isinstance(bind, s.Call) or not isinstance(bind.func, s.Name):
            return None
        found = self._project.infer(bind.func, function.scope)
        getters = [item.fn for item in found if isinstance(item, FunctionObject)]
        return getters[0] if len(getters) == 1 and bind.func.id == getters[0].name else None

    def _of_module(self, function: Function, bind: s.Expr) -> Variable | None:
        if not isinstance(bind, s.Name) or is_bound_inside(bind.id, function.scope):
            return None
        for engine in self._project.engines:
            is_one = engine.kind == "engine" and engine.scope.kind == "module"
            if is_one and is_variable(function.module, engine.module, engine.name, bind.id):
                return engine
        return None


def is_bind_of(name: str, statement: s.Stmt) -> bool:
    """Whether `statement` is `name.configure(bind=...)`."""
    call = statement.value if isinstance(statement, s.ExpressionStatement) else None
    return (
        isinstance(call, s.Call)
        and s.dotted_name(call.func) == f"{name}.{CONFIGURE}"
        and binds(call)
    )
