"""A module's syntax as frozen values: what `ast` says, without its nodes.

The values cross process boundaries, are cached on disk and dumped as JSON (`msgspec`), which
`ast` nodes cannot. Each node carries its span: lines count from 1, columns from 0 in *characters*
(as LibCST's `PositionProvider` counts; `ast` counts UTF-8 bytes). A span leaves out the
parentheses around an expression. Nodes compare by identity, so they can be keys.

No kind of node has subclasses, so `type(node) is s.Name` says what `isinstance(node, s.Name)` does.
Where millions of nodes are asked, the former is used: where the answer is no, the latter takes ten
times as long, because the classes have a metaclass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, Union

import msgspec

Span: TypeAlias = tuple[int, int, int, int]
"""`(line, column, end line, end column)`."""


class Node(msgspec.Struct, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """A piece of syntax at a place."""

    line: int
    col: int
    end_line: int
    end_col: int

    @property
    def span(self) -> Span:
        return (self.line, self.col, self.end_line, self.end_col)


# --- expressions -------------------------------------------------------------------------------


class Name(Node, frozen=True):
    id: str


class Attribute(Node, frozen=True):
    value: Expr
    attr: str


class Keyword(Node, frozen=True):
    """`arg=value`; `arg` is None for `**value`."""

    arg: str | None
    value: Expr


class Call(Node, frozen=True):
    func: Expr
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]

    @property
    def values(self) -> tuple[Expr, ...]:
        """What it passes, keyword arguments last."""
        return (*self.args, *[keyword.value for keyword in self.keywords])


class Constant(Node, frozen=True):
    """`kind` is `str`, `bytes`, `int`, `float`, `complex`, `bool`, `None` or `ellipsis`.

    `value` holds strings, ints and bools; for the other kinds it holds their `repr`.
    """

    kind: str
    value: str | int


class Subscript(Node, frozen=True):
    value: Expr
    index: Expr


class Slice(Node, frozen=True):
    lower: Expr | None
    upper: Expr | None
    step: Expr | None


class Await(Node, frozen=True):
    value: Expr


class Sequence(Node, frozen=True):
    """A tuple, list or set display; `kind` says which."""

    kind: str
    items: tuple[Expr, ...]


class Mapping(Node, frozen=True):
    """A dict display; a `None` key stands for `**value`."""

    keys: tuple[Expr | None, ...]
    values: tuple[Expr, ...]


class Operation(Node, frozen=True):
    """Any operator; `operator` reads as in source: `+`, `not`, `and`, `==`, `f-string`, ..."""

    operator: str
    operands: tuple[Expr, ...]


class Conditional(Node, frozen=True):
    test: Expr
    body: Expr
    orelse: Expr


class Parameter(Node, frozen=True):
    """`kind`: `positional-only`, `positional`, `keyword-only`, `*` or `**`."""

    name: str
    kind: str
    annotation: Expr | None
    default: Expr | None


class Lambda(Node, frozen=True):
    params: tuple[Parameter, ...]
    body: Expr


class Generator(msgspec.Struct, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """One `for target in iter if ...` of a comprehension."""

    target: Expr
    iter: Expr
    conditions: tuple[Expr, ...]
    is_async: bool


class Comprehension(Node, frozen=True):
    """`kind`: `list`, `set`, `dict` or `generator`; a dict has two elements (key, value)."""

    kind: str
    elements: tuple[Expr, ...]
    generators: tuple[Generator, ...]


class Starred(Node, frozen=True):
    value: Expr


class Yield(Node, frozen=True):
    """`yield value` or, with `is_from`, `yield from value`."""

    value: Expr | None
    is_from: bool


class NamedExpression(Node, frozen=True):
    target: Name
    value: Expr


Expr: TypeAlias = Union[
    Name,
    Attribute,
    Call,
    Constant,
    Subscript,
    Slice,
    Await,
    Sequence,
    Mapping,
    Operation,
    Conditional,
    Lambda,
    Comprehension,
    Starred,
    Yield,
    NamedExpression,
]


# --- statements --------------------------------------------------------------------------------


class Assign(Node, frozen=True):
    targets: tuple[Expr, ...]
    value: Expr


class AnnotatedAssign(Node, frozen=True):
    target: Expr
    annotation: Expr
    value: Expr | None


class AugmentedAssign(Node, frozen=True):
    target: Expr
    operator: str
    value: Expr


class ExpressionStatement(Node, frozen=True):
    value: Expr


class Return(Node, frozen=True):
    value: Expr | None


class Raise(Node, frozen=True):
    error: Expr | None
    cause: Expr | None


class Delete(Node, frozen=True):
    targets: tuple[Expr, ...]


class If(Node, frozen=True):
    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


class For(Node, frozen=True):
    is_async: bool
    target: Expr
    iter: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


class While(Node, frozen=True):
    test: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


class WithItem(msgspec.Struct, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    context: Expr
    target: Expr | None


class With(Node, frozen=True):
    is_async: bool
    items: tuple[WithItem, ...]
    body: tuple[Stmt, ...]


class Handler(Node, frozen=True):
    """`except error as name:`."""

    error: Expr | None
    name: str | None
    body: tuple[Stmt, ...]


class Try(Node, frozen=True):
    is_star: bool
    body: tuple[Stmt, ...]
    handlers: tuple[Handler, ...]
    orelse: tuple[Stmt, ...]
    finalbody: tuple[Stmt, ...]


class ClassPattern(Node, frozen=True):
    """`User(team=Team(name=n)) as user` in a `case`: an object of `cls`, which it binds to `name`.

    It reads `attributes`, which it binds to the names of `bound`, if any; one without a name is
    what the class says in `__match_args__`. `path` leads there from the object of the `outer`
    pattern, by its number among those of the case.
    """

    cls: Expr
    name: str
    attributes: tuple[str, ...]
    bound: tuple[str, ...]
    outer: int
    path: tuple[str, ...]


class Case(msgspec.Struct, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    """`case pattern if guard:`; `names` are what the pattern binds, `values` what it evaluates.

    `whole` is what it binds the subject itself to.
    """

    names: tuple[str, ...]
    values: tuple[Expr, ...]
    guard: Expr | None
    body: tuple[Stmt, ...]
    classes: tuple[ClassPattern, ...] = ()
    whole: str = ""


class Match(Node, frozen=True):
    subject: Expr
    cases: tuple[Case, ...]


class FunctionDef(Node, frozen=True):
    """The span starts at `def` or `async def`, after the decorators."""

    name: str
    is_async: bool
    params: tuple[Parameter, ...]
    returns: Expr | None
    decorators: tuple[Expr, ...]
    body: tuple[Stmt, ...]


class ClassDef(Node, frozen=True):
    """The span starts at `class`, after the decorators. `type_params` are PEP 695 names."""

    name: str
    bases: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]
    decorators: tuple[Expr, ...]
    body: tuple[Stmt, ...]
    type_params: tuple[str, ...]


class ImportedName(msgspec.Struct, frozen=True, eq=False, gc=False, tag=True, array_like=True):
    name: str
    asname: str | None


class Import(Node, frozen=True):
    names: tuple[ImportedName, ...]


class ImportFrom(Node, frozen=True):
    """`level` counts the leading dots; `module` is empty in `from . import x`."""

    module: str
    level: int
    names: tuple[ImportedName, ...]


class Scoping(Node, frozen=True):
    """`global` or `nonlocal`."""

    keyword: str
    names: tuple[str, ...]


class Simple(Node, frozen=True):
    """`pass`, `break`, `continue`, `assert` and whatever needs no shape of its own."""

    keyword: str
    operands: tuple[Expr, ...]


Stmt: TypeAlias = Union[
    Assign,
    AnnotatedAssign,
    AugmentedAssign,
    ExpressionStatement,
    Return,
    Raise,
    Delete,
    If,
    For,
    While,
    With,
    Try,
    Match,
    FunctionDef,
    ClassDef,
    Import,
    ImportFrom,
    Scoping,
    Simple,
]

AnyNode: TypeAlias = Union[
    Expr, Stmt, Keyword, Parameter, Generator, WithItem, Handler, Case, ClassPattern, ImportedName
]


class Comment(Node, frozen=True):
    """A comment, from its `#` to the end of its line."""

    text: str


class ModuleSyntax(msgspec.Struct, frozen=True, eq=False, gc=False, array_like=True):
    """A parsed module: its statements and the comments that speak to the tool."""

    body: tuple[Stmt, ...]
    suppressions: tuple[Comment, ...] = ()
    """Each `# noqa` and `# migrate-async:` comment."""


_NO_NODES = frozenset({"int", "str", "bool", "str | None", "str | int", "tuple[str, ...]"})
"""How fields are annotated that hold no nodes."""


def _node_fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of `kind` that can hold nodes, the last one first."""
    annotations: dict[str, str] = {}
    for cls in reversed(kind.__mro__):
        annotations.update(getattr(cls, "__annotations__", {}))
    fields = kind.__struct_fields__
    return tuple(name for name in reversed(fields) if annotations[name] not in _NO_NODES)


