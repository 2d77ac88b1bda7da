"""Properties that run SQL and can do so as coroutines: `await self.group`.

`@property` on an `async def` gives a coroutine where it is read, and so it may become one if every
read is known: each is awaited then, or keeps it sync. A read that nobody sees would get a coroutine
for a value, and not notice. So there is none only if the objects stay among their own methods, as
those of class-based views do, or if nobody reads the name of something unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import cached_property

from migrate_async.index.annotations import is_vague
from migrate_async.index.parameters import is_depends
from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    Class,
    Function,
    FunctionBinding,
    RawCall,
    Scope,
    last_name,
)
from migrate_async.index.types import ClassObject, External
from migrate_async.knowledge.runtime import AWAITABLE_CACHED_PROPERTY
from migrate_async.model import syntax as s

_DECORATORS = frozenset({"property", "cached_property", AWAITABLE_CACHED_PROPERTY})
_PLAIN_BASES = frozenset({"builtins.object", "abc.ABC", "typing.Generic"})
_BY_NAME = frozenset(
    {"attrgetter", "delattr", "getattr", "hasattr", "object", "patch", "setattr", "getattr_static"}
)
"""What gets at an attribute by its name, `patch.object(Service, "group")` of a test, too."""

_TEMPLATES = frozenset({"TemplateResponse", "render", "render_async"})
_WORD = re.compile(r"\w+")


class Home(Enum):
    """Where objects stay: FastAPI has the views, others keep theirs and only use them."""

    VIEWS = auto()
    KEPT = auto()


class AwaitableProperties:
    """Tells for one project which properties may become coroutines; each is looked at once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[Function, bool] = {}

    def __contains__(self, function: Function) -> bool:
        if function.is_async and function.boundary == "property":
            return True  # whoever reads it awaits it already
        known = self._known.get(function)
        if known is None:
            family = self._family(function)
            known = bool(family) and self._all_can(family, function.name)
            self._known.update(dict.fromkeys(self._functions(family, function.name), known))
            self._known[function] = known
        return known

    def _all_can(self, family: tuple[Class, ...], name: str) -> bool:
        if not all(self._is_plain(cls, name) for cls in family):
            return False
        if not any(self._project.callers(fn) for fn in self._functions(family, name)):
            return False  # whoever reads it, nobody sees that
        objects = dict.fromkeys(
            cls for home in family for cls in (home, *self._project.subclasses(home))
        )
        if any(self._project.bases(cls) - _PLAIN_BASES for cls in objects):
            return False
        if self._is_named(name) or self._is_deleted(name):
            return False
        made = self._stay_at_home(tuple(objects))
        if made is Home.VIEWS:
            return True
        return self._is_unmistakable(name) and (made is Home.KEPT or not self._is_shown(name))

    # --- the classes that have the property ----------------------------------------------------

    def _family(self, function: Function) -> tuple[Class, ...]:
        """The classes that define it, or what takes its place in their objects."""
        if function.cls is None or function.boundary != "property":
            return ()
        found: dict[Class, None] = {}
        pending = [function.cls]
        while pending:
            cls = pending.pop()
            if cls in found:
                continue
            found[cls] = None
            below = (cls, *self._project.subclasses(cls))
            related = dict.fromkeys(other for sub in below for other in self._project.mro(sub))
            pending += [other for other in (*below, *related) if _binds(other, function.name)]
        return tuple(found)

    @staticmethod
    def _functions(family: tuple[Class, ...], name: str) -> Iterator[Function]:
        for cls in family:
            for binding in cls.scope.names.get(name, ()):
                if isinstance(binding, FunctionBinding):
                    yield binding.function

    @staticmethod
    def _is_plain(home: Class, name: str) -> bool:
        """Whether `name` is a property in `home`, and nothing but a property."""
        bindings = home.scope.names.get(name, ())
        if len(bindings) != 1 or name in home.instance:
            return False
        (binding,) = bindings
        if not isinstance(binding, FunctionBinding):
            return False
        function = binding.function
        names = function.decorator_names - {"override"}
        return len(names) == 1 and names <= _DECORATORS and not function.is_generator

    # --- objects that no code but their own has ------------------------------------------------

    def _stay_at_home(self, classes: tuple[Class, ...]) -> Home | None:
        """Whether nothing is done with such objects but to use what they have."""
        names = frozenset(cls.name for cls in classes)
        methods = [fn for fn in self._all if fn.cls is not None and fn.cls in classes]
        if any(map(self._gives_itself, methods)):
            return None
        if any(_is_given_one(function, names) for function in self._all):
            return None
        made = [call for function in self._all for call in self._made_in(function, names, classes)]
        if not made:
            return Home.VIEWS if any(method.is_route for method in methods) else None
        return Home.KEPT if all(map(self._is_kept_close, made)) else None

    def _gives_itself(self, method: Function) -> bool:
        own = method.self_name
        for node in method.nodes(s.Name):
            parent = self._project.parent(node)
            if node.id == own and not (isinstance(parent, s.Attribute) or _is_super(parent)):
                return True
        return False

    def _made_in(
        self, function: Function, names: frozenset[str], classes: tuple[Class, ...]
    ) -> Iterator[RawCall]:
        """The calls by which `function` makes one, or has FastAPI make it for another."""
        for call in function.calls:
            values = [call.node.func] if call.name in names else []
            if is_depends(call.node):
                values = [*call.node.args]
            if any(self._is_one_of(value, call.scope, classes) for value in values):
                yield call

    def _is_one_of(self, value: s.Expr, scope: Scope, classes: tuple[Class, ...]) -> bool:
        types = self._project.infer(value, scope)
        return any(isinstance(item, ClassObject) and item.cls in classes for item in types)

    def _is_kept_close(self, call: RawCall) -> bool:
        """Whether the object goes into an attribute, or a variable, of which only its are read."""
        parent = self._project.parent(call.node)
        if isinstance(parent, s.Attribute):
            return True
        if not isinstance(parent, s.Assign) or len(parent.targets) != 1:
            return False
        (target,) = parent.targets
        if isinstance(target, s.Attribute):
            return target.attr not in self._given_away
        function = call.scope.function
        if not isinstance(target, s.Name) or function.is_module or call.scope.parent is None:
            return False
        return target.id in call.scope.names and all(
            node is target or isinstance(self._project.parent(node), s.Attribute)
            for node in function.nodes(s.Name)
            if node.id == target.id
        )

    @cached_property
    def _given_away(self) -> frozenset[str]:
        """The attributes whose values something else is done with than to use what they have."""
        return frozenset(
            reference.node.attr
            for function in self._all
            for reference in function.references
            if isinstance(reference.node, s.Attribute)
            and not isinstance(self._project.parent(reference.node), s.Attribute)
            and not self._is_set(reference.node)
        )

    def _is_set(self, node: s.Expr) -> bool:
        parent = self._project.parent(node)
        return isinstance(parent, s.Assign) and any(node is target for target in parent.targets)

    # --- names that mean nothing else ----------------------------------------------------------

    def _is_unmistakable(self, name: str) -> bool:
        """Whether all that reads an attribute of the name is known to read it of what it is."""
        return name not in self._words and all(
            self._is_known(node, scope)
            for function in self._all
            for node, scope in _attributes(function, name)
        )

    def _is_known(self, node: s.Attribute, scope: Scope) -> bool:
        types = self._project.infer(node.value, scope)
        return bool(types) and not any(map(is_vague, types))

    def _is_shown(self, name: str) -> bool:
        """Whether a template or a schema may read it of an object that it is given."""
        return self._renders_templates or name in self._fields

    @cached_property
    def _renders_templates(self) -> bool:
        """Templates read what they are given by names that stand in other files."""
        return any(call.name in _TEMPLATES for function in self._all for call in function.calls)

    @cached_property
    def _words(self) -> frozenset[str]:
        """All words of all texts, `getattr(orders, "group")` and `"{{ orders.group }}"`."""
        return frozenset(
            word
            for module in self._project.modules.values()
            for statement in module.syntax.body
            for node in s.walk(statement)
            if isinstance(node, s.Constant) and node.kind == "str"
            for word in _WORD.findall(str(node.value))
        )

    @cached_property
    def _fields(self) -> frozenset[str]:
        """What classes say that their objects have: a schema reads it of any object."""
        return frozenset(
            statement.target.id
            for cls in self._project.classes
            for statement in cls.node.body
            if isinstance(statement, s.AnnotatedAssign) and isinstance(statement.target, s.Name)
        )

    # --- other ways to an attribute ------------------------------------------------------------

    def _is_named(self, name: str) -> bool:
        return name in self._asked_by_name

    @cached_property
    def _asked_by_name(self) -> frozenset[str]:
        """The names in `getattr(view, "group")`, and in `patch("app.views.View.group")`."""
        found: set[str] = set()
        for function in self._all:
            for call in function.calls:
                if call.name in _BY_NAME:
                    texts = (v.value for v in call.node.values if isinstance(v, s.Constant))
                    found.update(str(text).rpartition(".")[2] for text in texts)
        return frozenset(found)

    def _is_deleted(self, name: str) -> bool:
        return name in self._deleted

    @cached_property
    def _deleted(self) -> frozenset[str]:
        """Attributes in `del self.group`, with which a cached property begins anew."""
        return frozenset(
            target.attr
            for function in self._all
            for statement in function.nodes(s.Delete)
            for target in statement.targets
            if isinstance(target, s.Attribute)
        )

    @property
    def _all(self) -> list[Function]:
        return self._project.functions


