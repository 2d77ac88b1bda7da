"""Find the LibCST nodes that the edits of a plan are about.

Spans of the plan are those of `ast`: as LibCST's positions, except that a tuple's or generator's
own parentheses count, decorators do not, and a bare generator argument has the call's.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from migrate_async.errors import InternalError
from migrate_async.model.plan import (
    AddArgument,
    AddBase,
    AddDecorator,
    AddParameter,
    AnnotateName,
    AnnotateReturn,
    AnyEdit,
    AwaitAttribute,
    AwaitCall,
    BridgeCall,
    ChangeBlock,
    CopyAssignment,
    CopyFunction,
    CopyStatement,
    DelegateCall,
    DropAwait,
    DropFinally,
    Edit,
    HoistExpression,
    InsertStatements,
    KeepBoth,
    MakeAsync,
    MakeSync,
    NestWith,
    QueryRewrite,
    RecallCall,
    RemoveArgument,
    RemoveDecorator,
    RenameAttribute,
    ReplaceExpression,
    ReplaceParameter,
    ReplaceStatement,
    SpreadArgument,
    UnwrapBlock,
    UnwrapCall,
    WrapStatements,
)
from migrate_async.model.syntax import Span

Point = tuple[int, int]

_PRUNED = (cst.BaseExpression, cst.BaseSmallStatement, cst.BaseStatement)
_KINDS: dict[str, tuple[type[cst.CSTNode], ...]] = {
    "expression": (cst.BaseExpression,),
    "statement": (cst.BaseSmallStatement, cst.BaseCompoundStatement),
    "parameter": (cst.Param,),
    "comprehension": (cst.CompFor,),
    "decorator": (cst.Decorator,),
}
_EXPRESSION = (
    AddArgument,
    AwaitAttribute,
    AwaitCall,
    BridgeCall,
    DelegateCall,
    DropAwait,
    HoistExpression,
    QueryRewrite,
    RecallCall,
    RemoveArgument,
    RenameAttribute,
    ReplaceExpression,
    SpreadArgument,
    UnwrapCall,
)
_HEAD = (AddBase, AddDecorator, AddParameter, AnnotateReturn, MakeAsync, MakeSync)
_ORDER = {
    RemoveArgument: 0,
    AddArgument: 1,
    SpreadArgument: 1,
    RenameAttribute: 1,
    QueryRewrite: 2,
    ReplaceExpression: 3,
    UnwrapCall: 3,
    AwaitAttribute: 4,
    BridgeCall: 3,
    DelegateCall: 3,
    DropAwait: 3,
    RecallCall: 3,
    AwaitCall: 4,
    HoistExpression: 5,
    ReplaceStatement: 0,
    UnwrapBlock: 0,
    DropFinally: 0,
    ChangeBlock: 0,
    NestWith: 0,
    CopyAssignment: 1,
    CopyFunction: 0,
    CopyStatement: 1,
    InsertStatements: 1,
    KeepBoth: 0,
    WrapStatements: 2,
}


# `isinstance` with LibCST's abstract bases is slow, and there are few types of node.
@functools.cache
def _is_pruned(kind: type[cst.CSTNode]) -> bool:
    return issubclass(kind, _PRUNED)


@functools.cache
def _kind_of(kind: type[cst.CSTNode]) -> str:
    return next((name for name, bases in _KINDS.items() if issubclass(kind, bases)), "")


@dataclasses.dataclass
class Targets:
    """The nodes to edit; the edits of one node are in the order in which they are made."""

    expressions: dict[cst.CSTNode, list[Edit]]
    heads: dict[cst.CSTNode, list[Edit]]
    """Functions, `with`, `for`, comprehension `for`, and assignments to annotate."""
    parameters: dict[cst.CSTNode, list[Edit]]
    decorators: dict[cst.CSTNode, list[Edit]]
    """Decorators to remove."""
    statements: dict[cst.CSTNode, list[Edit]]
    ends: dict[Edit, cst.CSTNode]

    def nodes(self) -> set[cst.CSTNode]:
        """All nodes that have an edit."""
        tables = (
            self.expressions,
            self.heads,
            self.parameters,
            self.decorators,
            self.statements,
        )
        return {node for table in tables for node in table}


class Located:
    """The positions of a parsed text and the targets in it."""

    def __init__(self, module: cst.Module, edits: Sequence[AnyEdit]) -> None:
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
        self._positions: Mapping[cst.CSTNode, CodeRange] = wrapper.resolve(PositionProvider)
        self._points = sorted((edit.span[0], edit.span[1]) for edit in edits)
        self.targets = _Finder(self._positions, edits).targets

    def concerns(self, node: cst.CSTNode) -> bool:
        """May an edit start inside `node` (decorators included)?"""
        if not _is_pruned(type(node)):
            return True  # LibCST's position of a parameter, say, leaves out its annotation
        place = self._positions[node]
        start = (place.start.line, place.start.column)
        decorators = getattr(node, "decorators", ())
        if decorators:
            start = self.start(decorators[0])
        index = bisect.bisect_left(self._points, start)
        end = (place.end.line, place.end.column)
        return index < len(self._points) and self._points[index] <= end

    def start(self, node: cst.CSTNode) -> Point:
        """Where `node` begins, without its parentheses."""
        place = self._positions[node].start
        return (place.line, place.column)

    def outer_start(self, node: cst.BaseExpression) -> Point:
        """Where `node` begins, with its parentheses."""
        return self.start(node.lpar[0]) if node.lpar else self.start(node)

    def outer_end(self, node: cst.BaseExpression) -> Point:
        """Where `node` ends, with its parentheses."""
        place = self._positions[node.rpar[-1] if node.rpar else node].end
        return (place.line, place.column)

    def lines(self, node: cst.CSTNode) -> range:
        """The numbers of the lines that `node` is on."""
        place = self._positions[node]
        return range(place.start.line, place.end.line + 1)


class _Finder:
    """One pass over all positions, keeping the nodes whose place an edit names."""

    def __init__(
        self, positions: Mapping[cst.CSTNode, CodeRange], edits: Sequence[AnyEdit]
    ) -> None:
        self._positions = positions
        self.targets = Targets({}, {}, {}, {}, {}, {})
        self._spans: dict[Span, list[Edit]] = defaultdict(list)
        self._starts: dict[Point, list[Edit]] = defaultdict(list)
        self._ends: dict[Point, list[WrapStatements]] = defaultdict(list)
        self._missing = dict.fromkeys(edits)
        for edit in edits:
            if isinstance(edit, _EXPRESSION):
                self._spans[edit.span].append(edit)
            else:
                self._starts[edit.span[:2]].append(edit)
                if isinstance(edit, MakeAsync | RemoveDecorator):
                    self._spans[edit.span].append(edit)
            if isinstance(edit, WrapStatements):
                self._ends[edit.until[:2]].append(edit)
        self._find()

    def _find(self) -> None:
        finders: dict[str, Callable[[Any, CodeRange], None]] = {
            "expression": self._expression,
            "statement": self._statement,
            "parameter": self._parameter,
            "comprehension": self._comprehension,
            "decorator": self._decorator,
        }
        for node, place in self._positions.items():
            kind = _kind_of(type(node))
            if kind:
                finders[kind](node, place)
        for table in (self.targets.expressions, self.targets.statements):
            for found in table.values():
                found.sort(key=lambda edit: _ORDER[type(edit)])
        if self._missing:
            edit = next(iter(self._missing))
            raise InternalError(f"nothing at {edit.span} that {type(edit).__name__} could change")

    def _take(self, table: dict[cst.CSTNode, list[Edit]], node: cst.CSTNode, edit: Edit) -> None:
        table.setdefault(node, []).append(edit)
        self._missing.pop(edit, None)  # type: ignore[call-overload]

    def _expression(self, node: cst.BaseExpression, place: CodeRange) -> None:
        span = self._span(node, place)
        for edit in self._spans.get(span, ()):
            if isinstance(edit, _EXPRESSION):
                self._take(self.targets.expressions, node, edit)
        if isinstance(node, cst.Call):
            self._bare_generator(node, place)

    def _span(self, node: cst.BaseExpression, place: CodeRange) -> Span:
        start, end = place.start, place.end
        if node.lpar and isinstance(node, cst.Tuple | cst.GeneratorExp):
            start, end = self._positions[node.lpar[-1]].start, self._positions[node.rpar[0]].end
        return (start.line, start.column, end.line, end.column)

    def _bare_generator(self, call: cst.Call, place: CodeRange) -> None:
        if len(call.args) != 1:
            return
        value = call.args[0].value
        if not isinstance(value, cst.GeneratorExp) or value.lpar:
            return
        func = self._positions[call.func.rpar[-1] if call.func.rpar else call.func].end
        for span, edits in self._spans.items():
            if span[2:] == (place.end.line, place.end.column) and span[:2] >= (
                func.line,
                func.column,
            ):
                for edit in edits:
                    self._take(self.targets.expressions, value, edit)

    def _statement(self, node: cst.CSTNode, place: CodeRange) -> None:
        start = (place.start.line, place.start.column)
        for edit in self._starts.get(start, ()):
            if isinstance(edit, _HEAD):
                if isinstance(node, cst.FunctionDef | cst.ClassDef | cst.With | cst.For):
                    self._take(self.targets.heads, node, edit)
            elif isinstance(edit, AnnotateName):
                if isinstance(node, cst.Assign):
                    self._take(self.targets.heads, node, edit)
            elif not isinstance(edit, ReplaceParameter | RemoveDecorator):
                self._take(self.targets.statements, node, edit)
        for wrap in self._ends.get(start, ()):
            self.targets.ends[wrap] = node

    def _parameter(self, node: cst.Param, _: CodeRange) -> None:
        start = self._positions[node.name].start  # after the stars
        for edit in self._starts.get((start.line, start.column), ()):
            if isinstance(edit, ReplaceParameter):
                self._take(self.targets.parameters, node, edit)

    def _comprehension(self, node: cst.CompFor, _: CodeRange) -> None:
        self._inner(node, node.iter, MakeAsync, self.targets.heads)

    def _decorator(self, node: cst.Decorator, _: CodeRange) -> None:
        self._inner(node, node.decorator, RemoveDecorator, self.targets.decorators)

    def _inner(
        self,
        node: cst.CSTNode,
        inner: cst.BaseExpression,
        kind: type[Edit],
        table: dict[cst.CSTNode, list[Edit]],
    ) -> None:
        """Take edits of `kind` that name `node` by the span of an expression in it."""
        for edit in self._spans.get(self._span(inner, self._positions[inner]), ()):
            if isinstance(edit, kind):
                self._take(table, node, edit)
