"""The project's symbols: modules, scopes, bindings, classes and functions.

These are filled by one walk per module (`walk.py`) and linked afterwards. They compare by
identity and are mutable while the project is built; afterwards nothing changes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar, overload

import msgspec

from migrate_async.index.types import Types
from migrate_async.knowledge.runtime import LAZY_RESPONSE
from migrate_async.knowledge.shim import IMPLICIT_IO
from migrate_async.model import syntax as s

Kind = TypeVar("Kind", bound=s.AnyNode)
Other = TypeVar("Other", bound=s.AnyNode)


class ModuleInput(msgspec.Struct, frozen=True):
    """A module to index: path (relative, forward slashes), dotted name, and its syntax."""

    path: str
    name: str
    is_package: bool
    syntax: s.ModuleSyntax


def _no_origins(_name: str, _module: Module) -> tuple[tuple[str, str], ...]:
    return ()


class Module:
    """A project module. `body` is the function that stands for its top level.

    `attributes` are the names of all attributes that its code reads, sets or deletes: to look for
    one of these takes a walk through few modules. `is_test` says whether it is of a test suite.
    """

    __slots__ = (
        "_imported_as",
        "_origins",
        "attributes",
        "body",
        "is_package",
        "is_test",
        "name",
        "path",
        "scope",
        "stars",
        "syntax",
    )

    def __init__(self, source: ModuleInput) -> None:
        self.name = source.name
        self.path = source.path
        self.is_package = source.is_package
        self.is_test = False
        self.syntax = source.syntax
        self.stars: list[str] = []
        self.attributes: set[str] = set()
        self.body = Function(f"{source.name}.<module>", self)
        self.scope = Scope("module", None, self.body)
        self.body.scope = self.scope
        self._imported_as: dict[tuple[str, str], str] | None = None
        self._origins: Origins = _no_origins

    @property
    def imported_as(self) -> dict[tuple[str, str], str]:
        """What `from module import name` binds at the top level, by module and name.

        A name that comes by way of another module has an entry for each of them, once the project
        is linked. Of several names for one thing the first. Complete once the module was walked.
        """
        if self._imported_as is None:
            self._imported_as = {}
            imports = [*self._from_imports()]
            for local, binding in imports:
                self._imported_as.setdefault((binding.module, binding.name), local)
            for local, _ in imports:
                for place in self.origins(local):
                    self._imported_as.setdefault(place, local)
        return self._imported_as

    def _from_imports(self) -> Iterator[tuple[str, FromBinding]]:
        for local, bindings in self.scope.names.items():
            for binding in bindings:
                if isinstance(binding, FromBinding):
                    yield local, binding

    def origins(self, name: str) -> tuple[tuple[str, str], ...]:
        """The project's modules that `name`, imported here, comes by, `import *` included."""
        return self._origins(name, self)

    def link(self, origins: Origins) -> None:
        """From now on `origins` says what imported names are in other modules."""
        self._origins = origins
        self._imported_as = None

    def __repr__(self) -> str:
        return f"<Module {self.name}>"


class Scope:
    """Names of a module, class, function or comprehension.

    `function` is the function whose code runs here: for a class body the one around it.
    """

    __slots__ = ("cls", "function", "globals", "kind", "names", "parent")

    def __init__(
        self, kind: str, parent: Scope | None, function: Function, cls: Class | None = None
    ) -> None:
        self.kind = kind
        self.parent = parent
        self.function = function
        self.cls = cls
        self.names: dict[str, list[Binding]] = {}
        self.globals: dict[str, Scope] = {}

    @property
    def module(self) -> Module:
        return self.function.module

    def bind(self, name: str, binding: Binding) -> None:
        scope = self.globals.get(name, self)
        scope.names.setdefault(name, []).append(binding)

    def __repr__(self) -> str:
        return f"<Scope {self.kind} of {self.function.qualname}>"


