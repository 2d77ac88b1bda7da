"""Objects that keep a session: `self.db` in a service or repository class.

All functions that use the attribute share its session, so they live in one world: all of them
convert or none does. A service that makes its repositories hands them the session it was given
(`UserService.__init__` calls `UserRepository(session)`), so that it is one world with theirs.
Whoever makes the object decides whose session it is: where that stays sync, so do they. The other
way round a converted function can make the object on the sync side of its session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from migrate_async.index.parameters import is_depends
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, FunctionBinding, Scope
from migrate_async.index.types import Instance, QueryOf
from migrate_async.model import syntax as s


class Holders:
    """The classes of a project that keep a session in an attribute."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def peers(self, function: Function) -> tuple[Function, ...]:
        """The functions that share a session object with `function`."""
        found: list[Function] = []
        for key in self._keys_of.get(function, ()):
            found += [other for other in self._members[key] if other is not function]
        return tuple(dict.fromkeys(found))

    def makers(self, function: Function) -> tuple[Function, ...]:
        """The functions that make the objects whose session `function` uses."""
        keys = self._keys_of.get(function, ())
        return tuple(dict.fromkeys(maker for key in keys for maker in self._makers.get(key, ())))

    def made(self, function: Function) -> tuple[Function, ...]:
        """The functions that use the session of objects that `function` makes."""
        found = (member for key in self._made.get(function, ()) for member in self._members[key])
        return tuple(dict.fromkeys(found))

    def constructors(self, function: Function) -> tuple[Function, ...]:
        """Each `__init__` by which objects get the session that `function` uses."""
        keys = self._keys_of.get(function, ())
        return tuple(init for key in keys for init in self._constructors.get(key, ()))

    def constructed(self, function: Function) -> tuple[Function, ...]:
        """The functions that use the session which objects get by `function`, an `__init__`."""
        if function.name != "__init__" or function.cls not in self._classes:
            return ()
        return self.members(function.cls)

    def uses(self, function: Function) -> bool:
        """Whether `function` uses a session that an object keeps."""
        return function in self._keys_of

    def holds(self, cls: Class) -> bool:
        """Whether objects of `cls` keep a session."""
        return cls in self._classes

    def members(self, cls: Class) -> tuple[Function, ...]:
        """The functions that share the session of objects of `cls`."""
        return tuple(self._members.get(self._classes[cls], ()))

    @cached_property
    def _classes(self) -> dict[Class, Class]:
        """Each class whose objects keep or hand on a session, and the first of its world."""
        worlds = _Worlds(self._keepers)
        for cls in self._project.classes:
            for part in (*self._parts(cls), *self._mixed_into(cls)):
                if part in self._keepers:
                    worlds.join(cls, part)
        return worlds.first()

    @cached_property
    def _keepers(self) -> dict[Class, Class]:
        """Each class with a session in an attribute and the topmost class that binds it."""
        found: dict[Class, Class] = {}
        for cls in self._project.classes:
            if any(self._is_session(cls, attr) for attr in self._attributes_of(cls)):
                for member in (cls, *_descendants(cls)):
                    found.setdefault(member, found.get(cls, cls))
        return found

    def _mixed_into(self, cls: Class) -> Iterator[Class]:
        """The classes that keep the session for `cls`: a mixin that only reads `self.db`."""
        if cls in self._keepers:
            return
        keeping = [sub for sub in _descendants(cls) if sub in self._keepers]
        if keeping and any(map(self._uses_attribute, _methods(cls))):
            yield from keeping

    def _parts(self, cls: Class) -> Iterator[Class]:
        """The classes whose objects the constructor of `cls` makes with its own session."""
        for binding in cls.scope.names.get("__init__", ()):
            if isinstance(binding, FunctionBinding):
                for site in self._project.calls(binding.function):
                    if site.kind == "call" and self._project.passes_session(site):
                        yield from (t.cls for t in site.targets if t.name == "__init__" and t.cls)

    @cached_property
    def _members(self) -> dict[Class, list[Function]]:
        members: dict[Class, list[Function]] = {}
        for function in self._project.functions:
            for key in dict.fromkeys(self._touched(function)):
                members.setdefault(key, []).append(function)
        return members

    @cached_property
    def _keys_of(self) -> dict[Function, list[Class]]:
        keys: dict[Function, list[Class]] = {}
        for key, functions in self._members.items():
            for function in functions:
                keys.setdefault(function, []).append(key)
        return keys

    def _touched(self, function: Function) -> Iterator[Class]:
        cls = function.cls
        if cls in self._classes and function.name != "__init__" and self._uses_attribute(function):
            yield self._classes[cls]
        yield from self._reached(function)

    def _reached(self, function: Function) -> Iterator[Class]:
        """The classes whose sessions `function` takes from their objects: `service.db.commit()`."""
        places = [(call.node.func, call.scope) for call in function.calls]
        places += [(reference.node, reference.scope) for reference in function.references]
        places += _sets(function)
        for outermost, scope in places:
            for node in _dotted(outermost):
                if node.attr in self._attributes:
                    yield from self._owners(node, scope)
        for call in function.calls:
            if isinstance(call.node.func, s.Attribute) and self._gives_query(call.node, call.scope):
                yield from self._owners(call.node.func, call.scope)

    def _owners(self, node: s.Attribute, scope: Scope) -> Iterator[Class]:
        if isinstance(node.value, s.Name) and node.value.id == scope.function.self_name:
            return
        for found in self._project.infer(node.value, scope):
            if isinstance(found, Instance) and found.cls in self._classes:
                yield self._classes[found.cls]

    @cached_property
    def _attributes(self) -> frozenset[str]:
        """The names under which objects keep a session."""
        return frozenset(
            attr
            for cls in self._project.classes
            for attr in self._attributes_of(cls)
            if self._is_session(cls, attr)
        )

    def _attributes_of(self, cls: Class) -> Iterator[str]:
        """What objects of `cls` keep: what is set, by its methods or others, or injected."""
        yield from cls.instance
        yield from (name for name, _ in injected(cls))
        yield from (name for name in _declared(cls) if name in self._set_from_outside)

    @cached_property
    def _set_from_outside(self) -> frozenset[str]:
        """The names of attributes that functions set of objects: `view.db = db`."""
        return frozenset(
            target.attr for function in self._project.functions for target, _ in _sets(function)
        )

    def filled(self, function: Function) -> Iterator[Class]:
        """The classes of objects into which `function`, no method of theirs, puts a session."""
        for target, scope in _sets(function):
            if target.attr in self._attributes:
                yield from self._owners(target, scope)

    @cached_property
    def _makers(self) -> dict[Class, list[Function]]:
        makers: dict[Class, list[Function]] = {}
        for function, keys in self._made.items():
            for key in keys:
                makers.setdefault(key, []).append(function)
        return makers

    @cached_property
    def _made(self) -> dict[Function, tuple[Class, ...]]:
        """The classes that each function constructs; FastAPI constructs dependencies itself."""
        made: dict[Function, tuple[Class, ...]] = {}
        for function in self._project.functions:
            if function.name == "__init__" and function.cls in self._classes:
                continue  # who makes that object decides
            keys = {
                self._classes[target.cls]: None
                for site in self._project.calls(function)
                if site.kind != "dependency"
                for target in site.targets
                if target.name == "__init__" and target.cls in self._classes
            }
            if keys:
                made[function] = tuple(key for key in keys if key in self._members)
        return made

    @cached_property
    def _constructors(self) -> dict[Class, list[Function]]:
        found: dict[Class, list[Function]] = {}
        for function in self._project.functions:
            if function.name == "__init__" and function.cls in self._classes:
                found.setdefault(self._classes[function.cls], []).append(function)
        return found

    def _uses_attribute(self, function: Function) -> bool:
        """Whether `function` uses `self.db`, or what a method of `self` gives: it, or a query."""
        if function.node is None:
            return False
        return any(
            self._project.session_kind(node, function.scope) == "sync"
            for node in function.nodes(s.Attribute)
            if _is_own(node, function)
        ) or any(
            self._gives_query(call.node, call.scope)
            or self._project.session_kind(call.node, call.scope) == "sync"
            for call in function.calls
            if isinstance(call.node.func, s.Attribute) and _is_own(call.node.func, function)
        )

    def _gives_query(self, call: s.Call, scope: Scope) -> bool:
        """Whether `call` of a method gives a legacy query, which has the session of its object."""
        return any(
            isinstance(found, QueryOf) and found.session != "async"
            for found in self._project.infer(call, scope)
        )

    def _is_session(self, cls: Class, attr: str) -> bool:
        types = self._project.attribute_types(cls, attr)
        return self._project.session_kind_of(types) == "sync"


