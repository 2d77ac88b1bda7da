"""ORM models: tables, columns, keys, relationships; declarative in both styles, and SQLModel."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.classes import subscript_items
from migrate_async.index.infer import Inference
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

_COLUMN_CALLS = frozenset({"Column", "mapped_column"})
_RELATIONSHIP_CALLS = frozenset({"relationship", "Relationship", "relation", "dynamic_loader"})
_WRAPPERS = frozenset({"deferred", "column_property", "synonym", "composite", "query_expression"})
_BASE = "sqlalchemy.orm.DeclarativeBase"
_BASE_CALLS = frozenset(name.rpartition(".")[2] for name in sqlalchemy.BASE_FACTORIES)
_SQLMODEL = frozenset({"sqlmodel.SQLModel"})


class Column(msgspec.Struct, frozen=True, eq=False):
    """A mapped column.

    `name` is the attribute, `column` the name in the table. `type` is the source name of the SQL
    or Python type (`Integer`, `str`), empty when unknown. `foreign_key` is `table.column`.
    """

    name: str
    column: str
    primary_key: bool = False
    unique: bool = False
    nullable: bool = True
    type: str = ""
    foreign_key: str = ""
    deferred: bool = False


class Relationship(msgspec.Struct, frozen=True, eq=False):
    """A relationship, or the other end that `backref` creates (`is_backref`).

    `target` is the model's class (None: unknown). `lazy` is the loading strategy (`select` by
    default, `?` when it is no constant). `uselist` is None when neither annotation, foreign key
    nor argument tells whether it is a collection. `node` is the `relationship(...)` call, to be
    read in `scope`.
    """

    name: str
    target: sc.Class | None
    lazy: str
    uselist: bool | None
    back_populates: str
    backref: str
    secondary: bool
    is_backref: bool
    node: s.Call
    scope: sc.Scope


class Model(msgspec.Struct, frozen=True, eq=False):
    """A mapped class. Columns and relationships include those of bases and mixins.

    `unique` are the column sets of unique constraints and indexes (attribute names), single
    columns with `unique=True` included. `parent` is the mapped class it inherits from.
    """

    cls: sc.Class
    tablename: str
    columns: dict[str, Column]
    relationships: dict[str, Relationship]
    unique: tuple[tuple[str, ...], ...]
    parent: sc.Class | None
    is_sqlmodel: bool

    @property
    def qualname(self) -> str:
        return self.cls.qualname

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Attribute names of the primary key."""
        return tuple(column.name for column in self.columns.values() if column.primary_key)

    def pins_one_row(self, names: frozenset[str]) -> bool:
        """Whether equality on the attributes `names` selects at most one row."""
        keys = [self.primary_key, *self.unique]
        return any(key and names.issuperset(key) for key in keys)


# --- before inference --------------------------------------------------------------------------


def prepare(inference: Inference) -> None:
    """Teach inference what no binding says: declarative bases and backrefs."""
    for cls in inference.symbols.classes:
        names = {sc.last_name(decorator) for decorator in cls.node.decorators}
        if names & _BASE_CALLS or any(_is_meta(keyword) for keyword in cls.node.keywords):
            cls.extra_bases.append(_BASE)
    for fn in inference.symbols.functions:
        for call in fn.calls:
            if sc.last_name(call.node.func) in _BASE_CALLS:
                _mark_base(call, inference)
    inference.forget()
    for cls in inference.symbols.classes:
        for _, node, scope in _relationship_calls(cls):
            _bind_backref(cls, node, scope, inference)
    inference.forget()


def _is_meta(keyword: s.Keyword) -> bool:
    return keyword.arg == "metaclass" and sc.last_name(keyword.value) == "DeclarativeMeta"


def _mark_base(call: sc.RawCall, inference: Inference) -> None:
    """`declarative_base(cls=X)`: X is a declarative base from now on."""
    cls = keyword(call.node, "cls")
    if cls is not None:
        for item in t.ordered(inference.infer(cls, call.scope)):
            if isinstance(item, t.ClassObject):
                item.cls.extra_bases.append(_BASE)


