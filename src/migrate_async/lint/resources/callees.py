"""What functions do with a resource that they are given as an argument."""

from __future__ import annotations

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.knowledge import resources
from migrate_async.lint.resources.fate import Handover
from migrate_async.model import syntax as s

_CLOSERS = resources.SESSION_CLOSERS | resources.CONNECTION_CLOSERS | resources.ENGINE_CLOSERS
_MAX_DEPTH = 4


class Callees:
    """Summaries of project functions, and a table for the libraries."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[tuple[Function, str], Handover] = {}
        self._closing: dict[Class, bool] = {}

    def takes(self, call: s.Call, value: s.Expr, scope: Scope, depth: int = 0) -> Handover:
        """What `call` does with its argument `value`: CLOSE, KEEP, USE or UNKNOWN."""
        found = [
            self.parameter(fn, param.name, depth)
            for fn, param, given in self._project.passes(call, scope)
            if given is value or _inside(value, given)
        ]
        if found:
            return max(found, key=_GRAVITY.index)
        if any(_keeps(keyword, value) for keyword in call.keywords):
            return Handover.KEEP
        return self._of_library(call, scope)

    def parameter(self, fn: Function, name: str, depth: int = 0) -> Handover:
        """What `fn` does with its parameter `name`: CLOSE, KEEP, USE or UNKNOWN."""
        key = (fn, name)
        if key not in self._known:
            self._known[key] = Handover.USE  # for recursive functions
            self._known[key] = self._summary(fn, name, depth)
        return self._known[key]

    def _summary(self, fn: Function, name: str, depth: int) -> Handover:
        """The gravest thing that happens to the parameter anywhere in the function."""
        if not isinstance(fn.node, s.FunctionDef) or depth > _MAX_DEPTH:
            return Handover.USE
        found = Handover.USE
        for statement in fn.node.body:
            for node in s.walk(statement):
                if isinstance(node, s.Name) and node.id == name:
                    found = max(found, self._use(node, fn, depth), key=_GRAVITY.index)
        return found

    def _use(self, node: s.Name, fn: Function, depth: int) -> Handover:
        around = self._project.parent(node)
        if isinstance(around, s.Keyword):
            around = self._project.parent(around)
        if isinstance(around, s.Attribute):
            return Handover.CLOSE if around.attr in _CLOSERS else Handover.USE
        if isinstance(around, s.WithItem):
            return Handover.CLOSE
        if isinstance(around, s.Call) and around.func is not node:
            return self._given_on(around, node, depth)
        if isinstance(around, s.Assign) and around.value is node:
            return self._assigned(around, fn)
        return Handover.USE

    def _given_on(self, call: s.Call, node: s.Name, depth: int) -> Handover:
        name = call.func.attr if isinstance(call.func, s.Attribute) else s.dotted_name(call.func)
        if name.rpartition(".")[2] in resources.KEEPERS:
            return Handover.CLOSE
        taken = self.takes(call, node, self._project.scope_of(call), depth + 1)
        return Handover.USE if taken is Handover.UNKNOWN else taken

    def _assigned(self, node: s.Assign, fn: Function) -> Handover:
        """Kept in `self`: the object closes it, if one of its methods does."""
        if all(isinstance(target, s.Name) for target in node.targets):
            return Handover.USE
        if fn.cls is None or not fn.name.startswith("__"):
            return Handover.KEEP
        return Handover.KEEP if self._closes_attribute(fn.cls) else Handover.USE

    def _closes_attribute(self, cls: Class) -> bool:
        if cls not in self._closing:
            self._closing[cls] = any(
                isinstance(node, s.Attribute)
                and node.attr in _CLOSERS
                and isinstance(node.value, s.Attribute)
                for owner in self._project.mro(cls)
                for node in s.walk(owner.node)
            )
        return self._closing[cls]

    def _of_library(self, call: s.Call, scope: Scope) -> Handover:
        types = self._project.infer(call.func, scope)
        names = [name for item in types if (name := _library_name(item))]
        if names and all(name.startswith(resources.BORROWERS) for name in names):
            return Handover.USE
        return Handover.UNKNOWN


_GRAVITY = (Handover.USE, Handover.UNKNOWN, Handover.KEEP, Handover.CLOSE)


def _library_name(item: t.Type) -> str:
    if isinstance(item, t.External | t.ExternalInstance):
        return item.dotted
    if isinstance(item, t.ExternalMethod):
        return item.owner
    return "sqlalchemy.Query" if isinstance(item, t.Method) else ""


def _keeps(keyword: s.Keyword, value: s.Expr) -> bool:
    return keyword.arg in resources.KEEPING_ARGUMENTS and (
        keyword.value is value or _inside(value, keyword.value)
    )


def _inside(value: s.Expr, given: s.Expr) -> bool:
    """Whether `given` is `value` with an `await`, `or` or `if` around it."""
    return isinstance(given, s.Await | s.Operation | s.Conditional) and any(
        node is value for node in s.walk(given)
    )
