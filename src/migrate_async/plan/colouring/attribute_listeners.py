"""Listeners of attributes that run SQL: `listen(Order.status, "set", note)`.

SQLAlchemy calls them where the attribute is set, `order.status = "paid"`, and nothing can await
there. In a greenlet they may run SQL: whoever sets such an attribute stays sync, and is bridged.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import cached_property
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.index.types import ClassObject, FunctionObject, Instance, is_open
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.inner_listeners import is_event

_EVENTS = frozenset({"append", "append_wo_mutation", "bulk_replace", "remove", "set"})


class _Watched(NamedTuple):
    model: Class
    listener: Function


class AttributeListeners:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def reason(self, function: Function, coloured: Container[Function]) -> Reason | None:
        """What keeps `function` sync, if it sets an attribute whose listener is `coloured`."""
        if not self._watched:
            return None
        for node, owner, name, scope in self._settings(function):
            for watched in self._watched.get(name, ()) if name else self._all:
                if watched.listener in coloured and self._may_be(owner, scope, watched.model):
                    text = (
                        f"`{s.dotted_name(owner) or 'it'}.{name or '...'}` is set, and "
                        f"{watched.listener.qualname}, which listens to that, runs SQL"
                    )
                    path = function.module.path
                    return Reason("attribute-listener", text, path, node.line)
        return None

    def _settings(self, function: Function) -> Iterator[tuple[s.Expr, s.Expr, str, Scope]]:
        """What `function` sets: where, of which object, and the attribute; empty: any."""
        for kept in function.sets:
            if isinstance(kept.node, s.Attribute):
                yield kept.node, kept.node.value, kept.node.attr, kept.scope
        for call in function.calls:
            args = call.node.args
            if call.name == "setattr" and len(args) > 1:
                name = str(args[1].value) if isinstance(args[1], s.Constant) else ""
                yield call.node, args[0], name, call.scope

    def _may_be(self, owner: s.Expr, scope: Scope, model: Class) -> bool:
        types = self._project.infer(owner, scope)
        classes = [item.cls for item in types if isinstance(item, Instance)]
        return is_open(types) or any(self._project.overlap(model, cls) for cls in classes)

    @cached_property
    def _all(self) -> tuple[_Watched, ...]:
        return tuple(item for found in self._watched.values() for item in found)

    @cached_property
    def _watched(self) -> dict[str, list[_Watched]]:
        """The listeners of attributes, by the attribute's name."""
        found: dict[str, list[_Watched]] = {}
        for registering in self._project.functions:
            for call in registering.calls:
                if call.name not in ("listen", "listens_for") or len(call.node.args) < 2:
                    continue
                if is_event(self._project, call.node, call.scope):
                    for name, watched in self._registered(call.node, call.scope):
                        found.setdefault(name, []).append(watched)
        return found

    def _registered(self, call: s.Call, scope: Scope) -> Iterator[tuple[str, _Watched]]:
        target, event = call.args[:2]
        is_attribute = isinstance(event, s.Constant) and event.value in _EVENTS
        if not is_attribute or not isinstance(target, s.Attribute):
            return
        for model in self._project.infer(target.value, scope):
            if isinstance(model, ClassObject) and model.cls.qualname in self._project.models:
                for listener in self._listening(call, scope):
                    yield target.attr, _Watched(model.cls, listener)

    def _listening(self, call: s.Call, scope: Scope) -> Iterator[Function]:
        """The function that `listen` is given, or that `listens_for` decorates."""
        if len(call.args) > 2:
            found = self._project.infer(call.args[2], scope)
            yield from (item.fn for item in found if isinstance(item, FunctionObject))
            return
        for function in self._project.functions:
            if isinstance(function.node, s.FunctionDef) and call in function.node.decorators:
                yield function