def _bind_backref(cls: sc.Class, call: s.Call, scope: sc.Scope, inference: Inference) -> None:
    name, _ = backref_of(call)
    if not name:
        return
    values = t.of(t.Instance(cls))
    types = values | t.of(t.ListOf(values))
    for target in inference.library.related(call, scope):
        target.instance.setdefault(name, []).append(sc.FixedBinding(scope, types))


def backref_of(call: s.Call) -> tuple[str, s.Call | None]:
    """Name of the backref and the `backref(...)` call, if it is one."""
    value = keyword(call, "backref")
    if isinstance(value, s.Constant):
        return str(value.value), None
    if isinstance(value, s.Call) and value.args and isinstance(value.args[0], s.Constant):
        return str(value.args[0].value), value
    return "", None


# --- class bodies ------------------------------------------------------------------------------


def _assigned(cls: sc.Class) -> Iterator[tuple[str, s.Expr | None, s.Expr | None, sc.Scope]]:
    """`(name, annotation, value, scope)` of a class body; `declared_attr` gives what it returns."""
    for name, bindings in cls.scope.names.items():
        for binding in bindings:
            if isinstance(binding, sc.ValueBinding):
                yield name, None, binding.value, binding.scope
            elif isinstance(binding, sc.AnnotatedBinding):
                yield name, binding.annotation, binding.value, binding.scope
            elif isinstance(binding, sc.FunctionBinding):
                fn = binding.function
                node = fn.node
                if "declared_attr" in _all_names(fn) and isinstance(node, s.FunctionDef):
                    for value in fn.returns[:1]:
                        yield name, node.returns, value, fn.scope


def _all_names(fn: sc.Function) -> frozenset[str]:
    """Every component of the decorators' names: `declared_attr.cascading` has two."""
    decorators = fn.node.decorators if isinstance(fn.node, s.FunctionDef) else ()
    return frozenset(part for item in decorators for part in s.dotted_name(item).split("."))


def _relationship_calls(cls: sc.Class) -> Iterator[tuple[str, s.Call, sc.Scope]]:
    for name, _, value, scope in _assigned(cls):
        if isinstance(value, s.Call) and sc.last_name(value.func) in _RELATIONSHIP_CALLS:
            yield name, value, scope


def find_models(inference: Inference) -> dict[str, Model]:
    """All mapped classes."""
    finder = _Finder(inference)
    found = [finder.model(cls) for cls in inference.symbols.classes if finder.is_mapped(cls)]
    models = {model.qualname: model for model in found}
    return _with_backrefs(_settled(models, inference), inference)


