"""Which rows the statements of functions add, delete or move to another owner.

By objects that a session stores or deletes, by foreign keys that are set, and by statements that
the database runs at once: a relationship that was loaded before shows nothing of all that.

A statement of which nobody can tell what it changes is no change here: for each of these the plan
adds a line, and there has to be a table that it is about. `plan.loads.later_writes` asks whether
something may be written at all, and takes the same statement for a write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from migrate_async.index.project import Project, Relationship
from migrate_async.index.scopes import Class, Function, last_name
from migrate_async.index.types import QueryOf, held
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called, method_name

STORED = "stored"
DELETED = "deleted"
MOVED = "moved"
"""A foreign key is set."""

_STATEMENTS = {"insert": STORED, "update": MOVED, "delete": DELETED}
_BULK = {
    "bulk_save_objects": STORED,
    "bulk_insert_mappings": STORED,
    "bulk_update_mappings": MOVED,
}
_EXECUTES = frozenset({"execute", "exec", "scalar", "scalars"})
_WRITTEN = re.compile(
    r"\b(insert)\s+into\s+\W?(\w+)|\b(delete)\s+from\s+\W?(\w+)|"
    r"\b(update)\s+\W?(\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Change:
    """Rows of `table`, a model or the name of a table, are `stored`, `deleted` or `moved`.

    If `key` is given, moved by setting that column.
    """

    kind: str
    table: Class | str
    key: str = ""


class RowChanges:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._models = frozenset(model.cls for model in project.models.values())
        self._of: dict[Function, frozenset[Change]] = {}
        self._by: dict[s.Stmt, frozenset[Change]] = {}
        self._at_once: dict[s.Stmt, frozenset[Change]] = {}
        self._helped: dict[Function, dict[s.Stmt, list[Change]]] = {}
        self._open: dict[Function, bool] = {}

    def of(self, function: Function) -> frozenset[Change]:
        """What `function`, or what it calls, changes."""
        if function not in self._of:
            self._of[function] = frozenset()
            own = (self.by(function, statement) for statement in _body(function))
            callees = map(self.of, self._project.callees(function))
            self._of[function] = frozenset().union(*own, *callees)
        return self._of[function]

    def by(self, function: Function, statement: s.Stmt) -> frozenset[Change]:
        """What `statement` changes by itself, or by a helper for any model."""
        if statement not in self._by:
            stored = (*self._stored(statement), *self._by_helpers(function).get(statement, ()))
            keys = frozenset(self._keys_set(statement))
            self._by[statement] = keys.union(stored, self.at_once(statement))
        return self._by[statement]

    def at_once(self, statement: s.Stmt) -> frozenset[Change]:
        """What the database changes as soon as `statement` runs, without a flush."""
        if statement not in self._at_once:
            is_compound = blocks.is_compound(statement)
            nodes = () if is_compound else s.walk(statement)
            calls = (node for node in nodes if type(node) is s.Call)
            self._at_once[statement] = frozenset(
                change for call in calls for change in self._run_by(call)
            )
        return self._at_once[statement]

    def updated_at_once(self, statement: s.Stmt) -> frozenset[Class]:
        """The models of which `statement` changes rows so, in whichever columns."""
        nodes = () if blocks.is_compound(statement) else s.walk(statement)
        calls = (node for node in nodes if type(node) is s.Call)
        found = (change for call in calls for change in self._run_by(call, any_column=True))
        return frozenset(cls for change in found for cls in self.models_of(change.table))

    def session_of(self, call: s.Call | None, methods: Iterable[str]) -> str:
        """The session of which `call` calls one of `methods`."""
        func = call.func if call is not None else None
        if not isinstance(func, s.Attribute) or func.attr not in methods:
            return ""
        kind = self._project.session_kind(func.value, self._project.scope_of(func))
        return s.dotted_name(func.value) if kind is not None else ""

    def models_of(self, table: Class | str) -> tuple[Class, ...]:
        """The models of `table`; of one between others, those on both sides."""
        return (table,) if isinstance(table, Class) else self._by_table.get(table, ())

    @cached_property
    def _by_table(self) -> dict[str, tuple[Class, ...]]:
        found: dict[str, dict[Class, None]] = {}
        for model in self._project.models.values():
            found.setdefault(model.tablename, {})[model.cls] = None
            for relationship in model.relationships.values():
                sides = dict.fromkeys(filter(None, (model.cls, relationship.target)))
                for name in secondary_tables(self._project, relationship):
                    found.setdefault(name, {}).update(sides)
        return {name: tuple(models) for name, models in found.items()}

    # --- objects -------------------------------------------------------------------------------

    def _stored(self, statement: s.Stmt) -> Iterator[Change]:
        call = called(statement, awaited=False) or called(statement, awaited=True)
        if call is None or not self.session_of(call, ("add", "add_all", "delete")):
            return
        kind = DELETED if method_name(call) == "delete" else STORED
        for node in stored_or_deleted(statement):
            yield from (Change(kind, cls) for cls in self._held(node))

    def _by_helpers(self, function: Function) -> dict[s.Stmt, list[Change]]:
        """What `get_or_create(db, Item, ...)` stores, a helper for whatever it is given."""
        if function not in self._helped:
            found: dict[s.Stmt, list[Change]] = {}
            for site in self._project.calls(function):
                if site.kind == "call" and any(map(self._stores_any, site.targets)):
                    stored = found.setdefault(self._project.statement_of(site.node), [])
                    stored += (Change(STORED, cls) for cls in self._held(site.node))
            self._helped[function] = found
        return self._helped[function]

    def _stores_any(self, function: Function) -> bool:
        """Whether `function` adds an object of a class that only its callers know."""
        if function not in self._open:
            self._open[function] = any(
                self.session_of(called(statement, awaited=False), ("add",))
                and not any(True for _ in self._stored(statement))
                for statement in _body(function)
            )
        return self._open[function]

    def _held(self, node: s.Expr) -> list[Class]:
        return held(self._project.infer(node, self._project.scope_of(node)), self._models)

    def _keys_set(self, statement: s.Stmt) -> Iterator[Change]:
        """`item.order_id = order.id`, also by `setattr(item, name, value)`."""
        for target in blocks.targets(statement):
            if isinstance(target, s.Attribute):
                yield from self._keys_of(target.value, target.attr)
        call = called(statement, awaited=False)
        if call is not None and s.dotted_name(call.func) == "setattr" and len(call.args) == 3:
            name = call.args[1]
            key = str(name.value) if isinstance(name, s.Constant) else ""
            yield from self._keys_of(call.args[0], key)

    def _keys_of(self, owner: s.Expr, name: str) -> Iterator[Change]:
        """The foreign keys of the objects that `owner` holds: one, or all if it has no name."""
        for cls in self._held(owner):
            for column in self._project.models[cls.qualname].columns.values():
                if column.foreign_key and name in (column.name, ""):
                    yield Change(MOVED, cls, column.name)

    # --- statements ----------------------------------------------------------------------------

    def _run_by(self, call: s.Call, *, any_column: bool = False) -> Iterator[Change]:
        func = call.func
        if not isinstance(func, s.Attribute):
            return
        if func.attr in _EXECUTES and call.args:
            yield from self._executed(call.args[0], any_column=any_column)
        elif func.attr in _BULK and call.args and self.session_of(call, _BULK):
            kind = _BULK[func.attr]
            yield from (Change(kind, cls) for cls in self._named(call.args[0]))
        elif func.attr in ("delete", "update"):
            kind = _STATEMENTS[func.attr]
            owner = self._project.infer(func.value, self._project.scope_of(func))
            entities = [e for item in owner if isinstance(item, QueryOf) for e in item.entities]
            for entity in entities:
                if entity.model is None:
                    continue
                if any_column or self._may_move(kind, entity.model, call):
                    yield Change(kind, entity.model)

    def _executed(self, statement: s.Expr, *, any_column: bool) -> Iterator[Change]:
        """What a statement that is executed changes, which may have a name."""
        scope = self._project.scope_of(statement)
        given = [statement, *self._project.assigned(statement, scope)]
        for node in (node for part in given for node in s.walk(part)):
            if isinstance(node, s.Call):
                yield from self._made_by(node, statement, any_column=any_column)
            elif isinstance(node, s.Constant) and node.kind == "str":
                yield from _in_text(str(node.value))

    def _made_by(self, call: s.Call, whole: s.Expr, *, any_column: bool) -> Iterator[Change]:
        """`insert(Item)` and `table.insert()`."""
        scope = self._project.scope_of(call)
        dotted = {getattr(item, "dotted", "") for item in self._project.infer(call.func, scope)}
        names = {d.rpartition(".")[2] for d in dotted if d.startswith("sqlalchemy")}
        kinds = [_STATEMENTS[name] for name in sorted(names & _STATEMENTS.keys())]
        about = call.args[0] if call.args else None
        if not kinds and isinstance(call.func, s.Attribute) and call.func.attr in _STATEMENTS:
            kinds, about = [_STATEMENTS[call.func.attr]], call.func.value
        if not kinds or about is None:
            return
        for model in self._named(about):
            if any_column or self._may_move(kinds[0], model, whole):
                yield Change(kinds[0], model)
        yield from (Change(kinds[0], table) for table in tables(self._project, about))

    def _named(self, node: s.Expr) -> list[Class]:
        """The models that `node` is, or whose objects or table it holds."""
        if isinstance(node, s.Attribute) and node.attr == "__table__":
            node = node.value
        types = self._project.infer(node, self._project.scope_of(node))
        classes = [cls for item in types if (cls := getattr(item, "cls", None)) in self._models]
        return [cls for cls in classes if cls is not None] or self._held(node)

    def _may_move(self, kind: str, model: Class, statement: s.Expr) -> bool:
        """Whether an UPDATE may set a foreign key: not if it says what it sets, and it is none."""
        if kind != MOVED:
            return True
        set_names = list(_names_set(statement))
        mapped = self._project.models.get(model.qualname)
        columns = mapped.columns if mapped is not None else {}
        return not set_names or any(
            name not in columns or columns[name].foreign_key for name in set_names
        )

    # --- relationships -------------------------------------------------------------------------

    def is_shown(self, change: Change, model: Class, relationship: Relationship) -> bool:
        """Whether `relationship` of `model` objects has to show the change."""
        if relationship.secondary:
            return self._is_shown_by_secondary(change, relationship)
        target = relationship.target
        if target is None:
            return False
        if relationship.uselist is False and self._has_key(model, target):
            return change.kind == MOVED and self._is_about(change, model, target)
        return self._is_about(change, target, model)

    def _is_about(self, change: Change, owner: Class, referred: Class) -> bool:
        """Whether rows of `owner` change, in their key of `referred` if just one is set."""
        model = self._project.models.get(owner.qualname)
        other = self._project.models.get(referred.qualname)
        if model is None or other is None:
            return False
        if isinstance(change.table, str):
            return change.table == model.tablename
        if not self._project.overlap(change.table, owner):
            return False
        column = model.columns.get(change.key)
        return column is None or column.foreign_key.rpartition(".")[0] == other.tablename

    def _is_shown_by_secondary(self, change: Change, relationship: Relationship) -> bool:
        names = set(secondary_tables(self._project, relationship))
        if isinstance(change.table, str):
            return change.table in names
        mapped = self._project.models.get(change.table.qualname)
        target = relationship.target if change.kind == DELETED else None
        if target is not None and self._project.overlap(change.table, target):
            return True
        return mapped is None or mapped.tablename in names

    def _has_key(self, model: Class, target: Class) -> bool:
        """Whether the foreign key is on the side of `model`."""
        own, other = self._project.models[model.qualname], self._project.models.get(target.qualname)
        return other is not None and any(
            column.foreign_key.rpartition(".")[0] == other.tablename
            for column in own.columns.values()
        )


def stored_or_deleted(statement: s.Stmt) -> Iterator[s.Expr]:
    """`x` in `db.delete(x)`, `db.add(Item(...))` and `db.add_all([...])`."""
    call = called(statement, awaited=False) or called(statement, awaited=True)
    if call is not None and method_name(call) in ("add", "add_all", "delete") and call.args:
        yield call.args[0]


def tables(project: Project, node: s.Expr) -> Iterator[str]:
    """The names of the tables that `node` is: a variable, or `Table(...)` itself."""
    scope = project.scope_of(node)
    for value in (node, *project.assigned(node, scope)):
        if isinstance(value, s.Call) and last_name(value.func) == "Table" and value.args:
            name = value.args[0]
            if isinstance(name, s.Constant):
                yield str(name.value)


def secondary_tables(project: Project, relationship: Relationship) -> Iterator[str]:
    """The names of the tables between, where the code says which."""
    for keyword in relationship.node.keywords:
        if keyword.arg not in ("secondary", "link_model"):
            continue
        value = keyword.value
        if isinstance(value, s.Constant):
            yield str(value.value)
        yield from tables(project, value)
        for item in project.infer(value, relationship.scope):
            model = project.models.get(getattr(getattr(item, "cls", None), "qualname", ""))
            if model is not None:
                yield model.tablename


def _body(function: Function) -> Iterator[s.Stmt]:
    node = function.node
    return blocks.statements(node.body if isinstance(node, s.FunctionDef) else ())


def _in_text(sql: str) -> Iterator[Change]:
    for match in _WRITTEN.finditer(sql):
        verb, table = (part for part in match.groups() if part)
        yield Change(_STATEMENTS[verb.lower()], table)


def _names_set(statement: s.Expr) -> Iterator[str]:
    """The columns that `.values(name=...)` or `.update({"name": ...})` sets."""
    for call in (node for node in s.walk(statement) if isinstance(node, s.Call)):
        if last_name(call.func) == "values":
            yield from (keyword.arg or "" for keyword in call.keywords)
        for given in call.args if last_name(call.func) in ("values", "update") else ():
            for key in given.keys if isinstance(given, s.Mapping) else ():
                yield str(key.value) if isinstance(key, s.Constant) else getattr(key, "attr", "")
