"""Awaitables that are handed on to where nobody can await them.

Annotations tell: what is returned, passed or stored as a `User` is no coroutine of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, ClassBinding, Function, Scope
from migrate_async.index.types import ClassObject, External, ExternalMethod, Instance
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence
from migrate_async.plan.text import text

_OPEN = frozenset(
    {
        *("Any", "AsyncGenerator", "AsyncIterable", "AsyncIterator", "Awaitable", "Callable"),
        *("Coroutine", "Future", "Generator", "Iterator", "Task", "object"),
    }
)
"""Last names of types that an awaitable may have."""
_MAX_TEXT = 40


class Handed(NamedTuple):
    """`what` is done with an awaitable that can only be right for its result."""

    what: str
    confidence: Confidence


class HandedOn:
    """Answers for the expressions of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, node: s.Expr, function: Function) -> Handed | None:
        """What becomes of the awaitable `node`, whose value nothing around it uses at once."""
        around = self._project.parent(node)
        if isinstance(around, s.Return):
            return self._returned(function)
        if isinstance(around, s.Raise) and around.error is node:
            return Handed("is not awaited before it is raised", Confidence.HIGH)
        if isinstance(around, s.AnnotatedAssign) and around.value is node:
            scope = self._project.scope_of(around)
            return self._stored(around.annotation, scope, s.dotted_name(around.target))
        if isinstance(around, s.Assign) and len(around.targets) == 1:
            return self._in_attribute(around.targets[0])
        call = self._project.parent(around) if isinstance(around, s.Keyword) else around
        if isinstance(call, s.Call) and call.func is not node:
            return self._passed(call, node, around)
        return None

    # --- returned ------------------------------------------------------------------------------

    def _returned(self, function: Function) -> Handed | None:
        definition = function.node
        if not isinstance(definition, s.FunctionDef) or function.is_generator:
            return None
        what = f"is returned by `{function.name}()`, whose callers do not await it again"
        if definition.returns is None:
            sure = Confidence.HIGH if function.is_route else Confidence.MEDIUM
            return Handed(what, sure) if function.is_async else None
        if not self._is_closed(definition.returns, function.scope):
            return None
        if function.is_async:
            return Handed(what, Confidence.HIGH)
        return Handed(f"is returned as `{_short(definition.returns)}`", Confidence.MEDIUM)

    # --- stored --------------------------------------------------------------------------------

    def _stored(self, annotation: s.Expr, scope: Scope, name: str) -> Handed | None:
        if not self._is_closed(annotation, scope):
            return None
        what = f"is not awaited before it is kept in `{name or '...'}: {_short(annotation)}`"
        return Handed(what, Confidence.HIGH)

    def _in_attribute(self, target: s.Expr) -> Handed | None:
        """`self.user = load()`, where the class says what `user` is."""
        if not isinstance(target, s.Attribute):
            return None
        owners = self._project.infer(target.value, self._project.scope_of(target))
        for item in owners if len(owners) == 1 else ():
            if isinstance(item, Instance):
                return self._of_field(item, target.attr, s.dotted_name(target))
        return None

    def _of_field(self, item: Instance | ClassObject, field: str, name: str) -> Handed | None:
        for cls in self._project.mro(item.cls):
            for binding in cls.scope.names.get(field, ()):
                if isinstance(binding, AnnotatedBinding):
                    return self._stored(binding.annotation, binding.scope, name)
        return None

    # --- passed --------------------------------------------------------------------------------

    def _passed(
        self, call: s.Call, node: s.Expr, around: s.AnyNode | s.ModuleSyntax
    ) -> Handed | None:
        scope = self._project.scope_of(call)
        callee = f"is not awaited before it is given to `{_short(call.func)}()`"
        types = self._project.infer(call.func, scope)
        if types and all(_is_of_sqlalchemy(item) for item in types):
            return Handed(callee, Confidence.HIGH)
        taken = [
            (fn, param) for fn, param, value in self._project.passes(call, scope) if value is node
        ]
        if taken and all(
            param.annotation is not None and self._is_closed(param.annotation, fn.scope)
            for fn, param in taken
        ):
            return Handed(callee, Confidence.HIGH)
        field = around.arg if isinstance(around, s.Keyword) else None
        made = [item for item in types if isinstance(item, ClassObject)]
        if taken or not field or len(made) != 1 or len(types) != 1:
            return None
        return self._of_field(made[0], field, f"{made[0].cls.name}.{field}")

    # --- annotations ---------------------------------------------------------------------------

    def _is_closed(self, annotation: s.Expr, scope: Scope) -> bool:
        """Whether it names classes only, and none that an awaitable may be of."""
        heads = list(self._heads(annotation))
        return bool(heads) and all(self._is_class(head, scope) for head in heads)

    def _heads(self, node: s.AnyNode) -> Iterator[s.Expr]:
        if isinstance(node, s.Name | s.Attribute):
            yield node
            return
        if isinstance(node, s.Constant):
            if node.kind != "None":
                yield node
            return
        for child in s.children(node):
            yield from self._heads(child)

    def _is_class(self, head: s.Expr, scope: Scope) -> bool:
        name = s.dotted_name(head)
        if isinstance(head, s.Constant):
            name = str(head.value) if head.kind == "str" else ""
        if not name or name.rpartition(".")[2] in _OPEN:
            return False
        if "." in name or not name.isidentifier():
            return name.replace(".", "").isidentifier()
        found = self._project.names.lookup(name, scope)
        return bool(found) and all(isinstance(item, ClassBinding | External) for item in found)


def _is_of_sqlalchemy(item: object) -> bool:
    """A method of a session or result: it takes no coroutine."""
    return isinstance(item, ExternalMethod) and item.owner.startswith("sqlalchemy.")


def _short(node: s.Expr) -> str:
    whole = text(node)
    return whole if len(whole) <= _MAX_TEXT else f"{whole[: _MAX_TEXT - 4]} ..."