class _Finder:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._hierarchy = inference.hierarchy
        self._mapped: dict[sc.Class, bool] = {}

    def is_mapped(self, cls: sc.Class) -> bool:
        """Whether `cls` has a table of its own or shares that of a mapped base."""
        if cls not in self._mapped:
            self._mapped[cls] = False
            self._mapped[cls] = self._find_mapped(cls)
        return self._mapped[cls]

    def _find_mapped(self, cls: sc.Class) -> bool:
        if self._hierarchy.is_a(cls, _SQLMODEL):
            table = keyword_of(cls.node.keywords, "table")
            return _is_true(table)
        names = cls.scope.names
        if _is_true(_class_value(cls, "__abstract__")):
            return False
        has_table = "__tablename__" in names or "__table__" in names
        if not self._hierarchy.is_a(cls, sqlalchemy.DECLARATIVE_BASES):
            has_columns = any(_column_call(value) for _, _, value, _ in _assigned(cls))
            return has_table and has_columns and bool(cls.node.bases)
        if self._is_base(cls):
            return False
        if has_table:
            return True
        ancestors = [item.cls for item in self._hierarchy.order(cls)[1:] if item.cls is not None]
        return any(
            "__tablename__" in base.scope.names or self.is_mapped(base) for base in ancestors
        )

    def _is_base(self, cls: sc.Class) -> bool:
        """The declarative base itself: a table name only as a `declared_attr`, no columns."""
        direct = bool(cls.extra_bases) or any(
            isinstance(item, t.External) and item.dotted in sqlalchemy.DECLARATIVE_BASES
            for base in cls.node.bases
            for item in self._inference.infer(base, cls.outer)
        )
        return (
            direct
            and _class_value(cls, "__tablename__") is None
            and ("__table__" not in cls.scope.names)
        )

    def model(self, cls: sc.Class) -> Model:
        columns: dict[str, Column] = {}
        relationships: dict[str, Relationship] = {}
        unique: list[tuple[str, ...]] = []
        is_sqlmodel = self._hierarchy.is_a(cls, _SQLMODEL)
        for ancestor in reversed(self._hierarchy.order(cls)):
            if ancestor.cls is not None:
                self._collect(ancestor.cls, columns, relationships, is_sqlmodel)
                unique += _constraints(ancestor.cls)
        by_column = {column.column: column.name for column in columns.values()}
        sets = [tuple(by_column.get(name, name) for name in key) for key in unique]
        sets += [(column.name,) for column in columns.values() if column.unique]
        bases = self._hierarchy.order(cls)[1:]
        parents = [item.cls for item in bases if item.cls is not None and self.is_mapped(item.cls)]
        return Model(
            cls,
            self._tablename(cls, is_sqlmodel),
            columns,
            relationships,
            tuple(dict.fromkeys(sets)),
            parents[0] if parents else None,
            is_sqlmodel,
        )

    def _tablename(self, cls: sc.Class, is_sqlmodel: bool) -> str:
        for ancestor in self._hierarchy.order(cls):
            if ancestor.cls is None:
                continue
            value = _class_value(ancestor.cls, "__tablename__")
            if isinstance(value, s.Constant):
                return str(value.value)
            table = _class_value(ancestor.cls, "__table__")
            if isinstance(table, s.Call) and table.args and isinstance(table.args[0], s.Constant):
                return str(table.args[0].value)
        return cls.name.lower() if is_sqlmodel else ""

    def _collect(
        self,
        cls: sc.Class,
        columns: dict[str, Column],
        relationships: dict[str, Relationship],
        is_sqlmodel: bool,
    ) -> None:
        for name, annotation, value, scope in _assigned(cls):
            if name.startswith("__") and name != "__table__":
                continue
            if name == "__table__" and isinstance(value, s.Call):
                columns.update((item.name, item) for item in _table_columns(value))
                continue
            call = value if isinstance(value, s.Call) else None
            if call is not None and sc.last_name(call.func) in _RELATIONSHIP_CALLS:
                relationships[name] = self._relationship(name, annotation, call, scope)
                continue
            column = self._column(name, annotation, value, scope, is_sqlmodel)
            if column is not None:
                columns[name] = column

    # --- columns -------------------------------------------------------------------------------

    def _column(
        self,
        name: str,
        annotation: s.Expr | None,
        value: s.Expr | None,
        scope: sc.Scope,
        is_sqlmodel: bool,
    ) -> Column | None:
        call = _column_call(value)
        inner = _mapped_inner(annotation)
        if annotation is not None and call is None:
            call = self._annotated_column(inner or annotation, scope)
        if call is not None and sc.last_name(call.func) in _COLUMN_CALLS:
            return _from_call(name, call, inner, is_deferred=_is_deferred(value, call))
        if is_sqlmodel and annotation is not None:
            return _from_field(name, annotation, value)
        if inner is not None and not isinstance(value, s.Call):
            return Column(name, name, nullable=_is_optional(inner), type=_type_name(inner))
        return None

    def _annotated_column(self, annotation: s.Expr, scope: sc.Scope) -> s.Call | None:
        """`mapped_column(...)` inside `Annotated[int, ...]`, which may be an alias."""
        expr, _ = self._inference.annotations.unaliased(annotation, scope)
        if isinstance(expr, s.Subscript) and sc.last_name(expr.value) == "Annotated":
            for item in subscript_items(expr)[1:]:
                if isinstance(item, s.Call) and sc.last_name(item.func) in _COLUMN_CALLS:
                    return item
        return None

    # --- relationships -------------------------------------------------------------------------

    def _relationship(
        self, name: str, annotation: s.Expr | None, call: s.Call, scope: sc.Scope
    ) -> Relationship:
        targets = self._inference.library.related(call, scope)
        if not targets and annotation is not None:
            targets = self._annotated_targets(annotation, scope)
        backref, _ = backref_of(call)
        return Relationship(
            name=name,
            target=targets[0] if targets else None,
            lazy=_lazy(call, annotation),
            uselist=_uselist(call, annotation),
            back_populates=_string(_option(call, "back_populates")),
            backref=backref,
            secondary=_option(call, "secondary") is not None or _has_link_model(call),
            is_backref=False,
            node=call,
            scope=scope,
        )

    def _annotated_targets(self, annotation: s.Expr, scope: sc.Scope) -> list[sc.Class]:
        found: list[sc.Class] = []
        pending = list(t.ordered(self._inference.annotations.types(annotation, scope)))
        while pending:
            item = pending.pop()
            if isinstance(item, t.Instance):
                found.append(item.cls)
            elif isinstance(item, t.ListOf):
                pending += t.ordered(item.items)
        if not found:
            names = [str(n.value) for n in s.walk(annotation) if isinstance(n, s.Constant)]
            for name in names:
                found += self._inference.library.classes_named(name, scope.module)
        return found