class Class:
    """A project class. `instance` holds the bindings of `self.x = ...` in its methods."""

    __slots__ = (
        *("extra_bases", "instance", "name", "node", "order", "protocols", "qualname", "scope"),
        "subs",
    )

    def __init__(self, node: s.ClassDef, qualname: str, order: int) -> None:
        self.name = node.name
        self.qualname = qualname
        self.node = node
        self.order = order
        self.scope: Scope
        self.instance: dict[str, list[Binding]] = {}
        self.subs: list[Class] = []
        self.extra_bases: list[str] = []
        self.protocols: list[Class] = []
        """Those that the class does not name, and fulfils."""

    @property
    def module(self) -> Module:
        return self.scope.function.module

    @property
    def outer(self) -> Scope:
        """The scope that the class statement is in."""
        assert self.scope.parent is not None  # noqa: S101  a class scope always has one
        return self.scope.parent

    def __repr__(self) -> str:
        return f"<Class {self.qualname}>"


class RawCall(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A call as written, before it is resolved; `name` is the last of the callee's."""

    node: s.Call
    scope: Scope
    context: tuple[str, ...]
    awaited: bool
    name: str


class Reference(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A name or attribute that is read but not called; `usage` as in `ValueUse.kind`."""

    node: s.Expr
    scope: Scope
    usage: str
    context: tuple[str, ...]


class Implicit(msgspec.Struct, frozen=True, eq=False, gc=False):
    """An expression that syntax calls a special method on: `for`, `with`, `[...]`, `*x`."""

    node: s.Expr
    scope: Scope
    method: str
    context: tuple[str, ...]
    is_async: bool


class Function:
    """A function, method, lambda, or the top level of a module (`<module>`).

    `decorators` are dotted names, canonical for external ones; `boundary` is the reason why the
    function cannot become `async def` (None: it can), `soft` what needs care when it does. `sets`
    are the attributes that it assigns. `is_test` says whether pytest runs it as a test.
    """

    __slots__ = (
        "_attributes",
        "_nodes",
        "_text",
        "boundary",
        "calls",
        "cls",
        "decorator_names",
        "decorators",
        "implicit",
        "is_async",
        "is_generator",
        "is_route",
        "is_test",
        "module",
        "name",
        "node",
        "parent",
        "qualname",
        "references",
        "returns",
        "scope",
        "sets",
        "soft",
        "yields",
    )

    def __init__(
        self,
        qualname: str,
        module: Module,
        node: s.FunctionDef | s.Lambda | None = None,
        cls: Class | None = None,
        parent: Function | None = None,
    ) -> None:
        self.name = _name(node)
        self.qualname = qualname
        self.module = module
        self.node = node
        self.cls = cls
        self.parent = parent
        self.scope: Scope
        self.is_async = isinstance(node, s.FunctionDef) and node.is_async
        self.is_generator = False
        self.is_route = False
        self.is_test = False
        self.decorators: tuple[str, ...] = ()
        self.decorator_names = _decorator_names(node)
        self.boundary: str | None = None
        self.soft: tuple[str, ...] = ()
        self.calls: list[RawCall] = []
        self.references: list[Reference] = []
        self.sets: list[Reference] = []
        self.implicit: list[Implicit] = []
        self.returns: list[s.Expr] = []
        self.yields: list[s.Yield] = []
        self._text: tuple[s.AnyNode, ...] | None = None
        self._nodes: dict[tuple[type, ...], tuple[s.AnyNode, ...]] = {}
        self._attributes: tuple[s.Attribute, ...] | None = None

    @property
    def params(self) -> tuple[s.Parameter, ...]:
        return () if self.node is None else self.node.params

    @property
    def line(self) -> int:
        """Where it is defined; 0 for the top level of a module."""
        return 0 if self.node is None else self.node.line

    @property
    def position(self) -> tuple[str, int, int]:
        """File, line and column: functions in the order of the source."""
        return (self.module.path, self.line, 0 if self.node is None else self.node.col)

    @property
    def around(self) -> Iterator[Function]:
        """The functions that this one stands in, innermost first."""
        current = self.parent
        while current is not None:
            yield current
            current = current.parent

    @property
    def text(self) -> tuple[s.AnyNode, ...]:
        """`s.walk(self.node)`, kept because many look through it; nothing of a module."""
        if self._text is None:
            self._text = () if self.node is None else tuple(s.walk(self.node))
        return self._text

    @overload
    def nodes(self, kind: type[Kind], /) -> Sequence[Kind]: ...
    @overload
    def nodes(self, kind: type[Kind], other: type[Other], /) -> Sequence[Kind | Other]: ...
    def nodes(self, *kinds: type[object]) -> Sequence[s.AnyNode]:
        """Those in `text` that are of one of the `kinds`, in its order; found once."""
        found = self._nodes.get(kinds)
        if found is None:
            found = self._nodes[kinds] = tuple([n for n in self.text if type(n) in kinds])
        return found

    @property
    def own_attributes(self) -> tuple[s.Attribute, ...]:
        """The attributes in its body, but for those in the bodies of functions and classes there.

        Found once.
        """
        if self._attributes is None:
            own = (node for part in _own_statements(self.node) for node in s.own_code(part))
            self._attributes = tuple([node for node in own if type(node) is s.Attribute])
        return self._attributes

    @property
    def given(self) -> list[s.Expr | None]:
        """What it returns and what it yields, None for a `yield` of nothing."""
        return [*self.returns, *(part.value for part in self.yields)]

    @property
    def is_module(self) -> bool:
        return self.node is None

    @property
    def awaits_implicitly(self) -> bool:
        """Whether the runtime runs this coroutine where the calls of sync sessions await."""
        return self.is_async and IMPLICIT_IO in self.decorator_names

    @property
    def responds_lazily(self) -> bool:
        """Whether the runtime makes the response of this route where lazy loads await."""
        return LAZY_RESPONSE in self.decorator_names

    def gets_sync_side(self, name: str) -> bool:
        """Whether the runtime passes sync sides to the parameter `name` of this test or fixture."""
        if IMPLICIT_IO not in self.decorator_names or not isinstance(self.node, s.FunctionDef):
            return False
        if not self.is_async:
            return True
        return any(
            isinstance(part, s.Constant) and part.value == name
            for decorator in self.node.decorators
            if isinstance(decorator, s.Call) and last_name(decorator) == IMPLICIT_IO
            for keyword in decorator.keywords
            for part in s.walk(keyword.value)
        )

    @property
    def is_lambda(self) -> bool:
        return type(self.node) is s.Lambda

    @property
    def is_static(self) -> bool:
        return "staticmethod" in self.decorator_names or self._has_no_self

    @property
    def _has_no_self(self) -> bool:
        """Whether this is a function of a class that serves as a name space: `Repo.get(db, 1)`.

        Nobody writes `staticmethod` there. What tells is a first parameter with a session's name,
        or with an annotation, which `self` has no use for.
        """
        if self.decorator_names - {IMPLICIT_IO} or not self.params or self.name.startswith("__"):
            return False
        first = self.params[0]
        if first.name in _SELF_NAMES or not first.kind.startswith("positional"):
            return False
        return first.annotation is not None or first.name in _SESSION_NAMES

    @property
    def is_classmethod(self) -> bool:
        return not self.decorator_names.isdisjoint(_CLASS_METHODS) or self.name in _IMPLICIT_CLASSES

    @property
    def self_name(self) -> str:
        """The name of the first parameter of a method that is not static, else empty."""
        if self.cls is None or self.is_static or not self.params:
            return ""
        first = self.params[0]
        return first.name if first.kind.startswith("positional") else ""

    def __repr__(self) -> str:
        return f"<Function {self.qualname}>"


_SELF_NAMES = frozenset({"self", "cls", "_self", "_cls", "this", "mcs", "mcls", "metacls"})
_SESSION_NAMES = frozenset({"db", "session", "db_session"})
_CLASS_METHODS = frozenset({"classmethod", "validator", "root_validator", "declared_attr"})
_IMPLICIT_CLASSES = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


_NO_NAMES: frozenset[str] = frozenset()


def _name(node: s.FunctionDef | s.Lambda | None) -> str:
    if isinstance(node, s.FunctionDef):
        return node.name
    return "<module>" if node is None else "<lambda>"


def _own_statements(node: s.FunctionDef | s.Lambda | None) -> Iterator[s.AnyNode]:
    """What stands in the body of `node`, without definitions."""
    if isinstance(node, s.Lambda):
        yield node.body
    for statement in node.body if isinstance(node, s.FunctionDef) else ():
        if not isinstance(statement, s.FunctionDef | s.ClassDef):
            yield statement


def _decorator_names(node: s.FunctionDef | s.Lambda | None) -> frozenset[str]:
    """Last components of the decorators' names."""
    if not isinstance(node, s.FunctionDef) or not node.decorators:
        return _NO_NAMES
    return frozenset(last_name(decorator) for decorator in node.decorators)


def last_name(expr: s.Expr) -> str:
    """`c` of `a.b.c`, of `a.b.c(...)` and of `f(...).c`; empty for other expressions."""
    while type(expr) is s.Call:
        expr = expr.func
    if type(expr) is s.Attribute:
        return expr.attr
    return expr.id if type(expr) is s.Name else ""


def bindings_of(name: str, scope: Scope) -> list[Binding]:
    """The bindings of a local name; none for names from outside of the function."""
    current: Scope | None = scope
    while current is not None and current.function is scope.function:
        if name in current.names:
            return current.names[name] if current.kind != "module" else []
        current = current.parent
    return []


# --- bindings ----------------------------------------------------------------------------------


class _Binding(msgspec.Struct, frozen=True, eq=False, gc=False):
    """How a name gets its value; `scope` is where the expressions of the binding are read."""

    scope: Scope


class FunctionBinding(_Binding, frozen=True, eq=False, gc=False):
    function: Function


class ClassBinding(_Binding, frozen=True, eq=False, gc=False):
    cls: Class


class ImportBinding(_Binding, frozen=True, eq=False, gc=False):
    """`import a.b as x` (`a.b`) or `import a.b` (`a`)."""

    dotted: str


class FromBinding(_Binding, frozen=True, eq=False, gc=False):
    """`from module import name`, relative modules made absolute."""

    module: str
    name: str


class ValueBinding(_Binding, frozen=True, eq=False, gc=False):
    value: s.Expr


class AnnotatedBinding(_Binding, frozen=True, eq=False, gc=False):
    annotation: s.Expr
    value: s.Expr | None


class IterationBinding(_Binding, frozen=True, eq=False, gc=False):
    """`for name in value`."""

    value: s.Expr


class WithBinding(_Binding, frozen=True, eq=False, gc=False):
    """`with value as name`."""

    value: s.Expr


class ElementBinding(_Binding, frozen=True, eq=False, gc=False):
    """The `index`-th name of `a, b = source`; `starred` for `*b`."""

    source: Binding
    index: int
    starred: bool


class AttributeBinding(_Binding, frozen=True, eq=False, gc=False):
    """What `attribute` of an object of `cls` is, as `case User(team=name)` binds it."""

    cls: s.Expr
    attribute: str


class ParameterBinding(_Binding, frozen=True, eq=False, gc=False):
    function: Function
    parameter: s.Parameter
    position: int


class FixedBinding(_Binding, frozen=True, eq=False, gc=False):
    """A name whose types are known beforehand: a backref, an exception, a pattern's name."""

    types: Types


Binding: TypeAlias = (
    "FunctionBinding | ClassBinding | ImportBinding | FromBinding | ValueBinding | "
    "AnnotatedBinding | IterationBinding | WithBinding | ElementBinding | AttributeBinding | "
    "ParameterBinding | FixedBinding"
)

Origins: TypeAlias = "Callable[[str, Module], tuple[tuple[str, str], ...]]"
"""Of a name in a module, the modules that it comes by, with what it is called there."""
