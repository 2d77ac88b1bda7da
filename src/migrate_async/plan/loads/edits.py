"""The edits that carry the decisions out."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from migrate_async.index.annotations import is_vague
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.index.types import Instance, elements
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.loads.analysis import Analysis
from migrate_async.plan.loads.decide import Awaiting, mapping
from migrate_async.plan.loads.given_models import answer_with_given_models
from migrate_async.plan.loads.names import Naming
from migrate_async.plan.loads.paths import (
    LOADERS,
    Path,
    Step,
    awaiting,
    indented,
    loaders,
    longest,
    names,
    option,
    singular,
    tree,
)
from migrate_async.plan.loads.producers import Query
from migrate_async.plan.loads.recorded import Wanted, at_queries, notes
from migrate_async.plan.loads.responses import LazyRoutes, lazy_response_edits
from migrate_async.plan.loads.roots import Root
from migrate_async.plan.loads.statements import Statements
from migrate_async.plan.loads.unknown_routes import UnknownRoutes
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.names import names_in

OPTIONS = "eager-relationships"
AWAITS = "async-colour"


@dataclass
class FunctionLoads:
    """What a converted function awaits; `models` need `awaitable_attrs` for it."""

    edits: list[p.AnyEdit] = field(default_factory=list)
    models: dict[Class, None] = field(default_factory=dict)
    statements: list[s.Stmt] = field(default_factory=list)


class LoadEdits:
    """Plans them, for a run whose final state is `full`."""

    def __init__(self, project: Project, full: Colouring, *, lazily: bool = True) -> None:
        self._project = project
        self._naming = Naming(project, OPTIONS)
        self._statements = Statements(project)
        self._lazy_routes: Container[Function] = LazyRoutes(project, full) if lazily else ()
        self.analysis = Analysis(project, full, self._naming, self._lazy_routes)
        self.unknown = UnknownRoutes(project, full, self._lazy_routes)

    # --- options -------------------------------------------------------------------------------

    def options(self, converts: Callable[[Function], bool]) -> Mapping[s.Expr, tuple[str, ...]]:
        """The loader options that this run gives to queries, by the query's head.

        A query gets all of its options at once, when it converts or the first of those that need
        them does.
        """
        return {
            query.node: self._texts(query, wanted)
            for query, wanted in self._wanted(converts)
            if query.kind != "get"
        }

    def gets(self, converts: Callable[[Function], bool]) -> dict[Module, ModuleEdits]:
        """`options=[...]` for `session.get()`."""
        found: dict[Module, ModuleEdits] = {}
        for query, wanted in self._wanted(converts):
            if query.kind == "get":
                edits = found.setdefault(query.function.module, ModuleEdits())
                edits.edits += self._get(query, self._texts(query, wanted))
        return found

    def imports(self, converts: Callable[[Function], bool]) -> dict[Module, ModuleEdits]:
        """What the modules of the options import for them."""
        found: dict[Module, ModuleEdits] = {}
        for query, wanted in self._wanted(converts):
            module = query.function.module
            edits = found.setdefault(module, ModuleEdits())
            for path in wanted:
                changes = [self._naming.name_of(step.model, module)[1] for step in path]
                first = next(loaders(path, self._loaded(query, path)))
                changes.append(self._naming.loader(first, module)[1])
                edits.imports += [change for change in changes if change is not None]
        return found

    def _wanted(self, converts: Callable[[Function], bool]) -> Iterator[tuple[Query, list[Path]]]:
        together: dict[s.Expr, tuple[Query, dict[Path, None], bool]] = {}
        for query, paths in self.analysis.decisions.options.items():
            sinks = [sink.function for found in paths.values() for sink in found]
            now = converts(query.function) or any(
                converts(function) or self.analysis.is_sync(function) for function in sinks
            )
            _, known, before = together.get(query.node, (query, {}, False))
            open_paths = dict.fromkeys(path for path in paths if names(path) not in query.loaded)
            together[query.node] = (query, {**known, **open_paths}, now or before)
        for query, path in at_queries(self._nameable):
            _, known, before = together.get(query.node, (query, {}, False))
            together[query.node] = (query, {**known, path: None}, before or self._runs(converts))
        for query, wanted, now in together.values():
            if now and wanted:
                yield query, longest(wanted)

    @cached_property
    def _nameable(self) -> list[Wanted]:
        return [
            item
            for item in self.analysis.recorded.wanted
            if item.use.query is not None
            and all(
                self._naming.can_name(step.model, item.use.query.function.module)
                for step in item.use.path
            )
        ]

    def _runs(self, converts: Callable[[Function], bool]) -> bool:
        """Whether this run converts anything."""
        return any(map(converts, self._project.functions))

    def diagnostics(self) -> list[Diagnostic]:
        """What there is to say about the profile."""
        return [*self.analysis.recorded.diagnostics, *notes(self._nameable)]

    def _texts(self, query: Query, wanted: list[Path]) -> tuple[str, ...]:
        module = query.function.module
        loader = {name: self._naming.loader(name, module)[0] for name in LOADERS}
        return tuple(
            option(
                path,
                self._loaded(query, path),
                lambda cls: self._naming.name_of(cls, module)[0],
                loader,
            )
            for path in wanted
        )

    def _loaded(self, query: Query, path: Path) -> frozenset[tuple[str, ...]]:
        """What `query` loads of what is on `path`; the mapping says more of it after this run."""
        mapped = {mapping(step) for step in self.analysis.decisions.newly_mapped}
        on_the_way = enumerate(path, 1)
        return query.loaded | {
            names(path[:end]) for end, step in on_the_way if mapping(step) in mapped
        }

    def _get(self, query: Query, texts: tuple[str, ...]) -> Iterator[p.AnyEdit]:
        call = query.node
        assert isinstance(call, s.Call)  # noqa: S101  `get` queries are calls
        given = next((k.value for k in call.keywords if k.arg == "options"), None)
        if isinstance(given, s.Sequence):
            code = ", ".join(["*{}", *texts])
            yield p.ReplaceExpression(span=given.span, codemod=OPTIONS, code=f"[{code}]")
        else:
            code = f"options=[{', '.join(texts)}]"
            yield p.AddArgument(span=call.span, codemod=OPTIONS, code=code)

    # --- responses -----------------------------------------------------------------------------

    def responses(
        self, converts: Callable[[Function], bool]
    ) -> Iterator[tuple[Module, ModuleEdits]]:
        """`@lazy_response` for the routes that get objects of what this run converts."""
        lazy = {**self.analysis.decisions.lazy}
        for route in answer_with_given_models(self._project):
            if route in self._lazy_routes:
                lazy.setdefault(route, [])
        for route in self.unknown.routes:
            lazy.setdefault(route, [])
        return lazy_response_edits(self._project, lazy, converts, self.unknown.routes)

    # --- awaits --------------------------------------------------------------------------------

    def awaits(self, function: Function) -> FunctionLoads:
        """What `function` awaits for those who cannot."""
        found = FunctionLoads()
        groups: dict[tuple[s.Stmt, str, bool | None], tuple[Root, set[Path], set[Step]]] = {}
        for item in self._of(function):
            named = s.dotted_name(item.root.node) or str(item.root.node.span)
            key = (item.statement, named, item.root.is_many)
            own = [path for path in item.paths if self._may_have(item.root, path)]
            if not own:
                continue
            _, paths, endless = groups.setdefault(key, (item.root, set(), set()))
            paths.update(own)
            endless.update(item.endless)
            for path in own:
                found.models.update(dict.fromkeys(step.model for step in path))
        for (statement, _, _), (root, paths, endless) in groups.items():
            found.statements.append(statement)
            found.edits += self._lines(function, statement, root, paths, endless)
        return found

    def _may_have(self, root: Root, path: Path) -> bool:
        """Whether `root` may be what the path leads from: a helper takes others, too."""
        types = self._project.infer(root.node, root.scope)
        items = [*types, *elements(types)]
        found = [
            item.cls
            for item in items
            if isinstance(item, Instance) and item.cls.qualname in self._project.models
        ]
        is_known = bool(found) and not any(map(is_vague, items))
        return not is_known or any(self._project.overlap(cls, path[0].model) for cls in found)

    def _of(self, function: Function) -> list[Awaiting]:
        awaiting = self.analysis.decisions.awaiting
        return [item for item in awaiting if item.sink.function is function]

    def _lines(
        self,
        function: Function,
        statement: s.Stmt,
        root: Root,
        paths: set[Path],
        endless: set[Step],
    ) -> Iterator[p.AnyEdit]:
        fresh = _Fresh(function)
        may_be_none = True
        if isinstance(root.node, s.Name):
            name = root.node.id
            may_be_none = self._statements.may_be_none(root.node, root.scope, statement)
        elif isinstance(root.node, s.Attribute):
            name = s.dotted_name(root.node)
            may_be_none = self._statements.kept_may_be_none(root.node, root.scope)
        else:
            name = fresh(self._name_for(root, paths))
            around = self._project.parent(root.node)
            value = around if isinstance(around, s.Await) else root.node
            yield p.HoistExpression(span=value.span, codemod=AWAITS, name=name)
            may_be_none = not root.is_many and not self._statements.is_sure(root.node, root.scope)
        below = tree(paths)
        if root.is_many:
            item = fresh(singular(name))
            lines = [f"for {item} in {name}:", *indented(awaiting(item, below, fresh, endless))]
        else:
            lines = list(awaiting(name, below, fresh, endless))
            if may_be_none:
                lines = [f"if {name} is not None:", *indented(lines)]
        code = "\n".join(lines)
        yield p.InsertStatements(span=statement.span, codemod=AWAITS, code=code, below_hoisted=True)

    def _name_for(self, root: Root, paths: set[Path]) -> str:
        models = {path[0].model.name for path in paths}
        name = models.pop() if len(models) == 1 else "item"
        snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
        return f"{snake}s" if root.is_many else snake


class _Fresh:
    """Names that a function does not use, each given once."""

    def __init__(self, function: Function) -> None:
        self._taken = set(names_in(function))

    def __call__(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name
