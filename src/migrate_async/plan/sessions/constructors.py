"""Classes that fetch a session in `__init__`: the session becomes an argument.

`self.db = Container.resolve("db_session")` has no owner who could close it. The class takes the
session instead, and each function that makes such an object hands over its own: the one it has, or
one that it gets injected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.plan.fetched import own_factories
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.names import names_in
from migrate_async.plan.sessions.acquisitions import Acquisition, find_acquisitions
from migrate_async.plan.sessions.changes import NAME, SessionPlan
from migrate_async.plan.sessions.classes import async_home
from migrate_async.plan.sessions.injection import is_injectable
from migrate_async.plan.sessions.provider import Provider
from migrate_async.plan.sessions.requests import shares_request
from migrate_async.plan.sessions.sources import factory_of, is_like


@dataclass(frozen=True)
class Constructor:
    """`function` is the `__init__` that makes the session with `acquisition`."""

    function: Function
    cls: Class
    acquisition: Acquisition


class Constructors:
    """Plans every such class of a project."""

    def __init__(self, project: Project, settings: Settings, provider: Provider) -> None:
        self._project = project
        self._settings = settings
        self._provider = provider
        self.planned: frozenset[Function] = frozenset()
        """The `__init__` functions that fetch no session any more, once `plan` has run."""

    def plan(
        self,
        converts_class: Callable[[Class], bool],
        converts: Callable[[Function], bool],
        session_plan: Callable[[Function], SessionPlan],
    ) -> dict[Module, ModuleEdits]:
        """Edits by module; a class that cannot be given its session is reported."""
        found: dict[Module, ModuleEdits] = {}
        constructors = [found for found in self._constructors() if converts_class(found.cls)]
        self.planned = frozenset(constructor.function for constructor in constructors)
        made = Counter(
            site.function for constructor in constructors for site in self._sites(constructor)
        )
        for constructor in constructors:
            sites = self._sites(constructor)
            names = {site: self._session_at(site, converts, session_plan) for site in sites}
            if sites and all(names.values()) and self._is_like(constructor):
                self._take(found, constructor)
                for site, name in names.items():
                    self._give(found, site, name or "", session_plan)
                    if made[site.function] > 1 or shares_request(self._project, site.function):
                        self._tell(found, site, constructor)
            else:
                self._leave(found, constructor)
        return found

    def _sites(self, constructor: Constructor) -> list[CallSite]:
        """Where such objects are made."""
        callers = self._project.callers(constructor.function)
        return [site for site in callers if site.kind == "call"]

    def _constructors(self) -> Iterator[Constructor]:
        for function in self._project.functions:
            if function.name != "__init__" or function.cls is None:
                continue
            for acquisition in find_acquisitions(self._project, self._settings, function):
                statement = self._project.statement_of(acquisition.call)
                if isinstance(statement, s.Assign) and statement.value is acquisition.call:
                    yield Constructor(function, function.cls, acquisition)

    # --- where the session comes from ----------------------------------------------------------

    def _is_like(self, constructor: Constructor) -> bool:
        """Whether the session of a request can stand for the one that it makes."""
        module = constructor.function.module
        return is_like(self._project, self._provider, module, constructor.acquisition)

    def _asks_for_others(self, function: Function) -> bool:
        """Whether the session that `function` has may be of another factory than the main one."""
        if len(self._project.shared(own_factories)) < 2:
            return False
        asked = [site for site in self._project.calls(function) if site.kind == "dependency"]
        given = {target for site in asked for target in site.targets}
        sources = given.intersection(self._project.session_dependencies)
        main = self._provider.dependency
        return {(source.module.name, source.name) for source in sources} != {main}

    def _session_at(
        self,
        site: CallSite,
        converts: Callable[[Function], bool],
        session_plan: Callable[[Function], SessionPlan],
    ) -> str | None:
        """The name of a session at `site`: there already, or injected; None: there is none."""
        function = site.function
        if not converts(function) and not function.is_async:
            return None
        for param in function.params:
            name = s.Name(*param.span, param.name)
            if self._project.session_kind(name, function.scope) is not None:
                return None if self._asks_for_others(function) else param.name
        planned = session_plan(function)
        if planned.injected:
            is_main = planned.source == self._provider.dependency
            return planned.injected if is_main else None
        if is_injectable(self._project, self._provider, function):
            return next((n for n in ("db", "session") if n not in names_in(function)), None)
        return None

    # --- edits ---------------------------------------------------------------------------------

    def _take(self, found: dict[Module, ModuleEdits], constructor: Constructor) -> None:
        function = constructor.function
        assert function.node is not None  # noqa: S101  an `__init__` has a definition
        edits = found.setdefault(function.module, ModuleEdits())
        call = constructor.acquisition.call
        home = async_home(self._project, call)
        session = add_import(edits, function.module, home, "AsyncSession", NAME)
        edits.edits += [
            p.AddParameter(span=function.node.span, codemod=NAME, code=f"db: {session}"),
            p.ReplaceExpression(span=call.span, codemod=NAME, code="db"),
        ]
        edits.unneeded += [node.id for node in s.walk(call) if isinstance(node, s.Name)]

    def _give(
        self,
        found: dict[Module, ModuleEdits],
        site: CallSite,
        name: str,
        session_plan: Callable[[Function], SessionPlan],
    ) -> None:
        function = site.function
        module = function.module
        edits = found.setdefault(module, ModuleEdits())
        code = f"db={name}"
        edits.edits.append(p.AddArgument(span=site.node.span, codemod=NAME, code=code))
        known = {param.name for param in function.params} | {session_plan(function).injected}
        if name in known or function.node is None:
            return
        session = add_import(edits, module, "sqlalchemy.ext.asyncio", "AsyncSession", NAME)
        depends = add_import(edits, module, "fastapi", "Depends", NAME)
        get_db = add_import(
            edits, module, self._provider.get_db_module, self._provider.get_db, NAME
        )
        code = f"{name}: {session} = {depends}({get_db})"
        edit = p.AddParameter(span=function.node.span, codemod=NAME, code=code)
        if edit not in edits.edits:
            edits.edits.append(edit)

    def _tell(
        self, found: dict[Module, ModuleEdits], site: CallSite, constructor: Constructor
    ) -> None:
        """Where one session takes the place of two; a container may have given the same before."""
        if constructor.acquisition.kind == "resolver":
            return
        found[site.function.module].diagnostics.append(
            at(
                site.function.module.path,
                site.node.span,
                "MA302",
                f"{constructor.cls.name} made a session of its own that nothing closed, and works "
                "on that of the request now: what one of the two commits or rolls back is the work "
                "of both",
                "see that both may be one transaction, or hand over a session that you open here: "
                "`async with SessionLocal() as own`",
            )
        )

    def _leave(self, found: dict[Module, ModuleEdits], constructor: Constructor) -> None:
        module = constructor.function.module
        edits = found.setdefault(module, ModuleEdits())
        call = constructor.acquisition.call
        edits.diagnostics.append(
            at(
                module.path,
                call.span,
                "MA301",
                f"{constructor.cls.name} opens a session that nothing closes",
                "give it the session of its caller, or close it in a method of its own",
            )
        )
        acquired = constructor.acquisition
        is_fetched = acquired.kind == "resolver" or acquired.is_of_dependency
        own = factory_of(self._project, acquired)
        home, name = self._provider.home if own is None else (own.module.name, own.name)
        if is_fetched and name:
            factory = add_import(edits, module, home, name, NAME)
            edits.edits.append(
                p.ReplaceExpression(span=call.span, codemod=NAME, code=f"{factory}()")
            )
            edits.unneeded += [node.id for node in s.walk(call) if isinstance(node, s.Name)]