class _Worlds:
    """Classes that belong together, and the first of each lot."""

    def __init__(self, together: Mapping[Class, Class]) -> None:
        self._up: dict[Class, Class] = dict(together)

    def join(self, one: Class, other: Class) -> None:
        first, second = self._top(one), self._top(other)
        if first is not second:
            self._up[first] = second

    def first(self) -> dict[Class, Class]:
        return {cls: self._top(cls) for cls in self._up}

    def _top(self, cls: Class) -> Class:
        up = self._up.setdefault(cls, cls)
        return cls if up is cls else self._top(up)


def _declared(cls: Class) -> Iterator[str]:
    """What the body of `cls` only gives a type: `db: Session`."""
    for statement in cls.node.body:
        if isinstance(statement, s.AnnotatedAssign) and statement.value is None:
            yield s.dotted_name(statement.target)


def injected(cls: Class) -> Iterator[tuple[str, s.Call]]:
    """`db: Session = Depends(get_db)` in the body of a class-based view."""
    for statement in cls.node.body:
        if isinstance(statement, s.AnnotatedAssign) and isinstance(statement.target, s.Name):
            value = statement.value
            if is_depends(value):
                yield statement.target.id, value


def _sets(function: Function) -> Iterator[tuple[s.Attribute, Scope]]:
    """The attributes that `function` sets of other objects than its `self`."""
    for target in function.sets:
        if isinstance(target.node, s.Attribute) and not _is_own(target.node, function):
            yield target.node, target.scope


def _dotted(node: s.Expr) -> Iterator[s.Attribute]:
    """`a.b.c` and `a.b` of `a.b.c`."""
    while type(node) is s.Attribute:
        yield node
        node = node.value


def _is_own(node: s.Attribute, function: Function) -> bool:
    """Whether `node` is `self.x`, or `super().x`."""
    owner = node.value
    if isinstance(owner, s.Call):
        return s.dotted_name(owner.func) == "super"
    return isinstance(owner, s.Name) and owner.id == function.self_name


def _methods(cls: Class) -> Iterator[Function]:
    for bindings in cls.scope.names.values():
        yield from (item.function for item in bindings if isinstance(item, FunctionBinding))


def _descendants(cls: Class) -> Iterator[Class]:
    """What inherits from `cls`; a class may seem to inherit from itself: `class A(A)`."""
    seen = {cls}
    pending = list(reversed(cls.subs))
    while pending:
        sub = pending.pop()
        if sub not in seen:
            seen.add(sub)
            yield sub
            pending += reversed(sub.subs)
