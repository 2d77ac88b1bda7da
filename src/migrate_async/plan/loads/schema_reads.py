"""What filling a schema from an object reads of it, through nested schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from migrate_async.index.descriptors import READ
from migrate_async.index.members import is_property
from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import (
    AnnotatedBinding,
    Class,
    Function,
    FunctionBinding,
    ValueBinding,
    last_name,
)
from migrate_async.index.types import Types
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.schemas import Schemas, classes_in
from migrate_async.plan.loads.paths import Path, Step
from migrate_async.plan.loads.roots import Roots
from migrate_async.plan.loads.sync_reads import SyncReads, read_parameter
from migrate_async.plan.loads.validator_reads import reads
from migrate_async.plan.polymorphic import LateColumns
from migrate_async.plan.walks import Walks

_ALIASES = ("validation_alias", "alias")
_BESIDE_GETTERS = frozenset({"comparator", "deleter", "expression", "setter", "update_expression"})
"""`@total.setter`: functions of a property that bear its name, and that no read of it runs."""
_QUERIES = frozenset({"dynamic", "write_only", "?"})
_STOPS = frozenset({"dynamic", "write_only", "raise", "raise_on_sql", "noload", "?"})

Pair = tuple[Class, Class]
"""A schema, and the model that it is filled from."""

Chain = tuple[str, ...]
"""Attributes that are read one of the other."""


@dataclass(frozen=True)
class Reads:
    """`paths` end; `endless` are the relationships of a circle, which schemas follow for ever.

    `blocked` cannot be loaded at all: the relationships are queries, or loading is forbidden.
    `late` are the models whose subclasses have more columns that are read. `unseen` is read of
    objects that a property gives, and of which nobody sees what they are.
    """

    paths: frozenset[Path]
    endless: frozenset[Step] = frozenset()
    blocked: frozenset[Step] = frozenset()
    late: frozenset[Class] = frozenset()
    unseen: frozenset[Step] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.paths or self.is_beyond_queries)

    @property
    def is_beyond_queries(self) -> bool:
        """Whether no query could load some of it."""
        return bool(self.blocked or self.late or self.unseen)


@dataclass(frozen=True)
class _Loaded:
    """What reading one attribute loads, each with the class of what is read.

    `blocked` is the relationship that cannot be loaded; `is_late`: a subclass has the column.
    """

    paths: tuple[tuple[Path, Class | None], ...] = ()
    blocked: Step | None = None
    is_late: bool = False


_NOTHING = _Loaded()


@dataclass
class _Walk:
    paths: set[Path] = field(default_factory=set)
    endless: set[Step] = field(default_factory=set)
    blocked: set[Step] = field(default_factory=set)
    late: set[Class] = field(default_factory=set)
    unseen: set[Step] = field(default_factory=set)

    def note(self, model: Class, loaded: _Loaded) -> None:
        if loaded.blocked is not None:
            self.blocked.add(loaded.blocked)
        if loaded.is_late:
            self.late.add(model)

    def reads(self) -> Reads:
        return Reads(
            frozenset(self.paths),
            frozenset(self.endless),
            frozenset(self.blocked),
            frozenset(self.late),
            frozenset(self.unseen),
        )


class SchemaReads:
    def __init__(
        self, project: Project, schemas: Schemas, roots: Roots, sync_reads: SyncReads
    ) -> None:
        self._project = project
        self._schemas = schemas
        self._roots = roots
        self._sync_reads = sync_reads
        self._models = {model.cls: model for model in project.models.values()}
        self._members = _members(project)
        self._proxied: dict[tuple[Class, str], tuple[Path, ...]] = {}
        self._read: dict[Class, list[tuple[Chain, list[Class]]]] = {}
        self._loaded: dict[tuple[Class, str, bool], _Loaded] = {}
        self._filling: dict[Pair, list[tuple[list[Class], _Loaded]]] = {}
        self._reads: dict[Pair, Reads] = {}
        self._late = LateColumns(project)

    def of(self, schema: Class, model: Class) -> Reads:
        """What filling `schema` reads of a `model` object."""
        pair = schema, model
        if pair not in self._reads:
            walk = _Walk()
            self._walk(pair, (), {pair: 0}, walk)
            self._reads[pair] = walk.reads()
        return self._reads[pair]

    def along(self, model: Class, chain: Sequence[str]) -> Iterator[Path]:
        """What reading the attributes `chain`, one of the other, from a `model` object loads."""
        for more, target in self._loads(model, chain[0], methods=True).paths:
            yield more
            if target is not None and len(chain) > 1:
                yield from ((*more, *rest) for rest in self.along(target, chain[1:]))

    def proxied(self, model: Class, name: str) -> Iterator[Path]:
        """What reading the association proxy `name` loads."""
        key = model, name
        if key not in self._proxied:
            self._proxied[key] = tuple(self._find_proxied(model, name))
        return iter(self._proxied[key])

    def _find_proxied(self, model: Class, name: str) -> Iterator[Path]:
        for owner in self._project.mro(model):
            for binding in owner.scope.names.get(name, ()):
                if isinstance(binding, ValueBinding | AnnotatedBinding):
                    yield from self._proxy(model, binding.value)

    @cached_property
    def proxies(self) -> frozenset[str]:
        """The names of all association proxies."""
        return frozenset(
            name
            for model in self._models
            for owner in self._project.mro(model)
            for name in owner.scope.names
            if any(self.proxied(model, name))
        )

    def _functions(self, model: Class, name: str) -> Iterator[Function]:
        """The function that is the attribute `name` of `model` objects: a property or a method."""
        for owner in self._project.mro(model):
            found = self._members.get((owner, name))
            if found is not None:
                yield found
                return
            getters = [fn for known, fn in self._project.descriptors(owner) if known == name]
            if getters:
                yield from getters
                return

    def _walk(self, pair: Pair, path: Path, seen: Mapping[Pair, int], walk: _Walk) -> None:
        """`seen` says how long the path was where each pair was met."""
        for nested, loaded in self._of_pair(pair):
            walk.note(pair[1], loaded)
            if loaded.paths and all(target is None for _, target in loaded.paths):
                walk.unseen.update(self._unseen(nested))
            for more, target in loaded.paths:
                whole = (*path, *more)
                walk.paths.add(whole)
                for inner in nested if target is not None else ():
                    assert target is not None  # noqa: S101  the loop says so
                    if (inner, target) in seen:
                        walk.endless.update(whole[seen[inner, target] :])
                    else:
                        known = {**seen, (inner, target): len(whole)}
                        self._walk((inner, target), whole, known, walk)

    def _unseen(self, nested: list[Class]) -> Iterator[Step]:
        """What the schemas `nested` read first of whatever they can be filled from."""
        for schema in nested:
            for mapped in self._models.values():
                if self._schemas.suits(schema, self._project.attributes_of(mapped)):
                    for _, loaded in self._of_pair((schema, mapped.cls)):
                        yield from (path[0] for path, _ in loaded.paths if path[0].is_lazy)

    def _of_pair(self, pair: Pair) -> list[tuple[list[Class], _Loaded]]:
        """The nested schemas of each field that loads something, and what that is."""
        if pair not in self._filling:
            schema, model = pair
            read = [(nested, self._loads_far(model, c)) for c, nested in self._attributes(schema)]
            self._filling[pair] = [item for item in read if item[1] is not _NOTHING]
        return self._filling[pair]

    def _nested(self, types: Types) -> list[Class]:
        return [cls for cls in dict.fromkeys(classes_in(types)) if self._schemas.is_schema(cls)]

    def _attributes(self, schema: Class) -> list[tuple[Chain, list[Class]]]:
        """The attributes that filling `schema` reads, with the schemas of its fields."""
        if schema not in self._read:
            found = self._find_attributes(schema)
            self._read[schema] = [(chain, self._nested(types)) for chain, types in found]
        return self._read[schema]

    def _find_attributes(self, schema: Class) -> Iterator[tuple[Chain, Types]]:
        fields = self._schemas.fields(schema)
        for name, types in fields.items():
            for chain in self._read_as(schema, name):
                yield chain, types
        for function in self._validators(schema):
            for chain in reads(function, fields):
                yield chain, frozenset()

    def _read_as(self, schema: Class, name: str) -> list[Chain]:
        """What the field `name` is filled from: the attribute of its name, or its aliases."""
        found: list[Chain] = [(name,)]
        for owner in self._project.mro(schema):
            for binding in owner.scope.names.get(name, ()):
                call = binding.value if isinstance(binding, AnnotatedBinding) else None
                if not isinstance(call, s.Call) or last_name(call.func) != "Field":
                    continue
                given = {k.arg: k.value for k in call.keywords}
                alias = next((given[a] for a in _ALIASES if a in given), None)
                found += _chains(alias) if alias is not None else ()
        return found

    def _validators(self, schema: Class) -> Iterator[Function]:
        for owner in self._project.mro(schema):
            for bindings in owner.scope.names.values():
                for binding in bindings:
                    if isinstance(binding, FunctionBinding) and binding.function.decorator_names:
                        yield binding.function

    # --- attributes of models ------------------------------------------------------------------

    def _loads(self, model: Class, attribute: str, *, methods: bool = False) -> _Loaded:
        """What reading `attribute` of a `model` object loads."""
        key = model, attribute, methods
        if key not in self._loaded:
            mapped = self._models.get(model)
            found = _NOTHING if mapped is None else self._find_loaded(mapped, attribute, methods)
            self._loaded[key] = found
        return self._loaded[key]

    def _loads_far(self, model: Class, chain: Chain) -> _Loaded:
        """As `_loads`, of attributes that are read one of the other."""
        first = self._loads(model, chain[0])
        if len(chain) == 1:
            return first
        paths: list[tuple[Path, Class | None]] = []
        blocked = first.blocked
        for path, target in first.paths:
            rest = self._loads_far(target, chain[1:]) if target is not None else _NOTHING
            blocked = blocked or rest.blocked
            paths += [((*path, *more), end) for more, end in rest.paths] or [(path, None)]
        return replace(first, paths=tuple(paths), blocked=blocked) if paths or blocked else first

    def _find_loaded(self, mapped: Model, attribute: str, methods: bool) -> _Loaded:
        paths = tuple(self._paths(mapped, attribute, methods))
        walks = self._project.shared(Walks)
        relationship = mapped.relationships.get(attribute)
        is_query = relationship is not None and relationship.lazy in _QUERIES
        blocked = Step(mapped.cls, attribute, relationship) if is_query else None
        if any(True for fn in self._getters(mapped.cls, attribute) for _ in walks.unknown(fn)):
            blocked = Step(mapped.cls, attribute)
        is_late = attribute in self._late.names(mapped)
        return _Loaded(paths, blocked, is_late) if paths or blocked or is_late else _NOTHING

    def _paths(
        self, mapped: Model, attribute: str, methods: bool
    ) -> Iterator[tuple[Path, Class | None]]:
        """`(what is loaded, the class of what is read)`."""
        model = mapped.cls
        step = self._step(mapped, attribute)
        if step is not None:
            yield (step,), step.target
            return
        for path in self.proxied(model, attribute):
            yield path, path[-1].target
        read = self._functions(model, attribute) if methods else self._getters(model, attribute)
        for function in read:
            for path in self._sync_reads.of_models(function, read_parameter(function), (model,)):
                yield path, None
            yield from self._given(function)

    def _getters(self, model: Class, name: str) -> Iterator[Function]:
        """What reading the attribute `name` of `model` objects runs: a property, a descriptor."""
        for function in self._functions(model, name):
            if is_property(function) or function.name == READ:
                yield function

    def _step(self, mapped: Model, attribute: str) -> Step | None:
        relationship = mapped.relationships.get(attribute)
        if relationship is not None and relationship.lazy not in _STOPS:
            return Step(mapped.cls, attribute, relationship)
        if attribute in mapped.deferred:
            return Step(mapped.cls, attribute)
        is_expression = attribute in mapped.expressions
        return Step(mapped.cls, attribute, expires=True) if is_expression else None

    def _given(self, function: Function) -> Iterator[tuple[Path, Class | None]]:
        """Related objects that a property gives."""
        for value in function.returns:
            scope = self._project.scope_of(value)
            for root in self._roots.of(value, scope, far=True) or ():
                if self._sync_reads.parameter(root.node, root.scope, function) and root.path:
                    yield root.path, root.path[-1].target

    def _proxy(self, model: Class, value: s.Expr | None) -> Iterator[Path]:
        """The paths of `association_proxy("links", "tag")`."""
        if not isinstance(value, s.Call) or last_name(value.func) != "association_proxy":
            return
        given = [a.value for a in value.args if isinstance(a, s.Constant)]
        given += [k.value.value for k in value.keywords if isinstance(k.value, s.Constant)]
        mapped = self._models.get(model)
        path: Path = ()
        for name in map(str, given[:2]):
            step = self._step(mapped, name) if mapped is not None else None
            if step is None:
                break
            path = (*path, step)
            mapped = self._models.get(step.target) if step.target is not None else None
        if path:
            yield path


def _chains(alias: s.Expr) -> Iterator[Chain]:
    """The attributes that the alias of a field names; numbers in a path choose one of a list."""
    if isinstance(alias, s.Constant):
        yield (str(alias.value),)
    elif isinstance(alias, s.Call) and last_name(alias.func) == "AliasChoices":
        for choice in alias.args:
            yield from _chains(choice)
    elif isinstance(alias, s.Call) and last_name(alias.func) == "AliasPath":
        values = [part.value for part in alias.args if isinstance(part, s.Constant)]
        names = tuple(value for value in values if isinstance(value, str))
        if names:
            yield names


def _members(project: Project) -> dict[tuple[Class, str], Function]:
    """Properties and methods by class and name; of a property what reading it runs."""
    found: dict[tuple[Class, str], Function] = {}
    for function in project.functions:
        if function.cls is None:
            continue
        key = (function.cls, function.name)
        if key not in found or function.decorator_names.isdisjoint(_BESIDE_GETTERS):
            found[key] = function
    return found