class _Fields(dict[type[msgspec.Struct], tuple[str, ...]]):
    """`_node_fields` of all kinds that were met: millions of nodes are asked for theirs."""

    def __missing__(self, kind: type[msgspec.Struct]) -> tuple[str, ...]:
        found = self[kind] = _node_fields(kind)
        return found


_FIELDS = _Fields()


def _below(node: AnyNode) -> list[AnyNode]:
    """The nodes directly below `node`, the last one first."""
    found: list[AnyNode] = []
    for field in _FIELDS[type(node)]:
        value = getattr(node, field)
        if type(value) is tuple:
            found += [item for item in reversed(value) if item is not None]
        elif value is not None:
            found.append(value)
    return found


def children(node: AnyNode) -> Iterator[AnyNode]:
    """Yield the nodes directly below `node`, in source order of their fields."""
    return reversed(_below(node))


def walk(node: AnyNode) -> Iterator[AnyNode]:
    """Yield `node` and all nodes below it, parents first."""
    pending = [node]
    take, add = pending.pop, pending.append
    while pending:
        current = take()
        yield current
        for field in _FIELDS[type(current)]:
            value = getattr(current, field)
            if type(value) is tuple:
                pending += [item for item in reversed(value) if item is not None]
            elif value is not None:
                add(value)


def dotted_name(expr: Expr | None) -> str:
    """`a.b.c` for a chain of names, else an empty string."""
    parts: list[str] = []
    while type(expr) is Attribute:
        parts.append(expr.attr)
        expr = expr.value
    if type(expr) is not Name:
        return ""
    return ".".join([expr.id, *reversed(parts)])


def own_code(node: AnyNode) -> Iterator[AnyNode]:
    """Yield `node` and what is evaluated with it: the bodies of functions and lambdas are not."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if type(current) is FunctionDef:
            pending.extend(reversed(current.decorators))
            pending.extend(param.default for param in current.params if param.default is not None)
        elif type(current) is not Lambda:
            pending += _below(current)
