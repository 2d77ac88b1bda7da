"""Bytes to facts: parse a module with `ast` and copy it into frozen `model.syntax` values.

Pure: no file, no import of the target, no state. A file that CPython cannot parse raises
`SourceError`; callers turn it into a diagnostic and go on.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import sys
import tokenize
import warnings
from collections.abc import Callable
from typing import Any

from migrate_async.errors import SourceError
from migrate_async.model import syntax as s
from migrate_async.source.trees import parse_module

_TOOL_COMMENT = re.compile(r"#\s*(noqa|migrate-async)\b", re.IGNORECASE)

_BINARY: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.MatMult: "@",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.BitXor: "^",
    ast.And: "and",
    ast.Or: "or",
    ast.Not: "not",
    ast.Invert: "~",
    ast.UAdd: "+",
    ast.USub: "-",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


def extract(text: str, path: str = "<module>") -> s.ModuleSyntax:
    """The syntax of `text`.

    Raises `SourceError` (code `MA001`) with the line when it is not valid Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes are the target's business
            tree = parse_module(text, path)
        return _Copier(text).module(tree)
    except SyntaxError as error:
        raise SourceError("MA001", f"syntax error: {error.msg}", error.lineno or 0) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceError("MA001", f"cannot be parsed: {error}") from None


def tool_comments(text: str) -> tuple[s.Comment, ...]:
    """The comments that speak to this tool, as far as `text` can be cut into tokens."""
    if not _TOOL_COMMENT.search(text):
        return ()
    found: list[s.Comment] = []
    # Without translation a line that ends in `\r` alone would not end for `tokenize`.
    lines = io.StringIO(text, newline=None).readline
    # Text that `ast` takes and `tokenize` does not is rare; it keeps what was found before.
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        found.extend(
            s.Comment(*token.start, *token.end, token.string)
            for token in tokenize.generate_tokens(lines)
            if token.type == tokenize.COMMENT and _TOOL_COMMENT.search(token.string)
        )
    return tuple(found)


def _comments_beside(text: str, strings: list[s.Span]) -> tuple[s.Comment, ...]:
    """`tool_comments(text)`, where the strings of `text` are at `strings`.

    Cutting a file into tokens takes as long as parsing it, and is done only for text in which a
    `#` inside a string comes before a comment, or between two pieces of a string.
    """
    found = []
    for number, line in enumerate(_lines(text), 1):
        start = line.find("#")
        if start < 0 or not _TOOL_COMMENT.search(line, start):
            continue
        if any(place[:2] <= (number, start) < place[2:] for place in strings):
            return tool_comments(text)
        found.append(s.Comment(number, start, number, len(line), line[start:]))
    return tuple(found)


class _Columns:
    """UTF-8 byte offsets of `ast` to character columns."""

    def __init__(self, text: str) -> None:
        self._lines = None if text.isascii() else [line.encode() for line in _lines(text)]

    def __call__(self, line: int, offset: int) -> int:
        if self._lines is None or line > len(self._lines):
            return offset
        return len(self._lines[line - 1][:offset].decode("utf-8", "ignore"))


def _lines(text: str) -> list[str]:
    # Only the line ends that Python's tokenizer knows: `str.splitlines` also cuts at \x0c.
    return re.split(r"\r\n|\r|\n", text)


