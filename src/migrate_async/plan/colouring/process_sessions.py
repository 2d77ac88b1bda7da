"""Sessions and connections that are made once for the process, and who works on them.

    db = SessionLocal()                        a variable of a module
    conn = engine.connect()

    class Repository:
        db = SessionLocal()                    of a class

    def count(db=SessionLocal()): ...          a default

    repository = Repository(SessionLocal())    an object that is made once

Threads shared them before. The tasks of an event loop take turns wherever one awaits: one would go
on in the transaction of another. They stay sync, with all who use them, as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.lifespan_state import yielded_state
from migrate_async.index.parameters import is_depends
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.index.sessions import engine_or_connection
from migrate_async.index.sites import CallSite
from migrate_async.index.types import ClassObject, Instance
from migrate_async.knowledge.sqlalchemy import SCOPED_SESSION
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.holders import Holders
from migrate_async.plan.kept_places import keeps_for_process, lasting_place
from migrate_async.plan.names import is_bound_inside, read_from

_CODE = "shared-session"


class ProcessSessions:
    """Those of a project, but for those of its tests, which run one after the other."""

    def __init__(self, project: Project, holders: Holders) -> None:
        self._project = project
        self._holders = holders
        self._known: dict[Function, Reason | None] = {}

    def users(self) -> Iterator[tuple[Function, Reason]]:
        """The functions that work on one, or hand it on, and why they stay sync."""
        for function in self._project.functions:
            reason = self.reason(function)
            if reason is not None:
                yield function, reason

    def reason(self, function: Function) -> Reason | None:
        """Why `function` stays sync, if it uses one."""
        if function not in self._known:
            self._known[function] = self._find(function)
        return self._known[function]

    def in_classes(self) -> Iterator[tuple[Module, s.Call]]:
        """The calls in the bodies of classes that make them."""
        for site in self._at_import:
            statement = self._project.statement_of(site.node)
            is_own = site.scope.kind == "class" and not isinstance(statement, s.FunctionDef)
            if is_own and isinstance(site.node, s.Call):
                yield site.function.module, site.node

    def _find(self, function: Function) -> Reason | None:
        if function.node is None or function.module.is_test:
            return None
        if function in self._defaults:
            default = self._defaults[function]
            text = f"the {self._what(default)} of its default is one for the process"
            return Reason(_CODE, text, function.module.path, default.line)
        if function in self._made:
            return self._made[function]
        for node in function.nodes(s.Name, s.Attribute) if self._names else ():
            if self._is_one(node, function):
                text = f"{s.dotted_name(node)} is one {self._what(node)} for the process"
                return Reason(_CODE, text, function.module.path, node.line)
        return self._stores(function)

    def _stores(self, function: Function) -> Reason | None:
        for made in self._yields.get(function, {}).values():
            what = self._what(made)
            text = f"it yields its {what} for the state of all requests: one for the process"
            return Reason(_CODE, text, function.module.path, made.line)
        for site in self._project.calls(function):
            if site.kind == "call" and self._makes_one(site):
                place = lasting_place(self._project, function, site.node)
                if place and self._is_all(site):
                    text = f"it puts its {self._what(site.node)} into {place}: one for the process"
                    return Reason(_CODE, text, function.module.path, site.node.line)
        return None

    def _is_one(self, node: s.Name | s.Attribute, function: Function) -> bool:
        name = node.id if isinstance(node, s.Name) else node.attr
        if name not in self._names or self._project.function_of(node) is not function:
            return False
        if isinstance(node, s.Name) and is_bound_inside(name, self._project.scope_of(node)):
            return False
        return self._is_variable(node) or (
            isinstance(node, s.Attribute) and (self._is_of_class(node) or self._is_of_state(node))
        )

    def _is_variable(self, node: s.Name | s.Attribute) -> bool:
        place = read_from(self._project, node)
        if place is None:
            return False
        home, name = place
        return any(
            variable == name
            if module is home
            else home.imported_as.get((module.name, variable)) == name
            for module, variable in self._variables
        )

    def _is_of_class(self, node: s.Attribute) -> bool:
        owners = self._attributes.get(node.attr, ())
        found = self._project.infer(node.value, self._project.scope_of(node)) if owners else ()
        classes = (item.cls for item in found if isinstance(item, Instance | ClassObject))
        return any(owner in self._project.mro(cls) for cls in classes for owner in owners)

    def _is_of_state(self, node: s.Attribute) -> bool:
        is_read = node.attr in self._states and not isinstance(self._project.parent(node), s.Assign)
        holder = s.dotted_name(node.value)
        of_request = node.attr in self._yielded and holder.endswith(".state")
        return is_read and (of_request or holder.endswith("app.state"))

    # --- where they are made -------------------------------------------------------------------

    @cached_property
    def _names(self) -> frozenset[str]:
        """What they are called."""
        local = (
            home.imported_as.get((module.name, name), name)
            for module, name in self._variables
            for home in self._project.modules.values()
        )
        return frozenset((*local, *self._attributes, *self._states))

    @cached_property
    def _at_import(self) -> tuple[CallSite, ...]:
        """The calls by which modules make them when they are imported."""
        return tuple(
            site
            for module in self._project.modules.values()
            if not module.is_test
            for site in self._project.calls(module.body)
            if site.kind == "call" and self._makes_one(site)
        )

    def _makes_one(self, site: CallSite) -> bool:
        call = site.node
        if not isinstance(call, s.Call) or is_depends(call):
            return False
        types = self._project.infer(call, site.scope)
        if engine_or_connection(types) == "connection":
            return True
        is_registry = any(getattr(item, "dotted", "") == SCOPED_SESSION for item in types)
        return not is_registry and self._project.session_kind_of(types) == "sync"

    def _what(self, node: s.Expr) -> str:
        kind = self._project.engine_or_connection(node, self._project.scope_of(node))
        return "connection" if kind == "connection" else "session"

    @cached_property
    def _variables(self) -> frozenset[tuple[Module, str]]:
        """Those of modules."""
        return frozenset(
            (site.function.module, name)
            for site in self._at_import
            if site.scope.kind == "module"
            for name in self._bound(site)
        )

    @cached_property
    def _attributes(self) -> dict[str, list[Class]]:
        """Those of classes, by name."""
        found: dict[str, list[Class]] = {}
        by_scope = {cls.scope: cls for cls in self._project.classes}
        for site in self._at_import:
            if site.scope in by_scope:
                for name in self._bound(site):
                    found.setdefault(name, []).append(by_scope[site.scope])
        return found

    def _bound(self, site: CallSite) -> Iterator[str]:
        """The names that the statement of `site` gives what it makes."""
        statement = self._project.statement_of(site.node)
        if isinstance(statement, s.Assign) and statement.value is site.node:
            yield from (target.id for target in statement.targets if isinstance(target, s.Name))
        elif isinstance(statement, s.AnnotatedAssign) and statement.value is site.node:
            yield s.dotted_name(statement.target)

    @cached_property
    def _defaults(self) -> dict[Function, s.Expr]:
        """The functions with such a default, and that."""
        made = {site.node for site in self._at_import}
        return {
            function: param.default
            for function in self._project.functions
            for param in (function.params if made else ())
            if param.default in made
        }

    @cached_property
    def _states(self) -> frozenset[str]:
        """What is called so in the state of the application: `app.state.db = SessionLocal()`."""
        return self._yielded.union(
            target.attr
            for function in self._project.functions
            if not function.module.is_test and "state" in function.module.attributes
            for site in self._project.calls(function)
            if site.kind == "call" and self._is_put_into_state(site)
            for target in _targets(self._project.statement_of(site.node))
            if isinstance(target, s.Attribute)
        )

    @cached_property
    def _yielded(self) -> frozenset[str]:
        """The same of what a lifespan yields, `yield {"db": SessionLocal()}`."""
        return frozenset(name for names in self._yields.values() for name in names)

    @cached_property
    def _yields(self) -> dict[Function, dict[str, s.Expr]]:
        """The sessions that lifespans make and yield, by their names in the state."""
        found: dict[Function, dict[str, s.Expr]] = {}
        for function in self._project.functions:
            for node in () if function.module.is_test else function.yields:
                given = {value: name for name, value in yielded_state(function.node, node)}
                for site in self._project.calls(function) if given else ():
                    if site.node in given and self._makes_one(site):
                        found.setdefault(function, {})[given[site.node]] = site.node
        return found

    def _is_put_into_state(self, site: CallSite) -> bool:
        statement = self._project.statement_of(site.node)
        return any(
            isinstance(target, s.Attribute) and s.dotted_name(target.value).endswith("app.state")
            for target in _targets(statement)
        ) and (self._is_all(site) and self._makes_one(site))

    def _is_all(self, site: CallSite) -> bool:
        """Whether the statement sets what `site` makes, and no object with it."""
        statement = self._project.statement_of(site.node)
        return isinstance(statement, s.Assign) and statement.value is site.node

    # --- objects that are made once ------------------------------------------------------------

    @cached_property
    def _made(self) -> dict[Function, Reason]:
        """Who uses the session of such objects."""
        found: dict[Function, Reason] = {}
        for maker in self._project.functions:
            if maker.module.is_test or (maker.name == "__init__" and self._is_part(maker)):
                continue
            for site in self._project.calls(maker):
                classes = [t.cls for t in site.targets if t.name == "__init__" and t.cls]
                for cls in classes if site.kind == "call" else ():
                    is_holder = self._holders.holds(cls) and not self._has_registry(cls)
                    if is_holder and self._is_made_once(maker, site):
                        self._add(found, cls, site)
        return found

    def _is_part(self, maker: Function) -> bool:
        """Whether who makes the object around it decides."""
        return maker.cls is not None and self._holders.holds(maker.cls)

    def _has_registry(self, cls: Class) -> bool:
        """Whether objects of `cls` keep a `scoped_session`, which has several sessions."""
        return any(
            getattr(item, "dotted", "") == SCOPED_SESSION
            for base in self._project.mro(cls)
            for name in base.instance
            for item in self._project.attribute_types(base, name)
        )

    def _add(self, found: dict[Function, Reason], cls: Class, site: CallSite) -> None:
        path, line = site.function.module.path, site.node.line
        text = f"the {cls.name} of {path}:{line} is one for the process, and so is its session"
        for member in self._holders.members(cls):
            found.setdefault(member, Reason(_CODE, text, path, line))

    def _is_made_once(self, maker: Function, site: CallSite) -> bool:
        if maker.is_module:
            return "main" not in site.context
        if lasting_place(self._project, maker, site.node):
            return True
        return any(map(self._runs_once, self._outwards(maker)))

    def _outwards(self, maker: Function) -> Iterator[Function]:
        """`maker`, and all who may ask it for the object."""
        seen = {maker: None}
        pending = [maker]
        while pending:
            function = pending.pop()
            yield function
            if function.returns or function.name == "__init__":
                asking = (
                    site.function
                    for site in self._project.callers(function)
                    if site.kind == "call" and "main" not in site.context
                )
                pending += [asks for asks in asking if asks not in seen]
                seen.update(dict.fromkeys(pending))

    @staticmethod
    def _runs_once(function: Function) -> bool:
        return function.is_module or keeps_for_process(function)


def _targets(statement: s.Stmt) -> tuple[s.Expr, ...]:
    if isinstance(statement, s.Assign):
        return statement.targets
    return (statement.target,) if isinstance(statement, s.AnnotatedAssign) else ()