def keyword(call: s.Call, name: str) -> s.Expr | None:
    """The value of the keyword argument `name`."""
    return keyword_of(call.keywords, name)


def keyword_of(keywords: tuple[s.Keyword, ...], name: str) -> s.Expr | None:
    return next((item.value for item in keywords if item.arg == name), None)


def _class_value(cls: sc.Class, name: str) -> s.Expr | None:
    """What a class body assigns to `name`."""
    for binding in cls.scope.names.get(name, ()):
        if isinstance(binding, sc.ValueBinding | sc.AnnotatedBinding):
            return binding.value
    return None


def _is_true(expr: s.Expr | None) -> bool:
    return isinstance(expr, s.Constant) and expr.kind == "bool" and bool(expr.value)


def _string(expr: s.Expr | None) -> str:
    return str(expr.value) if isinstance(expr, s.Constant) and expr.kind == "str" else ""


# --- columns -----------------------------------------------------------------------------------


def _column_call(value: s.Expr | None) -> s.Call | None:
    """The `Column(...)` in a class attribute's value, also inside `deferred(...)`."""
    if not isinstance(value, s.Call):
        return None
    name = sc.last_name(value.func)
    if name in _WRAPPERS and value.args:
        return _column_call(value.args[0])
    return value if name in _COLUMN_CALLS else None


def _is_deferred(value: s.Expr | None, call: s.Call) -> bool:
    wrapped = isinstance(value, s.Call) and sc.last_name(value.func) == "deferred"
    return wrapped or _is_true(keyword(call, "deferred"))


def _mapped_inner(annotation: s.Expr | None) -> s.Expr | None:
    """`X` of `Mapped[X]`."""
    if isinstance(annotation, s.Subscript) and sc.last_name(annotation.value) in sqlalchemy.MAPPED:
        return annotation.index
    return None


def _from_call(
    name: str, call: s.Call, inner: s.Expr | None, *, is_deferred: bool = False
) -> Column:
    args = list(call.args)
    column = _string(args[0]) if args else ""
    if column:
        args = args[1:]
    types = [arg for arg in args if not _is_foreign_key(arg)]
    kind = _type_name(types[0]) if types else _type_name(inner)
    primary_key = _is_true(keyword(call, "primary_key"))
    nullable = keyword(call, "nullable")
    return Column(
        name=name,
        column=column or _string(keyword(call, "name")) or name,
        primary_key=primary_key,
        unique=_is_true(keyword(call, "unique")),
        nullable=_nullable(nullable, inner, primary_key),
        type=kind,
        foreign_key=next((_foreign_key(arg) for arg in args if _is_foreign_key(arg)), ""),
        deferred=is_deferred,
    )


def _nullable(given: s.Expr | None, inner: s.Expr | None, primary_key: bool) -> bool:
    if given is not None:
        return _is_true(given)
    if primary_key:
        return False
    return True if inner is None else _is_optional(inner)


