"""What the database module offers code that stays sync: twins of what becomes async."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject, SessionFactory
from migrate_async.knowledge.shim import BLOCKING_ENGINE, BLOCKING_SESSION, PACKAGE, SYNC_SIDE
from migrate_async.knowledge.sqlalchemy import SYNC_SESSION
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.plan.aliases import Alias
from migrate_async.plan.both_worlds.dependencies import Dependencies
from migrate_async.plan.both_worlds.needs import Needs, beside, passing, sync_name
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.engine_urls import moving_url, moving_urls, url_argument
from migrate_async.plan.engines import NAME, bound, inline_engine
from migrate_async.plan.givers import Given, Givers
from migrate_async.plan.leftovers.twins import (
    blocking_name,
    statements_of_none,
    sync_giver_name,
    sync_maker_name,
    uncached_name,
)
from migrate_async.plan.makers import Makers, can_be_copied
from migrate_async.plan.module_edits import ModuleEdits, add_change, add_import
from migrate_async.plan.names import is_bound_inside, is_variable
from migrate_async.plan.own_globals import own_globals, sync_global_name
from migrate_async.plan.sessions.classes import (
    async_home_of_dependency,
    has_no_factory,
    sync_home_of_dependency,
)
from migrate_async.plan.text import source, source_if_simple, text


class Offers:
    """Writes what `needs` holds beside its async original."""

    def __init__(
        self, around: Surroundings, needs: Needs, dependencies: Dependencies, givers: Givers
    ) -> None:
        self._project = around.project
        self._twins = around.twins
        self._needs = needs
        self._dependencies = dependencies
        self._givers = givers
        self._makers = around.project.shared(Makers)
        self._late_binds = around.late_binds

    def plan(self) -> dict[Module, ModuleEdits]:
        """The sync names that the re-pointed code imports."""
        found: dict[Module, ModuleEdits] = {}
        for dependency in self._needs.dependencies:
            self._offer_dependency(found, dependency)
        for dependency in self._needs.uncached:
            self._offer_dependency(found, dependency, is_cached=False)
        for dependency, factory in self._needs.blocking.items():
            self._offer_blocking(found, dependency, factory)
        for alias in sorted(self._needs.aliases, key=lambda item: item.name):
            self._offer_alias(found, alias)
        for factory in self._project.session_factories:
            if factory in self._needs.variables:
                self._need_engine(factory)
                self._twin(found, factory)
                self._bind_twin(found, factory)
        for engine in self._project.engines:
            if engine in self._needs.variables:
                self._twin(found, engine)
        self._copies(found)
        return found

    def _copies(self, found: dict[Module, ModuleEdits]) -> None:
        """The sync sides of functions that become async, or of what they use."""
        for maker in self._needs.makers:
            self._copy(found, maker, sync_maker_name(maker.name), Given())
        for giver, given in self._needs.givers.items():
            self._copy(found, giver, sync_giver_name(self._project, giver), given)
        for decorator, given in self._needs.decorators.items():
            self._copy(found, decorator, sync_maker_name(decorator.name), given)

    def can_have(self, variable: Variable) -> bool:
        """Whether a sync one can stand beside `variable`, which a function makes perhaps."""
        maker = self._makers.of(variable)
        if maker is not None and not can_be_copied(self._project, maker):
            return False
        return self._late_binds.has_room(variable)

    def _offer_dependency(
        self, found: dict[Module, ModuleEdits], function: Function, *, is_cached: bool = True
    ) -> None:
        side = self._dependencies.sync_name(function)
        name = side if is_cached else uncached_name(side)
        holder = self._dependencies.holder(function)
        module = function.module if holder is None else holder.module
        beside = function.node if holder is None else holder.above_definitions
        called = function.name if holder is None else f"{holder.name}.{function.name}"
        if beside is None or self._twins.has(module, name):
            return
        edits = found.setdefault(module, ModuleEdits())
        depends = add_import(edits, module, "fastapi", "Depends", NAME)
        plain = sync_home_of_dependency(self._project, function)
        sync = add_import(edits, module, plain, "Session", NAME)
        home = async_home_of_dependency(self._project, function)
        by = "async_sessionmaker"  # it goes with this function, if nothing else needs it
        wanted = p.ImportChange(NAME, home, "AsyncSession", beside=by, passing=True)
        session = add_change(edits, module, wanted)
        head, value = "def", f"db.{SYNC_SESSION}"
        if not self.hops(function):
            head = "async def"
            value = f"{add_import(edits, module, 'migrate_async', SYNC_SIDE, NAME)}(db)"
        what = "The request's session" if is_cached else "A session beside the request's"
        called += self._scope(function) + ", use_cache=False" * (not is_cached)
        code = (
            f"{head} {name}(db: {session} = {depends}({called})) -> {sync}:\n"
            f'    """{what}, for what has not migrated yet."""\n'
            f"    return {value}"
        )
        edits.edits.append(
            p.InsertStatements(span=beside.span, codemod=NAME, code=code, after=True)
        )

    def _scope(self, dependency: Function) -> str:
        """`scope="function"` where all ask so for it: FastAPI has a session for each scope."""
        sites = (site for site in self._project.callers(dependency) if site.kind == "dependency")
        scopes = {_scope_at(site.node) for site in sites if isinstance(site.node, s.Call)}
        return scopes.pop() if len(scopes) == 1 else ""

    def _offer_blocking(
        self, found: dict[Module, ModuleEdits], function: Function, factory: Variable
    ) -> None:
        """A dependency that opens a session of the sync factory beside the request's."""
        name = blocking_name(self._dependencies.sync_name(function))
        module, node = function.module, function.node
        if node is None or self._twins.has(module, name):
            return
        edits = found.setdefault(module, ModuleEdits())
        depends = add_import(edits, module, "fastapi", "Depends", NAME)
        iterator = add_import(edits, module, "collections.abc", "Iterator", NAME)
        sync = add_import(
            edits, module, sync_home_of_dependency(self._project, function), "Session", NAME
        )
        session = add_import(
            edits, module, async_home_of_dependency(self._project, function), "AsyncSession", NAME
        )
        opened = add_import(edits, module, "migrate_async", BLOCKING_SESSION, NAME)
        own = passing(edits, module, factory.module, sync_name(factory), factory.name)
        asked = f"{function.name}{self._scope(function)}"
        code = (
            f"def {name}(db: {session} = {depends}({asked})) -> {iterator}[{sync}]:\n"
            '    """A session on the sync driver, for what works on a connection of that."""\n'
            f"    with {opened}(db, {own}) as session:\n"
            "        yield session"
        )
        edits.edits.append(p.InsertStatements(span=node.span, codemod=NAME, code=code, after=True))

    def hops(self, dependency: Function) -> bool:
        """Whether its sessions work in threads as soon as their factory is told that they have to.

        Others have to be told one by one.
        """
        return not has_no_factory(self._project, dependency) and self._is_told(dependency)

    def _is_told(self, dependency: Function) -> bool:
        """Whether the factory of `dependency` can be told to make sessions that threads may use.

        One that a function makes, `global SessionLocal`, cannot, nor one of an object.
        """
        opened = [
            call.node.func
            for call in dependency.calls
            if any(
                isinstance(item, SessionFactory)
                for item in self._project.infer(call.node.func, call.scope)
            )
        ]
        named = [func for func in opened if isinstance(func, s.Name)]
        if not self._factories or (dependency.self_name and not named):
            return False
        return all(
            is_bound_inside(func.id, dependency.scope)
            or self._is_factory(dependency.module, func.id)
            or self._twins.named(dependency.module, func) is not None  # sync sessions may anyway
            for func in named
        )

    def _is_factory(self, module: Module, name: str) -> bool:
        """Whether `name`, read in `module`, is one of a module."""
        return any(is_variable(module, f.module, f.name, name) for f in self._factories)

    @cached_property
    def _factories(self) -> tuple[Variable, ...]:
        """The factories of modules."""
        return tuple(
            factory
            for factory in self._project.session_factories
            if factory.scope.kind == "module" and factory not in self._twins.variables
        )

    def _offer_alias(self, found: dict[Module, ModuleEdits], alias: Alias) -> None:
        edits = found.setdefault(alias.module, ModuleEdits())
        code = alias.source
        for node, side in self._sides_of(edits, alias):
            code = re.sub(rf"(?<![\w.]){re.escape(text(node))}(?!\w)", side, code)
        edits.edits.append(
            p.InsertStatements(
                span=alias.statement.span,
                codemod=NAME,
                code=f"{alias.sync_name} = {code}",
                after=True,
            )
        )

    def _sides_of(
        self, edits: ModuleEdits, alias: Alias
    ) -> Iterator[tuple[s.Name | s.Attribute, str]]:
        """The names in `alias` of what gives sessions, and what stands in its twin for them."""
        inner = dict(self._dependencies.aliases_of(alias))
        for node, named in inner.items():
            yield node, beside(self._project, edits, node, named, named.sync_name)
        for node, function in self._dependencies.of_alias(alias):
            name = self._dependencies.sync_name(function)
            holder = self._dependencies.holder(function)
            if holder is not None:
                yield node, passing(edits, alias.module, holder.module, name, holder.name)
            elif node not in inner:
                yield node, beside(self._project, edits, node, function, name)

    def _need_engine(self, factory: Variable) -> None:
        """A sync factory needs the sync engine that it is bound to."""
        names = {node.id for node in s.walk(factory.call) if isinstance(node, s.Name)}
        for engine in self._project.engines:
            if engine.kind == "engine" and any(
                is_variable(factory.module, engine.module, engine.name, name) for name in names
            ):
                self._needs.variables[engine] = None
        for bind in self._late_binds.of(factory):
            if bind.engine is not None and not bind.makes_engine:
                self._needs.variables[bind.engine] = None

    def _bind_twin(self, found: dict[Module, ModuleEdits], factory: Variable) -> None:
        """Where `factory` is bound after it was made, its sync twin is."""
        if self._twins.has(factory.module, sync_name(factory)):
            return
        for bind in self._late_binds.of(factory):
            module = bind.function.module
            edits = found.setdefault(module, ModuleEdits())
            if bind.engine is not None and bind.makes_engine:
                self._copy_engine(edits, bind.engine)
            names = {factory.name: sync_name(factory)}
            if bind.engine is not None:
                names[bind.engine.name] = sync_name(bind.engine)
            if bind.getter is not None:
                names[bind.getter.name] = self._sync_getter(edits, module, bind.getter)
            edits.edits.append(bind.copy(names))

    def _sync_getter(self, edits: ModuleEdits, module: Module, getter: Function) -> str:
        """What the copy of `getter` is called in `module`."""
        self._needs.add_giver(getter, self._givers)
        name = sync_giver_name(self._project, getter)
        return passing(edits, module, getter.module, name, getter.name)

    def _copy_engine(self, edits: ModuleEdits, engine: Variable) -> None:
        """What a function makes to bind a factory to it, for the sync one."""
        call = engine.call
        statement = self._project.statement_of(call)
        names = tuple(sorted(self._sync_names(edits, engine.module, call)))
        edits.edits.append(
            p.CopyAssignment(span=statement.span, codemod=NAME, name=sync_name(engine), names=names)
        )

    def _twin(self, found: dict[Module, ModuleEdits], variable: Variable) -> None:
        module, call, name = variable.module, variable.call, sync_name(variable)
        if self._twins.has(module, name):
            return
        edits = found.setdefault(module, ModuleEdits())
        statement = self._project.statement_of(call)
        maker = self._makers.of(variable)
        if (
            isinstance(statement, (s.Assign, s.AnnotatedAssign))
            and statement.value is call
            and (maker is None or can_be_copied(self._project, maker))
        ):
            names = tuple(sorted(self._sync_names(edits, module, call)))
            targets = self._sync_targets(statement, variable)
            copy = p.CopyAssignment(span=statement.span, codemod=NAME, name=targets, names=names)
            for made in (copy, *self._copies_of_none(variable, targets)):
                if made not in edits.edits:
                    edits.edits.append(made)
            return
        edits.diagnostics.append(
            at(
                module.path,
                call.span,
                "MA406",
                f"code that stays sync needs {name}, which cannot be written from this call",
                f"add `{name}` beside it by hand",
            )
        )

    def _copies_of_none(self, variable: Variable, name: str) -> Iterator[p.CopyAssignment]:
        """`name = None` where the variable is None: code that stays sync may ask for that."""
        for statement in statements_of_none(self._project, variable):
            yield p.CopyAssignment(span=statement.span, codemod=NAME, name=name)

    def _sync_names(
        self, edits: ModuleEdits, module: Module, call: s.Call
    ) -> Iterator[tuple[str, str]]:
        """What stands for the names in `call` on the sync side: engines, and the URL as it is."""
        made = inline_engine(call) or call
        literal = moving_url(self._project, module, made)
        url = url_argument(made)
        if literal is not None and isinstance(url, s.Name):
            yield url.id, source(literal)
        used = {node.id for node in s.walk(call) if isinstance(node, s.Name)}
        yield from self._sync_maker(edits, module, call)
        bind = bound(call)
        if isinstance(bind, s.Call):
            yield from self._sync_maker(edits, module, bind)
        for engine in self._project.engines:
            for name in used if engine in self._needs.variables else ():
                if is_variable(module, engine.module, engine.name, name):
                    yield (
                        name,
                        passing(edits, module, engine.module, sync_name(engine), engine.name),
                    )

    def _sync_maker(
        self, edits: ModuleEdits, module: Module, call: s.Call
    ) -> Iterator[tuple[str, str]]:
        for found in self._project.infer(call.func, module.scope):
            if isinstance(found, FunctionObject) and isinstance(call.func, s.Name):
                maker = found.fn
                self._needs.makers[maker] = None
                name = sync_maker_name(maker.name)
                yield call.func.id, passing(edits, module, maker.module, name, maker.name)

    def _sync_targets(self, statement: s.Assign | s.AnnotatedAssign, variable: Variable) -> str:
        """What stands for the names that `statement` assigns."""
        target = statement.targets[0] if isinstance(statement, s.Assign) else statement.target
        if not isinstance(target, s.Sequence):
            return sync_name(variable)
        known = (*self._project.session_factories, *self._project.engines)
        names = {v.name: sync_name(v) for v in known if v.value is variable.value}
        return ", ".join(names.get(s.dotted_name(item), "_") for item in target.items)

    def _sync_globals(self, edits: ModuleEdits, function: Function) -> Iterator[tuple[str, str]]:
        """Variables for a copy of `function`, in which it would find what the original made."""
        for used, definition in (own_globals(self._project, function) or {}).items():
            name = sync_global_name(used)
            edits.edits.append(p.CopyAssignment(span=definition.span, codemod=NAME, name=name))
            yield used, name

    def _copy(
        self, found: dict[Module, ModuleEdits], function: Function, name: str, given: Given
    ) -> None:
        """The function as it is now, for the sync side, with what gives it its session."""
        if function.node is None or self._twins.has(function.module, name):
            return
        edits = found.setdefault(function.module, ModuleEdits())
        names = dict(self._sync_globals(edits, function))
        names.update((used, source(url)) for used, url in moving_urls(self._project, function))
        for used, factory in given.sources.items():
            home = factory.module
            names[used] = passing(edits, function.module, home, sync_name(factory), factory.name)
        for used, inner in given.givers.items():
            twin = sync_giver_name(self._project, inner)
            names[used] = passing(edits, function.module, inner.module, twin, inner.name)
        engines = sorted({(text(engine), text(around)) for engine, around in given.engines})
        sync = self._blocking(edits, function.module) if engines else ""
        edits.edits.append(
            p.CopyFunction(
                span=function.node.span,
                codemod=NAME,
                name=name,
                names=tuple(sorted(names.items())),
                attributes=tuple(
                    (around, f"{sync}({engine}){around.removeprefix(engine)}")
                    for engine, around in engines
                ),
                apart=2 if function.cls is None else 1,
            )
        )

    def _blocking(self, edits: ModuleEdits, module: Module) -> str:
        """What `module` calls the function of the runtime that gives the sync engine of another."""
        return add_import(edits, module, PACKAGE, BLOCKING_ENGINE, NAME)


def _scope_at(depends: s.Call) -> str:
    """What `Depends(get_db, scope="function")` says of the scope."""
    given = [source_if_simple(k.value) for k in depends.keywords if k.arg == "scope"]
    return f", scope={given[0]}" if given else ""
