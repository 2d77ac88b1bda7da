"""One LibCST pass that makes all edits of a piece of text, whoever planned them.

Nodes are found by their original position, edited bottom-up, and only where an edit starts below
them is a subtree visited at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

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
    DelegateCall,
    DropAwait,
    Edit,
    HoistExpression,
    MakeAsync,
    MakeSync,
    QueryRewrite,
    RecallCall,
    RemoveArgument,
    RenameAttribute,
    ReplaceExpression,
    ReplaceParameter,
    SpreadArgument,
    UnwrapCall,
)
from migrate_async.rewrite.finish import Finisher, fitted
from migrate_async.rewrite.lines import Style
from migrate_async.rewrite.locate import Located
from migrate_async.rewrite.operations import calls, decorators, expressions, functions
from migrate_async.rewrite.operations.simple import annotated, split_line
from migrate_async.rewrite.operations.statements import BlockEditor
from migrate_async.rewrite.place import Hoisted, Place, Replacement

Operation = Callable[[Any, cst.BaseExpression, Place], Replacement]

_OPERATIONS: dict[type[Edit], Operation] = {
    AddArgument: lambda edit, node, _: Replacement(calls.add_argument(edit, node)),
    BridgeCall: lambda edit, node, _: Replacement(calls.bridge(edit, node)),
    DelegateCall: lambda edit, node, place: Replacement(calls.delegate(edit, node, place)),
    RecallCall: lambda edit, node, _: Replacement(calls.recall(edit, node)),
    RemoveArgument: lambda edit, node, _: Replacement(calls.remove_argument(edit, node)),
    SpreadArgument: lambda edit, node, _: Replacement(calls.spread_argument(edit, node)),
    QueryRewrite: expressions.rewrite_query,
    RenameAttribute: expressions.rename_attribute,
    ReplaceExpression: expressions.replace,
    AwaitAttribute: expressions.await_attribute,
    AwaitCall: expressions.await_call,
    HoistExpression: expressions.hoist,
    UnwrapCall: expressions.unwrap_call,
    DropAwait: expressions.drop_await,
}


_ALWAYS = (
    cst.ClassDef,
    cst.FunctionDef,
    cst.IndentedBlock,
    cst.Module,
    cst.Parameters,
    cst.SimpleStatementSuite,
)
"""Nodes that may change though no edit names them, because of an edit inside."""


def execute(text: str, edits: Sequence[AnyEdit], style: Style) -> cst.Module:
    """The module in `text` with all `edits` made.

    Raises `InternalError` when an edit fits nothing in it: the plan and the text disagree.
    """
    try:
        module = cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise InternalError(f"LibCST cannot parse it: {error.message}") from None
    if not edits:
        return module
    once = tuple(dict.fromkeys(edits))
    executor = _Executor(module, text, once, style)
    result = module.visit(executor)
    executor.check()
    assert isinstance(result, cst.Module)  # noqa: S101 - narrows LibCST's wide return type
    return result


class _Executor(cst.CSTTransformer):
    def __init__(
        self, module: cst.Module, text: str, edits: Sequence[AnyEdit], style: Style
    ) -> None:
        super().__init__()
        self._located = Located(module, edits)
        self._targets = self._located.targets
        self._style = style
        self._lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._default_indent = module.default_indent
        self._path: list[cst.CSTNode] = []
        self._hoisted: dict[cst.CSTNode, list[Hoisted]] = {}
        self._edited: set[cst.CSTNode] = set()
        self._shortened: set[cst.CSTNode] = set()
        self._laid_out: dict[cst.CSTNode, bool] = {}
        self._nodes = frozenset(self._targets.nodes())
        self._pending = set(self._nodes)
        self._blocks = BlockEditor(
            self._targets.statements, self._hoisted, self._targets.ends, style
        )

    def on_visit(self, node: cst.CSTNode) -> bool:
        self._path.append(node)
        return isinstance(node, cst.Module) or self._located.concerns(node)

    def on_leave(  # type: ignore[override]
        self, original_node: cst.CSTNode, updated_node: cst.CSTNode
    ) -> cst.CSTNode:
        node = updated_node
        if (
            original_node in self._nodes
            or original_node in self._edited
            or isinstance(original_node, _ALWAYS)
        ):
            self._pending.discard(original_node)
            node = self._edited_node(original_node, updated_node)
        self._path.pop()
        return node

    def check(self) -> None:
        """Raise `InternalError` if a node with an edit was never visited."""
        if self._pending:
            raise InternalError(f"{len(self._pending)} edits were not made")

    def _edited_node(self, original: cst.CSTNode, updated: cst.CSTNode) -> cst.CSTNode:
        if original in self._targets.expressions:
            return self._expression(original, updated)
        if isinstance(updated, cst.FunctionDef | cst.ClassDef):
            updated = self._decorators(original, updated)
        if original in self._targets.heads:
            updated = self._head(original, updated)
        if isinstance(original, cst.Parameters) and self._targets.parameters:
            updated = self._parameters(original, updated)
        if original in self._edited:
            updated = self._finisher(original).statement(updated, self._hoisted_from(original))
        if isinstance(original, cst.IndentedBlock | cst.Module | cst.SimpleStatementSuite):
            return self._body(original, updated)
        return updated

    # --- expressions ---------------------------------------------------------------------------

    def _expression(self, original: cst.CSTNode, updated: cst.CSTNode) -> cst.CSTNode:
        place = self._place(original)
        for edit in self._targets.expressions[original]:
            assert isinstance(updated, cst.BaseExpression)  # noqa: S101 - by the table's key
            made = _OPERATIONS[type(edit)](edit, updated, place)
            updated = fitted(made.expression, place)
            self._mark()
            if isinstance(edit, RecallCall):
                self._shortened.add(self._line_of(self._statement()))
            if made.hoisted is not None:
                statement = self._statement()
                finished = self._finisher(self._line_of(statement)).hoisted(*made.hoisted)
                self._hoisted.setdefault(statement, []).append(finished)
        return updated

    def _place(self, node: cst.CSTNode) -> Place:
        assert isinstance(node, cst.BaseExpression)  # noqa: S101 - by the table's key
        block = self._indent()
        indent = self._line_indent(self._located.start(node)[0], block)
        outer = self._line_indent(self._located.outer_start(node)[0], block)
        return Place(
            tuple(self._path),
            indent,
            outer,
            block,
            self._style,
            self._touches(node),
            self._around(node),
            self._is_laid_out(self._line_of(self._statement())),
        )

    def _around(self, node: cst.BaseExpression) -> str | None:
        start, end = self._located.outer_start(node), self._located.outer_end(node)
        statement = self._line_of(self._statement())
        if start[0] != end[0] or len(self._located.lines(statement)) == 1:
            return None
        if self._is_laid_out(statement):
            return None
        text = self._lines[start[0] - 1]
        return text[: start[1]] + text[end[1] :]

    def _line_indent(self, line: int, block: str) -> str:
        text = self._lines[line - 1]
        return text[: len(text) - len(text.lstrip())].removeprefix(block)

    def _touches(self, node: cst.BaseExpression) -> bool:
        line, column = self._located.outer_start(node)
        before = self._lines[line - 1][:column][-1:]
        line, column = self._located.outer_end(node)
        after = self._lines[line - 1][column:][:1]
        return bool(node.lpar) and (_is_word(before) or _is_word(after))

    def _indent(self) -> str:
        """The indentation of the block that the current node stands in."""
        blocks = [node for node in self._path[:-1] if isinstance(node, cst.IndentedBlock)]
        return "".join(
            self._default_indent if block.indent is None else block.indent for block in blocks
        )

    def _statement(self) -> cst.CSTNode:
        """The nearest statement around the current node; of a line, the small one."""
        kinds = cst.BaseSmallStatement | cst.BaseCompoundStatement
        return next(node for node in reversed(self._path) if isinstance(node, kinds))

    def _line_of(self, statement: cst.CSTNode) -> cst.CSTNode:
        parent = self._path[self._path.index(statement) - 1]
        return parent if isinstance(parent, cst.SimpleStatementLine) else statement

    def _mark(self) -> None:
        self._edited.add(self._line_of(self._statement()))

    def _finisher(self, statement: cst.CSTNode) -> Finisher:
        numbers = self._located.lines(statement)
        source = "\n".join(self._lines[numbers.start - 1 : numbers.stop - 1])
        return Finisher(
            statement,
            source,
            self._indent(),
            self._style,
            joins=statement in self._shortened,
            is_laid_out=self._is_laid_out(statement),
        )

    def _is_laid_out(self, statement: cst.CSTNode) -> bool:
        """Whether only its length has broken `statement` into lines."""
        known = self._laid_out.get(statement)
        if known is None:
            finisher = Finisher(statement, "", self._indent(), self._style)
            known = len(self._located.lines(statement)) > 1 and finisher.lays_out()
            self._laid_out[statement] = known
        return known

    def _hoisted_from(self, statement: cst.CSTNode) -> list[Hoisted]:
        small = statement.body if isinstance(statement, cst.SimpleStatementLine) else (statement,)
        return [hoisted for node in small for hoisted in self._hoisted.get(node, ())]

    # --- heads of functions and blocks ---------------------------------------------------------

    def _head(self, original: cst.CSTNode, updated: cst.CSTNode) -> cst.CSTNode:
        self._mark()
        for edit in self._targets.heads[original]:
            if isinstance(edit, MakeAsync):
                updated = functions.make_async(updated)
            elif isinstance(edit, MakeSync):
                updated = updated.with_changes(asynchronous=None)
            elif isinstance(edit, AddParameter):
                function = cst.ensure_type(updated, cst.FunctionDef)
                params = functions.add_parameter(
                    edit, function.params, function.whitespace_before_params
                )
                updated = function.with_changes(params=params)
            elif isinstance(edit, AddBase):
                updated = functions.add_base(edit, cst.ensure_type(updated, cst.ClassDef))
            elif isinstance(edit, AnnotateName):
                updated = annotated(cst.ensure_type(updated, cst.Assign), edit.code)
            elif isinstance(edit, AnnotateReturn):
                updated = functions.annotate_return(edit, cst.ensure_type(updated, cst.FunctionDef))
        return updated

    def _decorators(
        self, original: cst.CSTNode, updated: cst.FunctionDef | cst.ClassDef
    ) -> cst.FunctionDef | cst.ClassDef:
        doomed = self._targets.decorators
        before: Sequence[cst.Decorator] = ()
        if isinstance(original, cst.FunctionDef | cst.ClassDef):
            before = original.decorators
        if doomed and before:
            updated = decorators.remove_decorators(updated, before, doomed)
        for edit in self._targets.heads.get(original, ()):
            if isinstance(edit, AddDecorator):
                gone = sum(decorator in doomed for decorator in before[: edit.below])
                updated = decorators.add_decorator(edit, updated, gone)
        return updated

    def _parameters(self, original: cst.Parameters, updated: cst.CSTNode) -> cst.CSTNode:
        params = cst.ensure_type(updated, cst.Parameters)
        codes = {
            node: edit.code
            for node, edits in self._targets.parameters.items()
            for edit in edits
            if isinstance(edit, ReplaceParameter)
        }
        changed = functions.replace_parameters(params, original, codes)
        if changed is not params:
            self._mark()
        return changed

    # --- blocks --------------------------------------------------------------------------------

    def _body(self, original: cst.CSTNode, updated: cst.CSTNode) -> cst.CSTNode:
        if isinstance(original, cst.SimpleStatementSuite):
            suite = cst.ensure_type(updated, cst.SimpleStatementSuite)
            return self._suite(original, suite)
        assert isinstance(original, cst.Module | cst.IndentedBlock)  # noqa: S101 - by the caller
        if not any(self._blocks.touches(statement) for statement in original.body):
            return updated
        if isinstance(updated, cst.Module):
            block = self._blocks.edit(_statements(original.body), _statements(updated.body), "")
            return updated.with_changes(body=block.body, footer=[*block.left, *updated.footer])
        indented = cst.ensure_type(updated, cst.IndentedBlock)
        unit = self._default_indent if indented.indent is None else indented.indent
        block = self._blocks.edit(
            _statements(original.body), _statements(indented.body), self._indent() + unit
        )
        if not block.body:
            return indented.with_changes(body=[_pass(block.left)])
        return indented.with_changes(body=block.body, footer=[*block.left, *indented.footer])

    def _suite(
        self, original: cst.SimpleStatementSuite, updated: cst.SimpleStatementSuite
    ) -> cst.BaseSuite:
        """`if x: return y` gets a block of lines when one of its statements is edited."""
        before = [cst.SimpleStatementLine([small]) for small in original.body]
        if not any(self._blocks.touches(line) for line in before):
            return updated
        line = cst.SimpleStatementLine(
            updated.body, trailing_whitespace=updated.trailing_whitespace
        )
        block = self._blocks.edit(before, split_line(line), self._indent() + self._style.unit)
        body = block.body or [_pass(block.left)]
        return cst.IndentedBlock(body, indent=self._style.unit)


def _statements(body: Sequence[cst.CSTNode]) -> list[cst.BaseStatement]:
    return [statement for statement in body if isinstance(statement, cst.BaseStatement)]


def _pass(comments: Sequence[cst.EmptyLine]) -> cst.SimpleStatementLine:
    return cst.SimpleStatementLine([cst.Pass()], leading_lines=comments)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
