"""Where converted code hands objects to what cannot await: responses, validations, sync code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Scope, ValueBinding, bindings_of, last_name
from migrate_async.index.types import (
    ClassObject,
    DictOf,
    Instance,
    ListOf,
    RowOf,
    Type,
    Types,
    TypeVariable,
    elements,
    held,
    is_open,
    iterated,
    union,
)
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.schemas import VALIDATORS, Schemas, classes_in
from migrate_async.plan.loads.accesses import Accesses, can_await
from migrate_async.plan.loads.displays import Displays, Value
from migrate_async.plan.loads.fillers import Fillers
from migrate_async.plan.loads.paths import Path, Step
from migrate_async.plan.loads.roots import Roots
from migrate_async.plan.loads.schema_reads import Reads, SchemaReads
from migrate_async.plan.loads.setters import Setters
from migrate_async.plan.loads.sync_reads import SyncReads
from migrate_async.plan.loads.unknown_reads import UnknownReads

_ADAPTERS = frozenset({"TypeAdapter", "parse_obj_as"})


@dataclass(frozen=True)
class Sink:
    """At `node` in `function`, `reader` does `reads` of the objects that `value` holds.

    `value` is None where nobody knows which objects these are. Where FastAPI reads them for a
    response, `route` serves it.
    """

    function: Function
    node: s.Expr
    value: s.Expr | None
    scope: Scope
    reads: Reads
    reader: str
    route: Function | None = None
    is_certain: bool = True
    """What may be no read of such an object changes no mapping."""

    @property
    def paths(self) -> frozenset[Path]:
        return self.reads.paths


class Sinks:
    """The sinks of every function."""

    def __init__(
        self,
        project: Project,
        schemas: Schemas,
        roots: Roots,
        sync_reads: SyncReads,
        schema_reads: SchemaReads,
    ) -> None:
        self._project = project
        self._fillers = Fillers(project, roots, sync_reads.is_sync)
        self._schemas = schemas
        self._roots = roots
        self._sync_reads = sync_reads
        self._schema_reads = schema_reads
        self._accesses = project.shared(Accesses)
        self._displays = Displays(project)
        self._setters = project.shared(Setters)
        self._unknown = project.shared(UnknownReads)
        self._models = tuple(model.cls for model in project.models.values())
        self._suited: dict[Class, tuple[Class, ...]] = {}

    def of(self, function: Function, *, awaits: bool) -> Iterator[Sink]:
        """What `function` hands on; `awaits` says whether it is, or becomes, a coroutine."""
        yield from self._of_responses(function)
        for site in self._project.calls(function):
            if isinstance(site.node, s.Call) and site.kind == "call":
                yield from self._of_call(site.node, site.scope, function)
                yield from self._of_fillers(site.node, site.scope, function)
        yield from self._of_sync_code(function)
        yield from self._of_setters(function)
        yield from self._of_reads(function, awaits)
        yield from self._of_proxies(function)
        if function in self._schemas.routes:
            yield from self._of_unknown(function)

    # --- schemas -------------------------------------------------------------------------------

    def _of_responses(self, function: Function) -> Iterator[Sink]:
        for types in self._schemas.response_types(function):
            for value in function.returns:
                for sink in self._filled(value, self._project.scope_of(value), types, function):
                    yield replace(sink, route=function)

    def _of_call(self, call: s.Call, scope: Scope, function: Function) -> Iterator[Sink]:
        func = call.func
        if isinstance(func, s.Attribute) and func.attr in VALIDATORS and call.args:
            types = self._adapted(func.value, scope) or self._project.infer(func.value, scope)
            yield from self._filled(call.args[0], scope, types, function)
            return
        if isinstance(func, s.Name) and func.id in _ADAPTERS and len(call.args) > 1:
            types = self._project.annotated(call.args[0], scope)
            yield from self._filled(call.args[1], scope, types, function)
            return
        made = frozenset(
            item for item in self._project.infer(func, scope) if isinstance(item, ClassObject)
        )
        for keyword in call.keywords if made else ():
            if keyword.arg is None:  # `Page(**value)`
                yield from self._answered(Value(keyword.value, scope, function), made)
        for fields in self._fields(made):
            for keyword in call.keywords:
                if keyword.arg in fields:
                    types = fields[keyword.arg]
                    yield from self._filled(keyword.value, scope, types, function)

    def _of_fillers(self, call: s.Call, scope: Scope, function: Function) -> Iterator[Sink]:
        """What is filled in functions that `call` runs."""
        for filled in self._fillers.of(call, scope):
            if filled.value is not None:
                yield from self._filled(filled.value, filled.scope, filled.types, function)
                continue
            schemas = [cls for cls in classes_in(filled.types) if self._schemas.is_schema(cls)]
            for schema, model in self._pairs(schemas):
                reads, name = self._schema_reads.of(schema, model), schema.qualname
                if reads:
                    yield Sink(function, call, None, scope, reads, name, is_certain=False)

    def _adapted(self, expr: s.Expr, scope: Scope) -> Types:
        """The types that `TypeAdapter(...)` is about."""
        if isinstance(expr, s.Name):
            expr = self._project.value_of(expr, scope) or expr
        if isinstance(expr, s.Call) and s.dotted_name(expr.func).endswith("TypeAdapter"):
            return self._project.annotated(expr.args[0], scope) if expr.args else frozenset()
        return frozenset()

    def _filled(
        self, value: s.Expr, scope: Scope, types: Types, function: Function
    ) -> Iterator[Sink]:
        """The sink where `value` fills what `types` says, taken apart where it is a display."""
        schemas = [cls for cls in dict.fromkeys(classes_in(types)) if self._schemas.is_schema(cls)]
        if not schemas or isinstance(value, s.Constant):
            return
        if self._displays.is_nothing(Value(value, scope, function)):
            return
        if isinstance(value, s.Await):
            yield from self._filled(value.value, scope, types, function)
        elif isinstance(value, s.Mapping):
            yield from self._displayed(value, scope, types, function)
        elif isinstance(value, s.Conditional):
            for part in (value.body, value.orelse):
                yield from self._filled(part, scope, types, function)
        elif isinstance(value, s.Name) and (parts := self._parts(value, scope, function)):
            for part in parts:
                yield from self._filled(part, self._project.scope_of(part), types, function)
        else:
            yield from self._answered(Value(value, scope, function), types)
            yield from self._whole(value, scope, types, function)

    def _answered(self, value: Value, types: Types) -> Iterator[Sink]:
        """The sinks where `value` is a dict that other functions make.

        What such a function puts in by itself is another thing for each who calls it.
        """
        items = self._displays.of(value)
        for item in items:
            inner = item.value
            for filled in self._wanted(types, item.key):
                if inner.function is value.function or not self._is_shared(inner.function):
                    yield from self._filled(inner.node, inner.scope, filled, inner.function)
                else:
                    yield from self._of_shared(value, inner, filled)

    def _of_shared(self, value: Value, item: Value, types: Types) -> Iterator[Sink]:
        """The sinks of an item of `value` that may be the objects of any model, or of some."""
        schemas = [cls for cls in dict.fromkeys(classes_in(types)) if self._schemas.is_schema(cls)]
        found = self._project.infer(item.node, item.scope)
        models = () if self._is_open(found) else held(found, self._models)
        for schema, model in self._pairs(schemas):
            reads = self._schema_reads.of(schema, model)
            if reads and (not models or model in models):
                yield Sink(value.function, value.node, None, value.scope, reads, schema.qualname)

    def _is_shared(self, function: Function) -> bool:
        sites = (*self._project.callers(function), *self._project.bridges_to(function))
        return len({site.function for site in sites}) > 1

    def _displayed(
        self, value: s.Mapping, scope: Scope, types: Types, function: Function
    ) -> Iterator[Sink]:
        for key, item in zip(value.keys, value.values, strict=True):
            name = str(key.value) if isinstance(key, s.Constant) else ""
            for wanted in self._wanted(types, name) if key is not None else ():
                yield from self._filled(item, scope, wanted, function)

    def _wanted(self, types: Types, key: str) -> Iterator[Types]:
        """What `types` say of the value of `key`: schemas of a field, dicts of each of theirs."""
        for fields in self._fields(types):
            if key in fields:
                yield fields[key]
        for item in types:
            if isinstance(item, DictOf):
                yield item.values

    def _fields(self, types: Types) -> Iterator[dict[str, Types]]:
        """The fields of the schemas that `types` are, type variables replaced."""
        for item in types:
            if isinstance(item, Instance | ClassObject) and self._schemas.is_schema(item.cls):
                given = union(item.args)
                fields = self._schemas.fields(item.cls)
                yield {name: _substituted(found, given) for name, found in fields.items()}

    def _parts(self, name: s.Name, scope: Scope, function: Function) -> list[s.Expr]:
        """The dict display that `name` is given, or what is appended to the empty list."""
        bindings = bindings_of(name.id, scope)
        if len(bindings) != 1 or not isinstance(bindings[0], ValueBinding):
            return []
        value = bindings[0].value
        if isinstance(value, s.Mapping):
            return [value]
        if not isinstance(value, s.Sequence) or value.items:
            return []
        return [
            call.node.args[0]
            for call in function.calls
            if s.dotted_name(call.node.func) == f"{name.id}.append" and len(call.node.args) == 1
        ]

    def _whole(
        self, value: s.Expr, scope: Scope, wanted: Types, function: Function
    ) -> Iterator[Sink]:
        schemas = [cls for cls in dict.fromkeys(classes_in(wanted)) if self._schemas.is_schema(cls)]
        is_table = any(isinstance(item, DictOf) for item in wanted)
        types = iterated(self._project.infer(value, scope), is_table=is_table)
        models = held(types, self._models)
        pairs = [(schema, model) for schema in schemas for model in models]
        if len(models) > 1:  # known too little of
            pairs = [pair for pair in pairs if self._fits(*pair)]
        found = list(self._of_rows(value, scope, schemas, list(_rows(types)), function))
        if found:
            yield from found
            return
        filled = [(schema, model, True) for schema, model in pairs]
        is_vague = self._is_open(types) or any(map(_is_typed_dict, types))
        if is_vague or (models and not pairs):  # what is known is not all that it can be
            others = [pair for pair in self._pairs(schemas) if not pairs or pair[1] not in models]
            filled += [(schema, model, False) for schema, model in others]
        for schema, model, is_known in filled:
            reads = self._with_left_out(self._schema_reads.of(schema, model), schema, function)
            if reads:
                known = value if is_known else None
                yield Sink(function, value, known, scope, reads, schema.qualname)

    def _is_open(self, types: Types) -> bool:
        """Whether they may be objects of a model that `types` do not tell: `-> Base` is any."""
        return is_open(types) or any(
            isinstance(item, Instance) and item.cls in self._bases for item in types
        )

    @cached_property
    def _bases(self) -> frozenset[Class]:
        """What models inherit from and is no model itself: the declarative base, mixins."""
        inherited = frozenset().union(*map(self._project.mro, self._models))
        return inherited.difference(self._models)

    def _with_left_out(self, reads: Reads, schema: Class, function: Function) -> Reads:
        """`reads`, and the fields of `schema` that are columns which queries leave out."""
        left = self._accesses.partial.of(function)
        if not left:
            return reads
        fields = self._schemas.fields(schema)
        steps = {
            (Step(cls, name, left_out=True),)
            for cls, names in left.items()
            for name in names & fields.keys()
        }
        return replace(reads, paths=reads.paths | steps)

    def _of_rows(
        self,
        value: s.Expr,
        scope: Scope,
        schemas: list[Class],
        rows: list[RowOf],
        function: Function,
    ) -> Iterator[Sink]:
        """A schema with a field `Post`, filled from the rows of `query(Post, func.count(...))`."""
        for schema in schemas:
            fields = self._schemas.fields(schema)
            for entity in (entity for row in rows for entity in row.entities):
                model = entity.model
                if entity.kind != "class" or model not in self._models or model is None:
                    continue
                for inner in dict.fromkeys(classes_in(fields.get(model.name, frozenset()))):
                    reads = self._schema_reads.of(inner, model)
                    if self._schemas.is_schema(inner) and reads:
                        yield Sink(function, value, value, scope, reads, inner.qualname)

    def _pairs(self, schemas: list[Class]) -> Iterator[tuple[Class, Class]]:
        """Schemas, nested ones too, with the models that can fill them."""
        nested: dict[Class, None] = {}
        for schema in schemas:
            self._schemas.collect(schema, nested)
        for schema in nested:
            yield from ((schema, model) for model in self._fitting(schema))

    def _fitting(self, schema: Class) -> tuple[Class, ...]:
        """The models that can fill `schema`."""
        if schema not in self._suited:
            self._suited[schema] = tuple(m for m in self._models if self._fits(schema, m))
        return self._suited[schema]

    def _fits(self, schema: Class, model: Class) -> bool:
        mapped = self._project.models[model.qualname]
        return self._schemas.suits(schema, self._project.attributes_of(mapped))

    # --- sync code -----------------------------------------------------------------------------

    def _of_sync_code(self, function: Function) -> Iterator[Sink]:
        for target, parameter, value, scope in self._sync_reads.handed(function):
            paths = self._sync_reads.of_value(target, parameter, value, scope)
            if paths:
                yield Sink(function, value, value, scope, Reads(paths), target.qualname)

    def _of_setters(self, function: Function) -> Iterator[Sink]:
        for call, value, scope, paths, target in self._setters.of(function):
            yield Sink(function, call, value, scope, Reads(paths), target.qualname)

    def _of_reads(self, function: Function, awaits: bool) -> Iterator[Sink]:
        """Reads where no `await` can stand, such as generator expressions."""
        for access in self._accesses.of(function):
            if not awaits or not can_await(self._project, access.node, function):
                reads, name = Reads(frozenset({(access.step,)})), function.qualname
                value = access.node.value
                yield Sink(function, access.node, value, access.scope, reads, name)
        for named in self._accesses.named(function):
            reads = Reads(frozenset({named.path}))
            yield Sink(function, named.node, named.owner, named.scope, reads, function.qualname)

    def _of_proxies(self, function: Function) -> Iterator[Sink]:
        """Association proxies load what is behind them."""
        if self._proxies.isdisjoint(function.module.attributes):
            return
        for node in function.own_attributes:
            if node.attr not in self._proxies:
                continue
            scope = self._project.scope_of(node)
            for model in held(self._project.infer(node.value, scope), self._models):
                paths = frozenset(self._schema_reads.proxied(model, node.attr))
                if paths:
                    reads, name = Reads(paths), function.qualname
                    yield Sink(function, node, node.value, scope, reads, name)

    def _of_unknown(self, function: Function) -> Iterator[Sink]:
        """Reads in a route that may load: its response can be made where that awaits."""
        for read in self._unknown.of(function):
            reads = Reads(frozenset((step,) for step in read.steps))
            yield Sink(
                function, read.node, None, read.scope, reads, function.qualname, is_certain=False
            )

    @property
    def _proxies(self) -> frozenset[str]:
        return self._schema_reads.proxies


def _substituted(types: Types, given: Types) -> Types:
    """`types` with `given` in the place of type variables."""
    found: set[Type] = set()
    for item in types:
        if isinstance(item, TypeVariable):
            found |= given
        elif isinstance(item, ListOf):
            found.add(ListOf(_substituted(item.items, given)))
        else:
            found.add(item)
    return frozenset(found)


def _is_typed_dict(item: Type) -> bool:
    """Whether it is a dict, of whose values an annotation says less than the code may know."""
    return isinstance(item, Instance) and any(
        last_name(base) == "TypedDict" for base in item.cls.node.bases
    )


def _rows(types: Types) -> Iterator[RowOf]:
    return (item for item in elements(types) if isinstance(item, RowOf))