class _Copier:
    """Copies one tree; `ast` node types map to methods of the same name."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._column = _Columns(text)
        self._strings: list[s.Span] = []
        if text.isascii():
            self.span = _ascii_span  # type: ignore[method-assign]

    def module(self, tree: ast.Module) -> s.ModuleSyntax:
        body = self.body(tree.body)
        has_comments = _TOOL_COMMENT.search(self._text)
        return s.ModuleSyntax(
            body, _comments_beside(self._text, self._strings) if has_comments else ()
        )

    def expr(self, node: ast.expr) -> s.Expr:
        copy = _EXPRESSIONS.get(type(node))
        if copy is None:  # t-strings and whatever newer Pythons bring
            parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
            self._strings.append(self.span(node))
            return s.Operation(*self.span(node), type(node).__name__, self.exprs(parts))
        return copy(self, node, self.span(node))

    def exprs(self, nodes: list[Any]) -> tuple[s.Expr, ...]:
        return tuple([self.expr(node) for node in nodes])

    def optional(self, node: ast.expr | None) -> s.Expr | None:
        return None if node is None else self.expr(node)

    def body(self, nodes: list[ast.stmt]) -> tuple[s.Stmt, ...]:
        return tuple([self._stmt(node) for node in nodes])

    def params(self, arguments: ast.arguments) -> tuple[s.Parameter, ...]:
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
        defaults += arguments.defaults
        found = [
            self._param(
                arg,
                "positional-only" if i < len(arguments.posonlyargs) else "positional",
                default,
            )
            for i, (arg, default) in enumerate(zip(positional, defaults, strict=True))
        ]
        if arguments.vararg:
            found.append(self._param(arguments.vararg, "*", None))
        found += [
            self._param(arg, "keyword-only", default)
            for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        ]
        if arguments.kwarg:
            found.append(self._param(arguments.kwarg, "**", None))
        return tuple(found)

    def span(self, node: Any) -> s.Span:
        line, end_line = node.lineno, node.end_lineno
        return (
            line,
            self._column(line, node.col_offset),
            end_line,
            self._column(end_line, node.end_col_offset),
        )

    def _stmt(self, node: ast.stmt) -> s.Stmt:
        copy = _STATEMENTS.get(type(node))
        if copy is None:
            parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
            self._note_strings(*getattr(node, "type_params", ()))
            return s.Simple(*self.span(node), type(node).__name__.lower(), self.exprs(parts))
        return copy(self, node, self.span(node))

    def _param(self, arg: ast.arg, kind: str, default: ast.expr | None) -> s.Parameter:
        line, col, end_line, end_col = self.span(arg)
        value = self.optional(default)
        if value is not None:
            end_line, end_col = value.end_line, value.end_col
        annotation = self.optional(arg.annotation)
        return s.Parameter(line, col, end_line, end_col, arg.arg, kind, annotation, value)

    def _call(self, node: ast.Call, place: s.Span) -> s.Call:
        return s.Call(
            *place, self.expr(node.func), self.exprs(node.args), self._keywords(node.keywords)
        )

    def _keywords(self, keywords: list[ast.keyword]) -> tuple[s.Keyword, ...]:
        return tuple([s.Keyword(*self.span(k), k.arg, self.expr(k.value)) for k in keywords])

    def _named(self, node: ast.NamedExpr, place: s.Span) -> s.NamedExpression:
        target = s.Name(*self.span(node.target), node.target.id)
        return s.NamedExpression(*place, target, self.expr(node.value))

    def _joined(self, node: ast.JoinedStr, place: s.Span) -> s.Operation:
        self._strings.append(place)
        return s.Operation(*place, "f-string", self.exprs(node.values))

    def _constant(self, node: ast.Constant, place: s.Span) -> s.Constant:
        value = node.value
        if isinstance(value, str | bytes):
            self._strings.append(place)
        return s.Constant(*place, *_kind_and_value(value))

    def _note_strings(self, *nodes: ast.AST) -> None:
        """Remember the strings in what is not copied as expressions."""
        for node in nodes:
            for part in ast.walk(node):
                if isinstance(part, ast.Constant | ast.JoinedStr):
                    self._strings.append(self.span(part))

    def _comprehension(
        self, node: Any, place: s.Span, kind: str, elements: list[ast.expr]
    ) -> s.Comprehension:
        generators = tuple(
            s.Generator(self.expr(g.target), self.expr(g.iter), self.exprs(g.ifs), bool(g.is_async))
            for g in node.generators
        )
        return s.Comprehension(*place, kind, self.exprs(elements), generators)

    def _for(self, node: Any, place: s.Span, is_async: bool) -> s.For:
        return s.For(
            *place,
            is_async,
            self.expr(node.target),
            self.expr(node.iter),
            self.body(node.body),
            self.body(node.orelse),
        )

    def _with(self, node: Any, place: s.Span, is_async: bool) -> s.With:
        items = tuple(
            s.WithItem(self.expr(item.context_expr), self.optional(item.optional_vars))
            for item in node.items
        )
        return s.With(*place, is_async, items, self.body(node.body))

    def _try(self, node: Any, place: s.Span, is_star: bool) -> s.Try:
        handlers = tuple(
            s.Handler(*self.span(h), self.optional(h.type), h.name, self.body(h.body))
            for h in node.handlers
        )
        return s.Try(
            *place,
            is_star,
            self.body(node.body),
            handlers,
            self.body(node.orelse),
            self.body(node.finalbody),
        )

    def _case(self, node: ast.match_case) -> s.Case:
        self._note_strings(node.pattern)
        names = [
            name
            for part in ast.walk(node.pattern)
            for name in (getattr(part, "name", None), getattr(part, "rest", None))
            if isinstance(name, str)
        ]
        values = [part.value for part in ast.walk(node.pattern) if isinstance(part, ast.MatchValue)]
        return s.Case(
            tuple(names),
            self.exprs(values),
            self.optional(node.guard),
            self.body(node.body),
            self._class_patterns(node.pattern),
            _captured(node.pattern),
        )

    def _class_patterns(self, pattern: ast.pattern) -> tuple[s.ClassPattern, ...]:
        found: list[s.ClassPattern] = []
        self._add_class_patterns(pattern, "", None, (), found)
        return tuple(found)

    def _add_class_patterns(
        self,
        pattern: ast.pattern,
        name: str,
        outer: int | None,
        path: tuple[str, ...],
        found: list[s.ClassPattern],
    ) -> None:
        """Those in `pattern`, which `path` leads to from the `outer` one; parents come first."""
        if isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
            self._add_class_patterns(pattern.pattern, pattern.name or "", outer, path, found)
        elif isinstance(pattern, ast.MatchClass):
            number = len(found) if outer is None else outer
            bound = tuple(map(_captured, pattern.kwd_patterns))
            attributes = tuple(pattern.kwd_attrs)
            if pattern.patterns:  # by `__match_args__`
                attributes, bound = (*attributes, ""), (*bound, "")
            place, cls = self.span(pattern), self.expr(pattern.cls)
            found.append(s.ClassPattern(*place, cls, name, attributes, bound, number, path))
            for attribute, inner in zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True):
                self._add_class_patterns(inner, "", number, (*path, attribute), found)
            for inner in pattern.patterns:
                self._add_class_patterns(inner, "", None, (), found)
        elif isinstance(pattern, ast.MatchOr | ast.MatchSequence | ast.MatchMapping):
            for inner in pattern.patterns:
                self._add_class_patterns(inner, name, outer, path, found)

    def _function(self, node: Any, place: s.Span, is_async: bool) -> s.FunctionDef:
        self._note_strings(*getattr(node, "type_params", ()))
        return s.FunctionDef(
            *place,
            node.name,
            is_async,
            self.params(node.args),
            self.optional(node.returns),
            self.exprs(node.decorator_list),
            self.body(node.body),
        )

    def _class(self, node: ast.ClassDef, place: s.Span) -> s.ClassDef:
        self._note_strings(*getattr(node, "type_params", ()))
        return s.ClassDef(
            *place,
            node.name,
            self.exprs(node.bases),
            self._keywords(node.keywords),
            self.exprs(node.decorator_list),
            self.body(node.body),
            tuple(param.name for param in getattr(node, "type_params", ())),
        )


def _ascii_span(node: Any) -> s.Span:
    """`_Copier.span` where bytes and characters are the same."""
    return (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)


def _kind_and_value(value: Any) -> tuple[str, str | int]:
    """How `s.Constant` holds the value of a constant."""
    if value is None or value is Ellipsis:
        return ("None" if value is None else "ellipsis"), repr(value)
    kind = type(value).__name__
    if isinstance(value, str):
        return kind, value if value.isascii() else _storable(value)
    # msgpack has 64 bits; a larger int matters to nobody here but must not break the cache.
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return kind, int(value)
    return kind, repr(value)


def _imported(names: list[ast.alias]) -> tuple[s.ImportedName, ...]:
    return tuple([s.ImportedName(alias.name, alias.asname) for alias in names])


def _storable(value: str) -> str:
    """`value` without lone surrogates (`"\\udcff"`), which UTF-8 lacks."""
    return value.encode("utf-8", "replace").decode()


_EXPRESSIONS: dict[type[ast.AST], Callable[[_Copier, Any, s.Span], s.Expr]] = {
    ast.Name: lambda _c, n, p: s.Name(*p, sys.intern(n.id)),
    ast.Attribute: lambda c, n, p: s.Attribute(*p, c.expr(n.value), sys.intern(n.attr)),
    ast.Call: _Copier._call,
    ast.Constant: _Copier._constant,
    ast.Subscript: lambda c, n, p: s.Subscript(*p, c.expr(n.value), c.expr(n.slice)),
    ast.Slice: lambda c, n, p: s.Slice(
        *p, c.optional(n.lower), c.optional(n.upper), c.optional(n.step)
    ),
    ast.Await: lambda c, n, p: s.Await(*p, c.expr(n.value)),
    ast.Tuple: lambda c, n, p: s.Sequence(*p, "tuple", c.exprs(n.elts)),
    ast.List: lambda c, n, p: s.Sequence(*p, "list", c.exprs(n.elts)),
    ast.Set: lambda c, n, p: s.Sequence(*p, "set", c.exprs(n.elts)),
    ast.Dict: lambda c, n, p: s.Mapping(
        *p, tuple(c.optional(key) for key in n.keys), c.exprs(n.values)
    ),
    ast.BinOp: lambda c, n, p: s.Operation(*p, _BINARY[type(n.op)], c.exprs([n.left, n.right])),
    ast.BoolOp: lambda c, n, p: s.Operation(*p, _BINARY[type(n.op)], c.exprs(n.values)),
    ast.UnaryOp: lambda c, n, p: s.Operation(*p, _BINARY[type(n.op)], c.exprs([n.operand])),
    ast.Compare: lambda c, n, p: s.Operation(
        *p, _BINARY[type(n.ops[0])], c.exprs([n.left, *n.comparators])
    ),
    ast.IfExp: lambda c, n, p: s.Conditional(*p, c.expr(n.test), c.expr(n.body), c.expr(n.orelse)),
    ast.Lambda: lambda c, n, p: s.Lambda(*p, c.params(n.args), c.expr(n.body)),
    ast.ListComp: lambda c, n, p: c._comprehension(n, p, "list", [n.elt]),
    ast.SetComp: lambda c, n, p: c._comprehension(n, p, "set", [n.elt]),
    ast.GeneratorExp: lambda c, n, p: c._comprehension(n, p, "generator", [n.elt]),
    ast.DictComp: lambda c, n, p: c._comprehension(n, p, "dict", [n.key, n.value]),
    ast.Starred: lambda c, n, p: s.Starred(*p, c.expr(n.value)),
    ast.Yield: lambda c, n, p: s.Yield(*p, c.optional(n.value), False),
    ast.YieldFrom: lambda c, n, p: s.Yield(*p, c.expr(n.value), True),
    ast.NamedExpr: _Copier._named,
    ast.JoinedStr: _Copier._joined,
    ast.FormattedValue: lambda c, n, p: s.Operation(
        *p, "format", c.exprs([n.value, *([n.format_spec] if n.format_spec else [])])
    ),
}
_STATEMENTS: dict[type[ast.AST], Callable[[_Copier, Any, s.Span], s.Stmt]] = {
    ast.Assign: lambda c, n, p: s.Assign(*p, c.exprs(n.targets), c.expr(n.value)),
    ast.AnnAssign: lambda c, n, p: s.AnnotatedAssign(
        *p, c.expr(n.target), c.expr(n.annotation), c.optional(n.value)
    ),
    ast.AugAssign: lambda c, n, p: s.AugmentedAssign(
        *p, c.expr(n.target), _BINARY[type(n.op)], c.expr(n.value)
    ),
    ast.Expr: lambda c, n, p: s.ExpressionStatement(*p, c.expr(n.value)),
    ast.Return: lambda c, n, p: s.Return(*p, c.optional(n.value)),
    ast.Raise: lambda c, n, p: s.Raise(*p, c.optional(n.exc), c.optional(n.cause)),
    ast.Delete: lambda c, n, p: s.Delete(*p, c.exprs(n.targets)),
    ast.If: lambda c, n, p: s.If(*p, c.expr(n.test), c.body(n.body), c.body(n.orelse)),
    ast.For: lambda c, n, p: c._for(n, p, False),
    ast.AsyncFor: lambda c, n, p: c._for(n, p, True),
    ast.While: lambda c, n, p: s.While(*p, c.expr(n.test), c.body(n.body), c.body(n.orelse)),
    ast.With: lambda c, n, p: c._with(n, p, False),
    ast.AsyncWith: lambda c, n, p: c._with(n, p, True),
    ast.Try: lambda c, n, p: c._try(n, p, False),
    ast.Match: lambda c, n, p: s.Match(
        *p, c.expr(n.subject), tuple(c._case(case) for case in n.cases)
    ),
    ast.FunctionDef: lambda c, n, p: c._function(n, p, False),
    ast.AsyncFunctionDef: lambda c, n, p: c._function(n, p, True),
    ast.ClassDef: _Copier._class,
    ast.Import: lambda _c, n, p: s.Import(*p, _imported(n.names)),
    ast.ImportFrom: lambda _c, n, p: s.ImportFrom(*p, n.module or "", n.level, _imported(n.names)),
    ast.Global: lambda _c, n, p: s.Scoping(*p, "global", tuple(n.names)),
    ast.Nonlocal: lambda _c, n, p: s.Scoping(*p, "nonlocal", tuple(n.names)),
}
if sys.version_info >= (3, 11):
    _STATEMENTS[ast.TryStar] = lambda c, n, p: c._try(n, p, True)


def _captured(pattern: ast.pattern) -> str:
    """The name that `pattern` binds to all that it is matched against; empty: none."""
    name = pattern.name if isinstance(pattern, ast.MatchAs) else None
    return name or ""