def _from_field(name: str, annotation: s.Expr, value: s.Expr | None) -> Column | None:
    """A field of a SQLModel table."""
    field = value if isinstance(value, s.Call) and sc.last_name(value.func) == "Field" else None
    if field is None:
        return Column(name, name, nullable=_is_optional(annotation), type=_type_name(annotation))
    column = keyword(field, "sa_column")
    if isinstance(column, s.Call):
        return _from_call(name, column, annotation)
    primary_key = _is_true(keyword(field, "primary_key"))
    return Column(
        name=name,
        column=name,
        primary_key=primary_key,
        unique=_is_true(keyword(field, "unique")),
        nullable=not primary_key and _is_optional(annotation),
        type=_type_name(annotation),
        foreign_key=_string(keyword(field, "foreign_key")),
    )


def _is_optional(annotation: s.Expr) -> bool:
    if isinstance(annotation, s.Subscript):
        return sc.last_name(annotation.value) == "Optional" or _is_optional(annotation.index)
    if isinstance(annotation, s.Operation):
        return any(_is_none(operand) for operand in annotation.operands)
    if isinstance(annotation, s.Sequence):
        return any(_is_none(item) for item in annotation.items)
    return isinstance(annotation, s.Constant) and "Optional" in str(annotation.value)


def _is_none(expr: s.Expr) -> bool:
    return isinstance(expr, s.Constant) and expr.kind == "None"


def _type_name(expr: s.Expr | None) -> str:
    """`Integer` of `Integer`, `Integer()` and `sa.Integer`; `int` of `int | None`."""
    if isinstance(expr, s.Operation) and expr.operands:
        return _type_name(expr.operands[0])
    if isinstance(expr, s.Subscript):
        first = subscript_items(expr)[0]
        wrapped = sc.last_name(expr.value) in ("Optional", "Annotated", "Mapped")
        return _type_name(first) if wrapped else sc.last_name(expr.value)
    return sc.last_name(expr) if isinstance(expr, s.Name | s.Attribute | s.Call) else ""


def _is_foreign_key(expr: s.Expr) -> bool:
    return isinstance(expr, s.Call) and sc.last_name(expr.func) == "ForeignKey"


def _foreign_key(expr: s.Expr) -> str:
    if not isinstance(expr, s.Call) or not expr.args:
        return ""
    return _string(expr.args[0]) or s.dotted_name(expr.args[0])


def _table_columns(table: s.Call) -> Iterator[Column]:
    for arg in table.args:
        if isinstance(arg, s.Call) and sc.last_name(arg.func) in _COLUMN_CALLS and arg.args:
            yield _from_call(_string(arg.args[0]), arg, None)


def _constraints(cls: sc.Class) -> list[tuple[str, ...]]:
    """Column names of unique constraints and unique indexes in `__table_args__`."""
    found: list[tuple[str, ...]] = []
    for name, _, value, _ in _assigned(cls):
        if name in ("__table_args__", "__table__") and value is not None:
            for node in s.walk(value):
                if isinstance(node, s.Call) and _is_unique(node):
                    texts = [_string(arg) or sc.last_name(arg) for arg in node.args]
                    start = 1 if sc.last_name(node.func) == "Index" else 0
                    found.append(tuple(text for text in texts[start:] if text))
    return found


def _is_unique(call: s.Call) -> bool:
    name = sc.last_name(call.func)
    if name in ("UniqueConstraint", "PrimaryKeyConstraint"):
        return True
    # A partial unique index says nothing about the rows outside its condition.
    conditions = [k.arg for k in call.keywords if k.arg and k.arg.endswith("_where")]
    return name == "Index" and _is_true(keyword(call, "unique")) and not conditions


# --- relationships -----------------------------------------------------------------------------


def _option(call: s.Call, name: str) -> s.Expr | None:
    """A relationship argument, also inside SQLModel's `sa_relationship_kwargs={...}`."""
    found = keyword(call, name)
    if found is not None:
        return found
    extra = keyword(call, "sa_relationship_kwargs")
    if isinstance(extra, s.Mapping):
        for key, value in zip(extra.keys, extra.values, strict=True):
            if isinstance(key, s.Constant) and key.value == name:
                return value
    return None


def _has_link_model(call: s.Call) -> bool:
    return keyword(call, "link_model") is not None


