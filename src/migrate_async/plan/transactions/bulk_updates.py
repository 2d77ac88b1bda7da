"""UPDATE statements that a session runs for whole classes, and the objects it has of these.

    db.query(User).filter(User.id == 1).update({"seen": func.now()})
    return user.seen

The session gives its objects the values that Python can compute, and expires the attributes that
only the database knows: what was set to a function of SQL, and `onupdate` columns. With
`synchronize_session=False` it does nothing, and the objects are stale until a commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, last_name
from migrate_async.index.types import ClassObject, External, QueryOf
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.read_names import read_names

_EXECUTES = frozenset({"execute", "exec"})
_UPDATE = "update"
_SYNCHRONIZE = "synchronize_session"


@dataclass(frozen=True)
class BulkUpdate:
    """The rows of `model` may get new values; `expired` is an attribute that objects lose by it.

    That one is enough: reading one of those which are expired fetches all.
    """

    model: Class
    expired: str = ""


class BulkUpdates:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._at: dict[s.Stmt, frozenset[BulkUpdate]] = {}
        self._of: dict[Function, frozenset[BulkUpdate]] = {}

    def at(self, statement: s.Stmt) -> frozenset[BulkUpdate]:
        """Those that `statement` runs by itself."""
        if statement not in self._at:
            nodes = () if blocks.is_compound(statement) else s.walk(statement)
            calls = (node for node in nodes if type(node) is s.Call)
            self._at[statement] = frozenset(found for call in calls for found in self._run_by(call))
        return self._at[statement]

    def of(self, function: Function) -> frozenset[BulkUpdate]:
        """Those that `function`, or what it calls, runs."""
        if function not in self._of:
            self._of[function] = frozenset()
            body = function.node.body if isinstance(function.node, s.FunctionDef) else ()
            own = map(self.at, blocks.statements(body))
            self._of[function] = frozenset().union(
                *own, *map(self.of, self._project.callees(function))
            )
        return self._of[function]

    def _run_by(self, call: s.Call) -> Iterator[BulkUpdate]:
        func = call.func
        if not isinstance(func, s.Attribute):
            return
        scope = self._project.scope_of(func)
        if func.attr == _UPDATE:
            owner = self._project.infer(func.value, scope)
            for item in owner:
                for entity in item.entities if isinstance(item, QueryOf) else ():
                    if entity.model is not None and entity.model.qualname in self._project.models:
                        yield self._update(entity.model, call, [call])
        elif func.attr in _EXECUTES and call.args:
            given = [call.args[0], *self._project.assigned(call.args[0], scope)]
            inner = [node for part in given for node in s.walk(part) if isinstance(node, s.Call)]
            for made in inner:
                for model in self._made_by(made):
                    yield self._update(model, call, inner)

    def _made_by(self, call: s.Call) -> Iterator[Class]:
        """`Item` in `update(Item)` of SQLAlchemy."""
        scope = self._project.scope_of(call)
        types = self._project.infer(call.func, scope)
        dotted = {item.dotted for item in types if isinstance(item, External)}
        if call.args and any(d.startswith("sqlalchemy") and _named_update(d) for d in dotted):
            for item in self._project.infer(call.args[0], self._project.scope_of(call.args[0])):
                if isinstance(item, ClassObject) and item.cls.qualname in self._project.models:
                    yield item.cls

    # --- what is expired -----------------------------------------------------------------------

    def _update(self, cls: Class, run: s.Call, calls: list[s.Call]) -> BulkUpdate:
        if not _synchronizes([run, *calls]):
            return BulkUpdate(cls)
        values = dict(_values(calls))
        names = [name for name, value in values.items() if self._is_sql(value)]
        columns = self._project.models[cls.qualname].columns.values()
        names += [c.name for c in columns if c.generated and c.name not in values]
        return BulkUpdate(cls, next((name for name in names if name in self._read), ""))

    @cached_property
    def _read(self) -> frozenset[str]:
        return read_names(self._project)

    def _is_sql(self, value: s.Expr) -> bool:
        """Whether `value` calls something of SQLAlchemy, which no object can compute."""
        return any(
            isinstance(node, s.Call) and any(map(self._is_of_sql, s.walk(node)))
            for node in s.walk(value)
        )

    def _is_of_sql(self, node: s.AnyNode) -> bool:
        if not isinstance(node, s.Name | s.Attribute):
            return False
        for item in self._project.infer(node, self._project.scope_of(node)):
            if isinstance(item, ClassObject) and item.cls.qualname in self._project.models:
                return True
            if isinstance(item, External) and item.dotted.startswith("sqlalchemy"):
                return True
        return False


def _named_update(dotted: str) -> bool:
    return dotted.rpartition(".")[2] == _UPDATE


def _synchronizes(calls: list[s.Call]) -> bool:
    """Whether none of `calls` says `synchronize_session=False`, in any of the ways there are."""
    return not any(
        isinstance(value, s.Constant) and value.kind == "bool" and not value.value
        for call in calls
        for value in _said_of_synchronizing(call)
    )


def _said_of_synchronizing(call: s.Call) -> Iterator[s.Expr]:
    if last_name(call.func) == _UPDATE:
        yield from call.args[1:2]
    yield from (word.value for word in call.keywords if word.arg == _SYNCHRONIZE)
    for given in call.values:
        yield from (value for key, value in _items(given) if key == _SYNCHRONIZE)


def _values(calls: list[s.Call]) -> Iterator[tuple[str, s.Expr]]:
    """The columns that `.values(name=...)` or `.update({"name": ...})` sets, and to what."""
    for call in calls:
        name = last_name(call.func)
        if name == "values":
            yield from ((word.arg, word.value) for word in call.keywords if word.arg)
        named = (word.value for word in call.keywords if word.arg == "values")
        for given in (*call.args[:1], *named) if name in ("values", _UPDATE) else ():
            yield from _items(given)


def _items(given: s.Expr) -> Iterator[tuple[str, s.Expr]]:
    """The items of a dictionary by the names of their keys: `"name"` or `User.name`."""
    if isinstance(given, s.Mapping):
        for key, value in zip(given.keys, given.values, strict=False):
            name = str(key.value) if isinstance(key, s.Constant) else getattr(key, "attr", "")
            if name and value is not None:
                yield name, value