def is_cached(project: Project, decorator: s.Expr) -> bool:
    """Whether `decorator` is `cached_property` of `functools`."""
    if last_name(decorator) != "cached_property":
        return False
    types = project.infer(decorator, project.scope_of(decorator))
    return any(
        isinstance(item, External) and item.dotted == "functools.cached_property" for item in types
    )


def _binds(cls: Class, name: str) -> bool:
    return name in cls.scope.names or name in cls.instance


def _is_given_one(function: Function, names: frozenset[str]) -> bool:
    """Whether a parameter is said to be of one of the classes."""
    annotations = (param.annotation for param in function.params)
    return any(
        annotation is not None and not names.isdisjoint(_names_in(annotation))
        for annotation in annotations
    )


def _is_super(node: object) -> bool:
    return isinstance(node, s.Call) and s.dotted_name(node.func) == "super"


def _names_in(annotation: s.Expr) -> Iterator[str]:
    for node in s.walk(annotation):
        if isinstance(node, s.Name | s.Attribute):
            yield last_name(node)
        elif isinstance(node, s.Constant):
            yield str(node.value).rpartition(".")[2]


def _attributes(function: Function, name: str) -> Iterator[tuple[s.Attribute, Scope]]:
    """The attributes of that name that `function` reads, or calls."""
    places = [(reference.node, reference.scope) for reference in function.references]
    places += [(call.node.func, call.scope) for call in function.calls]
    for node, scope in places:
        if isinstance(node, s.Attribute) and node.attr == name:
            yield node, scope
