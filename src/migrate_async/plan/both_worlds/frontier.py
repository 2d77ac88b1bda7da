"""What lets code that stays sync run beside code that has migrated.

A kept route or dependency takes the request's session through `get_sync_db`: the sync side of the
same `AsyncSession` (`migrate_async.HopSession`), so that both worlds share one transaction and one
identity map. Kept code that opens sessions itself gets a sync engine and factory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from migrate_async.index.scopes import Class, Function, FunctionBinding, Module
from migrate_async.index.sessions import Variable
from migrate_async.index.stubs import is_abstract
from migrate_async.knowledge.sqlalchemy import SYNC_SESSION
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.anchors import Anchors
from migrate_async.plan.both_worlds.dependencies import Dependencies
from migrate_async.plan.both_worlds.idle_coroutines import IdleCoroutines
from migrate_async.plan.both_worlds.implicit import ImplicitIO, mark
from migrate_async.plan.both_worlds.made_factories import MadeFactories
from migrate_async.plan.both_worlds.needs import Needs, passing, sync_name
from migrate_async.plan.both_worlds.offers import Offers
from migrate_async.plan.both_worlds.refusals import Refusals
from migrate_async.plan.both_worlds.retirement import Retirement
from migrate_async.plan.both_worlds.session_roots import Root, SessionRoots
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.colouring.dbapi import engine_of_session, session_of_raw
from migrate_async.plan.colouring.handovers import object_engines
from migrate_async.plan.colouring.holders import injected
from migrate_async.plan.colouring.verdicts import Verdicts
from migrate_async.plan.engine_watchers import watched
from migrate_async.plan.engines import NAME
from migrate_async.plan.givers import Givers, can_give_sync
from migrate_async.plan.inner_imports import (
    InnerImport,
    InnerImports,
    find_inner_import,
    is_only_fetched,
)
from migrate_async.plan.leftovers.twins import sync_maker_name
from migrate_async.plan.lent import LentSessions
from migrate_async.plan.makers import Makers, can_be_copied
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.named_calls import names_function
from migrate_async.plan.names import absolute, is_bound_inside, is_variable, read_from
from migrate_async.plan.references import (
    inner_imports,
    names_below,
    references,
    registrations,
)
from migrate_async.plan.sessions.acquisitions import Acquisition, find_acquisitions


class Frontier:
    """Re-points kept functions, and knows what they need from then on."""

    def __init__(
        self,
        around: Surroundings,
        verdicts: Verdicts,
        becomes_async: Callable[[Variable], bool],
        idle: IdleCoroutines,
        borrows: Callable[[Function], bool],
    ) -> None:
        self._late_binds = around.late_binds
        self._project = around.project
        self._settings = around.settings
        self._provider = around.provider
        self._twins = around.twins
        self._verdicts = verdicts
        self._becomes_async = becomes_async
        self._idle = idle
        self._anchored = around.anchored
        self._lent = LentSessions(around.project, self._lends_async, becomes_async)
        self._lends = False
        self._repointed: dict[Function, ModuleEdits] = {}
        self._implicit = ImplicitIO(around.project, verdicts.colouring, borrows, self._lent)
        self._moved: list[tuple[str, s.Span, str, str]] = []
        self._names: dict[tuple[Module, str], Variable | Function | None] = {}
        self._refusals = Refusals(verdicts)
        self._made = MadeFactories(
            around.project, becomes_async, around.anchored, around.late_binds
        )
        self.givers = Givers(
            around.project,
            becomes_async,
            around.anchored,
            around.twins,
            lambda function: function in around.scopes and verdicts.colouring.converts(function),
        )
        self._dependencies = Dependencies(around, self._lent, self.givers, self._is_async)
        self._makers = around.project.shared(Makers)
        self._roots = SessionRoots(around.project)
        self._inner = InnerImports(NAME)
        self.needs = Needs()
        self.offers = Offers(around, self.needs, self._dependencies, self.givers)
        self.retirement = Retirement(around, self._lent, self.needs, self._dependencies)

    @property
    def moved(self) -> tuple[tuple[str, s.Span, str, str], ...]:
        """Where code gets another side of a session, which side it had, and which it gets."""
        return (*self.retirement.moved, *self._moved)

    @property
    def lent_factories(self) -> Iterator[Variable]:
        """What functions make for themselves, to put its sessions where kept code finds them."""
        return self._lent.own_factories()

    @property
    def serves_kept(self) -> bool:
        """Whether something takes the sync side of the request's session, after this run."""
        return bool(self.needs.dependencies) or self._lends or self.retirement.leaves_some

    def anchors(self, functions: Iterable[Function]) -> Anchors:
        """Whose sessions have to stay sync, because some of `functions` could not go on."""
        for function in functions:
            self.repoint(function)
        found = Anchors(self._project, self._dependencies, self._lent, self._made, self.givers)
        for refusal in self._refusals.told:
            found.add(refusal, self._refusals.why(refusal.function))
        return found

    def repoint(self, function: Function) -> ModuleEdits:
        """Edits of one function (or module body) that stays sync."""
        if function not in self._repointed:
            self._repointed[function] = self._found_for(function)
        return self._repointed[function]

    def _found_for(self, function: Function) -> ModuleEdits:
        fetched = [
            found.call
            for found in find_acquisitions(self._project, self._settings, function)
            if found.kind == "next"
        ]
        inside = {node for call in fetched for node in s.walk(call)}
        inside.update(node for part in registrations(function) for node in s.walk(part))
        inside.update(node for part in watched(self._project, function) for node in s.walk(part))
        binds = self._late_binds.inside(function, self._becomes_async)
        inside.update(node for bind in binds for node in s.walk(bind.statement))
        if function.is_module:
            inside.update(self._own_sources(function.module))
        outside = [node for node in references(function) if node not in inside]
        found = self._repoint(function, outside)
        self._raw_connections(found, function)
        self._engines_of_sessions(found, function)
        self._engines_of_objects(found, function)
        self._lent_sessions(found, function)
        self._inner_imports(function)
        replaced = {edit.span for edit in found.edits}
        for name in self._made.used_by(function, replaced):
            found.diagnostics.append(self._refusals.cannot_stay(function, name))
        if function.is_async and (function in self._implicit or self._takes(function, outside)):
            found.take(self._on_the_loop(function))
        for call in fetched:
            self._own_factory(found, function, call)
        return found

    def _takes(self, function: Function, nodes: Iterable[s.Name | s.Attribute]) -> bool:
        """Whether FastAPI gives it a session that becomes async."""
        return any(
            self._dependencies.is_one(function, node) and not self._is_async_already(function, node)
            for node in nodes
        )

    def _own_sources(self, module: Module) -> Iterator[s.AnyNode]:
        """What makes the engines and factories of `module` that become async: those stay bound."""
        for source in (*self._project.session_factories, *self._project.engines):
            is_own = source.module is module and source.scope.kind == "module"
            if is_own and self._becomes_async(source):
                yield from s.walk(source.value)

    def _on_the_loop(self, function: Function) -> ModuleEdits:
        """How a coroutine works on the sync side of a session, which cannot wait there."""
        if function in self._idle:
            return self._idle.edits(function, self._refusals.why(function))
        if self._verdicts.only_lends(function):
            return ModuleEdits()
        return mark(function, self._refusals.why(function))

    def _own_factory(self, found: ModuleEdits, function: Function, call: s.Call) -> None:
        """`next(get_db())` as a session of the function's own, which it was all along."""
        module = function.module
        for factory in self._project.session_factories:
            if factory in self._twins.variables or (factory.module.name, factory.name) != (
                self._provider.module,
                self._provider.factory,
            ):
                continue
            self.needs.variables[factory] = None
            code = f"{self._factory_name(found, module, call, factory)}()"
            found.edits.append(p.ReplaceExpression(span=call.span, codemod=NAME, code=code))
            found.unneeded += [node.id for node in s.walk(call) if isinstance(node, s.Name)]

    def _factory_name(
        self, found: ModuleEdits, module: Module, call: s.Call, factory: Variable
    ) -> str:
        """What the sync side of `factory` is called where `call` is, `next(get_db())`."""
        given = call.args[0].func if call.args and isinstance(call.args[0], s.Call) else call.func
        inner = find_inner_import(self._project, given)
        if inner is None:
            return passing(found, module, factory.module, sync_name(factory), factory.name)
        keep = not is_only_fetched(self._project, inner)
        name = sync_name(factory)
        return self._inner.add(inner, factory.module, name, factory.name, keep=keep)

    def repoint_statement(self, module: Module, statement: s.Stmt) -> ModuleEdits:
        """Edits of one statement at the top level of a module."""
        return self._repoint(module.body, names_below(statement))

    def repoint_class(self, cls: Class) -> ModuleEdits:
        """Edits of a class-based view whose session stays sync: what FastAPI injects there."""
        nodes = [node for _, call in injected(cls) for node in names_below(call)]
        return self._repoint(cls.module.body, nodes)

    def repoint_call(self, module: Module, call: s.Call) -> ModuleEdits:
        """Edits of a call that runs when the module is imported."""
        return self._repoint(module.body, names_below(call))

    def repoint_arguments(self, function: Function, call: s.Call) -> ModuleEdits:
        """Edits of a call by which code makes an object that stays sync: factories it is given."""
        return self._repoint(
            function, [node for value in call.values for node in names_below(value)]
        )

    def repoint_given(self, function: Function, given: Acquisition) -> ModuleEdits:
        """Edits of a session that a coroutine opens for what stays sync."""
        if given.kind != "next":
            return self._repoint(function, names_below(given.call))
        found = ModuleEdits()
        self._own_factory(found, function, given.call)
        return found

    def _repoint(self, function: Function, nodes: Iterable[s.Name | s.Attribute]) -> ModuleEdits:
        found = ModuleEdits()
        for node in nodes:
            if self._is_async_already(function, node):
                continue
            new = self._replacement(found, function, node)
            if not new and self._dependencies.is_one(function, node):
                found.diagnostics.append(self._refusals.cannot_stay(function, node))
            if new:
                found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=new))
                found.unneeded.append(s.dotted_name(node).partition(".")[0])
        return found

    def _is_async_already(self, function: Function, node: s.Name | s.Attribute) -> bool:
        """Whether `node` gives a coroutine the async session that it has always worked on."""
        if not function.is_async:
            return False
        return any(
            node in s.walk(value)
            and self._project.session_kind(s.Name(*param.span, param.name), function.scope)
            == "async"
            for param in function.params
            for value in (param.default, param.annotation)
            if value is not None
        )

    def _replacement(
        self, found: ModuleEdits, function: Function, node: s.Name | s.Attribute
    ) -> str:
        module = function.module
        if self._twins.is_one(module, node) or self._is_uncached(node):
            return ""
        giver = self.givers.called(node)
        if giver in self._verdicts.colouring.kept:
            return ""  # it gives a sync one itself
        if giver is not None and self._is_imported_inside(node):
            return ""  # the import there gives the name to the copy
        if giver is not None:
            return self._own_giver(found, module, node, giver)
        # Tests override `get_db`, which `get_sync_db` depends on.
        code = "" if module.is_test else self._sync_side(found, function, node)
        return code or self._own_session(found, module, node)

    def _is_uncached(self, node: s.Name | s.Attribute) -> bool:
        """Whether `Depends(get_db, use_cache=False)` asks for a session beside the request's.

        A sync side of that could only be made of the one that FastAPI keeps for the request.
        """
        around = self._project.parent(node)
        return isinstance(around, s.Call) and any(
            keyword.arg == "use_cache"
            and isinstance(keyword.value, s.Constant)
            and not keyword.value.value
            for keyword in around.keywords
        )

    def _is_imported_inside(self, node: s.Name | s.Attribute) -> bool:
        """Whether an import in the function of `node` binds the name, for a copy to take."""
        function = self._project.function_of(node)
        return isinstance(node, s.Name) and any(
            node.id in self._sync_givers(function.module, statement)
            for statement in inner_imports(function)
        )

    def _sync_side(self, found: ModuleEdits, function: Function, node: s.Name | s.Attribute) -> str:
        """The sync side of a dependency, or of an alias of one."""
        module = function.module
        dependency = self._dependencies.named(function, node)
        if dependency is not None:
            self.needs.dependencies[dependency] = None
            name = self._dependencies.sync_name(dependency)
            holder = self._dependencies.holder(dependency)
            if holder is not None:
                above, dot, last = s.dotted_name(node).rpartition(".")[0].rpartition(".")
                if above and last == holder.name:  # `db.database.get_session`
                    return f"{above}{dot}{name}"
                return passing(found, module, holder.module, name, holder.name)
            if isinstance(node, s.Attribute):
                return f"{s.dotted_name(node.value)}.{name}"
            inner = self._named_inside(node, dependency.module, name)
            return inner or passing(found, module, dependency.module, name, dependency.name)
        alias = self._dependencies.alias(function, node)
        if alias is None:
            return ""
        self.needs.aliases.add(alias)
        for given in self._dependencies.of_alias(alias):
            self.needs.dependencies[given] = None
        return passing(found, module, alias.module, alias.sync_name, alias.name)

    def _named_inside(self, node: s.Name, home: Module, name: str) -> str:
        """What `node`, of an import in a function, is called there as `name` of `home`."""
        inner = find_inner_import(self._project, node)
        if inner is None:
            return ""
        wanted = name if self._is_shared(inner) else node.id
        return self._inner.add(inner, home, name, wanted, keep=wanted != node.id)

    def _is_shared(self, inner: InnerImport) -> bool:
        """Whether a coroutine uses the name, too."""
        functions = map(self._project.function_of, inner.uses())
        return any(map(self._is_async, functions))

    def _own_session(self, found: ModuleEdits, module: Module, node: s.Name | s.Attribute) -> str:
        if isinstance(node, s.Name) and self._meant(module, node.id) is None:
            return ""
        if self._is_target(node):
            return ""
        if isinstance(node, s.Name) and is_bound_inside(node.id, self._project.scope_of(node)):
            return ""
        place = read_from(self._project, node)
        needed = self._needed(*place) if place is not None else None
        if place is None or needed is None:
            return ""
        original, name = needed
        if isinstance(node, s.Attribute) and place[0] is original.module:
            return f"{s.dotted_name(node.value)}.{name}"
        return passing(found, module, original.module, name, original.name)

    def _needed(self, home: Module, name: str) -> tuple[Variable | Function, str] | None:
        """What `name`, read in `home`, stands for that is needed from now on, and its sync name."""
        found = self._meant(home, name)
        if isinstance(found, Function):
            self.needs.makers[found] = None
            return found, sync_maker_name(found.name)
        if found is None:
            return None
        self.needs.variables[found] = None
        return found, sync_name(found)

    def _meant(self, home: Module, name: str) -> Variable | Function | None:
        """Which of the sources and makers `name`, read in `home`, is."""
        if (home, name) not in self._names:
            sources: tuple[Variable | Function, ...] = (*self._sync_sources, *self._sync_makers)
            self._names[home, name] = next(
                (item for item in sources if is_variable(home, item.module, item.name, name)), None
            )
        return self._names[home, name]

    @cached_property
    def _sync_sources(self) -> tuple[Variable, ...]:
        """The factories and engines of modules that become async and can have a sync side."""
        return tuple(
            source
            for source in (*self._project.session_factories, *self._project.engines)
            if source.kind in ("sessionmaker", "engine") and source.scope.kind == "module"
            if self._becomes_async(source) and self.offers.can_have(source)
        )

    @cached_property
    def _sync_makers(self) -> tuple[Function, ...]:
        """The functions that make such, and of which there can be a copy."""
        return tuple(
            maker
            for maker, variables in self._makers.variables.items()
            if can_be_copied(self._project, maker) and any(map(self._becomes_async, variables))
        )

    def _own_giver(
        self, found: ModuleEdits, module: Module, node: s.Name | s.Attribute, giver: Function
    ) -> str:
        """The sync side of a function that gives out sessions, called in code that stays sync."""
        givers = [giver, *self._others(node, giver)]
        is_named = names_function(self._project, node, giver)
        if not is_named or not all(map(self._can_give_sync, givers)):
            found.diagnostics.append(
                self._refusals.cannot_stay(self._project.function_of(node), node)
            )
            return ""
        for other in givers:
            self.needs.add_giver(other, self.givers)
        name = self.givers.sync_name(giver)
        if isinstance(node, s.Attribute):
            return f"{s.dotted_name(node.value)}.{name}"
        return passing(found, module, giver.module, name, giver.name)

    def _others(self, node: s.Name | s.Attribute, giver: Function) -> Iterator[Function]:
        """What else `node` may call: methods that override `giver`, or that it overrides."""
        around = self._project.parent(node)
        for site in self._project.calls(self._project.function_of(node)):
            for target in site.targets if site.node is around else ():
                if target is not giver and not is_abstract(target):
                    yield target

    def _can_give_sync(self, giver: Function) -> bool:
        given = self.givers.of(giver)
        return given is not None and can_give_sync(self._project, giver, given)

    def _inner_imports(self, function: Function) -> None:
        """`from db import SyncSessionLocal as SessionLocal` in a function that stays sync."""
        module = function.module
        for node in inner_imports(function):
            new = self._sync_names(module, node)
            for item in node.names:
                if item.name in new:
                    bound = item.asname or item.name
                    self._inner.rename(module, node, bound, absolute(module, node), new[item.name])

    def inner_imports(self) -> dict[Module, ModuleEdits]:
        """The imports in functions that change with what was re-pointed until now."""
        found: dict[Module, ModuleEdits] = {}
        for module, edit in self._inner.edits():
            found.setdefault(module, ModuleEdits()).edits.append(edit)
        return found

    def _sync_names(self, module: Module, node: s.ImportFrom) -> dict[str, str]:
        home = absolute(module, node)
        imported = {item.name for item in node.names}
        new: dict[str, str] = {}
        for giver in self._sync_givers(module, node).values():
            self.needs.add_giver(giver, self.givers)
            new[giver.name] = self.givers.sync_name(giver)
        for variable in (*self._project.session_factories, *self._project.engines):
            is_meant = variable.module.name == home and variable.name in imported
            if not is_meant or variable.kind not in ("sessionmaker", "engine"):
                continue
            if variable.scope.kind != "module" or not self._becomes_async(variable):
                continue
            if self.offers.can_have(variable):
                self.needs.variables[variable] = None
                new[variable.name] = sync_name(variable)
        return new

    def _sync_givers(self, module: Module, node: s.ImportFrom) -> dict[str, Function]:
        """What `node` imports under its own name, of which there is a copy, or can be."""
        home = self._project.modules.get(absolute(module, node))
        names = {item.name for item in node.names if not item.asname}
        bound = home.scope.names if home is not None else {}
        return {
            name: binding.function
            for name in sorted(names & bound.keys())
            for binding in bound[name]
            if isinstance(binding, FunctionBinding) and self._can_give_sync(binding.function)
        }

    def _is_target(self, node: s.Name | s.Attribute) -> bool:
        parent = self._project.parent(node)
        return isinstance(parent, s.Assign) and parent.value is not node

    def _lent_sessions(self, found: ModuleEdits, function: Function) -> None:
        """Take the sync side of sessions that kept code finds in an object."""
        if self._dependencies.is_lender(function):
            return
        for node in self._lent.read_by(function):
            if not self._lent.has_sync_side(function, node):
                found.diagnostics.append(self._refusals.cannot_stay(function, node))
                return
            self._lends = True
            code = f"{{}}.{SYNC_SESSION}"
            old = s.dotted_name(node)
            self._moved.append((function.module.path, node.span, old, f"{old}.{SYNC_SESSION}"))
            found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))

    def _raw_connections(self, found: ModuleEdits, function: Function) -> None:
        """No sync side has what the driver of an async session does not have."""
        session = session_of_raw(self._project, function)
        if session is not None:
            self._refuse(found, function, session)

    def _refuse(self, found: ModuleEdits, function: Function, session: s.Expr) -> None:
        """Say whose async session would be the one that `function` takes apart."""
        for root in self._roots.of(function, session):
            for node in self._async_parts(root):
                refusal = self._refusals.cannot_stay(function, node, root.holder, opens=root.opens)
                found.diagnostics.append(refusal)

    def _engines_of_sessions(self, found: ModuleEdits, function: Function) -> None:
        """`db.get_bind().raw_connection()`, beside the session's own, becomes a sync engine's."""
        engines = [engine for engine in self._sync_sources if engine.kind == "engine"]
        for site in self._project.calls(function):
            taken = engine_of_session(self._project, site)
            if taken is None:
                continue
            asked, session = taken
            if len(engines) != 1:
                self._refuse(found, function, session)
                continue
            engine, module = engines[0], function.module
            self.needs.variables[engine] = None
            name = passing(found, module, engine.module, sync_name(engine), engine.name)
            found.edits.append(p.ReplaceExpression(span=asked.span, codemod=NAME, code=name))

    def _async_parts(self, root: Root) -> tuple[s.Name | s.Attribute, ...]:
        """The names in `root` by which an async session is got."""
        if root.opens:
            return root.nodes if self._verdicts.colouring.converts(root.holder) else ()
        asked = [node for node in root.nodes if self._dependencies.is_one(root.holder, node)]
        return tuple(asked) or (() if root.is_clear else root.nodes)

    def _engines_of_objects(self, found: ModuleEdits, function: Function) -> None:
        """`database.engine` for code that needs a sync one: an object has no other."""
        for node in object_engines(self._project, function):
            found.diagnostics.append(self._refusals.cannot_stay(function, node))

    def _lends_async(self, function: Function) -> bool:
        return function not in self._anchored and self._is_async(function)

    def _is_async(self, function: Function) -> bool:
        return function.is_async or self._verdicts.colouring.converts(function)