def _lazy(call: s.Call, annotation: s.Expr | None) -> str:
    name = sc.last_name(call.func)
    head = sc.last_name(annotation.value) if isinstance(annotation, s.Subscript) else ""
    if name == "dynamic_loader" or head == "DynamicMapped":
        return "dynamic"
    if head == "WriteOnlyMapped":
        return "write_only"
    return _strategy(_option(call, "lazy"))


def _strategy(given: s.Expr | None) -> str:
    """The loading strategy by its documented name; `True` and `False` are old spellings."""
    if given is None:
        return "select"
    if not isinstance(given, s.Constant):
        return "?"
    if given.kind == "bool":
        return "select" if given.value else "joined"
    if given.kind == "None":
        return "noload"
    return "select" if given.value == "select" else str(given.value)


def _uselist(call: s.Call, annotation: s.Expr | None) -> bool | None:
    given = _option(call, "uselist")
    if isinstance(given, s.Constant) and given.kind == "bool":
        return bool(given.value)
    inner = _mapped_inner(annotation) or annotation
    if inner is not None:
        names = {sc.last_name(n) for n in s.walk(inner) if isinstance(n, s.Name | s.Attribute)}
        return not names.isdisjoint(sqlalchemy.COLLECTION_ANNOTATIONS)
    if _option(call, "secondary") is not None or keyword(call, "collection_class") is not None:
        return True
    return False if _option(call, "remote_side") is not None else None


def _settled(models: dict[str, Model], inference: Inference) -> dict[str, Model]:
    """Work out `uselist` from foreign keys where nothing else tells it."""
    for model in models.values():
        for name, relationship in model.relationships.items():
            if relationship.uselist is None and relationship.target is not None:
                target = models.get(relationship.target.qualname)
                if target is not None:
                    uselist = _is_collection(model, target, relationship.node)
                    settled = msgspec.structs.replace(relationship, uselist=uselist)
                    model.relationships[name] = settled
    del inference
    return models


def _is_collection(model: Model, target: Model, call: s.Call) -> bool | None:
    """One-to-many when only the target has a foreign key to this table."""
    outgoing = _refers(model, target)
    incoming = _refers(target, model)
    if outgoing != incoming:
        return incoming
    foreign = keyword(call, "foreign_keys")
    if outgoing and foreign is not None:
        names = {sc.last_name(n) for n in s.walk(foreign) if isinstance(n, s.Name | s.Attribute)}
        texts = {str(n.value) for n in s.walk(foreign) if isinstance(n, s.Constant)}
        own = names | {text.rpartition(".")[2].strip(" []") for text in texts}
        mentions = {text.partition(".")[0].strip(" [") for text in texts if "." in text}
        if mentions and model.cls.name not in mentions:
            return True
        return own.isdisjoint(model.columns)
    return None


def _refers(model: Model, target: Model) -> bool:
    """Whether a column of `model` has a foreign key to the table of `target`."""
    for column in model.columns.values():
        owner, _, _ = column.foreign_key.rpartition(".")
        if owner and (owner.rpartition(".")[2] == target.tablename or owner == target.cls.name):
            return True
    return False


def _with_backrefs(models: dict[str, Model], inference: Inference) -> dict[str, Model]:
    """Add the ends that `backref=` creates."""
    del inference
    for model in list(models.values()):
        for relationship in list(model.relationships.values()):
            if relationship.backref and relationship.target is not None:
                target = models.get(relationship.target.qualname)
                if target is not None and relationship.backref not in target.relationships:
                    other = _reverse(relationship, model.cls)
                    target.relationships[other.name] = other
    return models


def _reverse(relationship: Relationship, source: sc.Class) -> Relationship:
    name, call = backref_of(relationship.node)
    uselist = None if relationship.uselist is None else not relationship.uselist
    if relationship.secondary:
        uselist = True
    lazy = "select"
    if call is not None:
        lazy = _strategy(keyword(call, "lazy"))
        given = keyword(call, "uselist")
        if isinstance(given, s.Constant) and given.kind == "bool":
            uselist = bool(given.value)
    return Relationship(
        name=name,
        target=source,
        lazy=lazy,
        uselist=uselist,
        back_populates=relationship.name,
        backref="",
        secondary=relationship.secondary,
        is_backref=True,
        node=relationship.node,
        scope=relationship.scope,
    )
