"""Copies of values, with other names in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from migrate_async.errors import InternalError
from migrate_async.model.plan import CopyAssignment, CopyFunction, CopyStatement
from migrate_async.rewrite.fragments import parse_expression


def copied(edit: CopyAssignment, original: cst.CSTNode) -> cst.BaseExpression:
    """The value of the assignment `original`, names in it replaced.

    Raises `InternalError` when it is no assignment.
    """
    value = original.value if isinstance(original, cst.Assign | cst.AnnAssign) else None
    if value is None:
        raise InternalError("only an assignment can be copied")
    found = value.visit(_Renaming(dict(edit.names)))
    if not isinstance(found, cst.BaseExpression):
        raise InternalError("a copied value is no value any more")
    return found


def copied_statement(edit: CopyStatement, original: cst.CSTNode) -> cst.SimpleStatementLine:
    """A statement of the expression `original`, names in it replaced.

    Raises `InternalError` when it is none.
    """
    if not isinstance(original, cst.Expr):
        raise InternalError("only an expression can be copied as a statement")
    value = cst.ensure_type(original.visit(_Renaming(dict(edit.names))), cst.Expr)
    return cst.SimpleStatementLine([value.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)])


def copied_function(edit: CopyFunction, original: cst.CSTNode) -> cst.FunctionDef:
    """The function `original` under another name, below it.

    Raises `InternalError` when it is no function.
    """
    if not isinstance(original, cst.FunctionDef):
        raise InternalError("only a function can be copied")
    renaming = _Renaming(dict(edit.names), dict(edit.attributes))
    renamed = cst.ensure_type(original.visit(renaming), cst.FunctionDef)
    blank = [cst.EmptyLine(indent=False) for _ in range(edit.apart)]
    return renamed.with_changes(name=cst.Name(edit.name), leading_lines=blank)


class _Renaming(cst.CSTTransformer):
    """Puts code in the place of names that are read; other words of the same letters stay.

    And in that of attributes: `self.engine`, `Single().engine`.
    """

    def __init__(
        self, names: Mapping[str, str], attributes: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._names = names
        self._attributes = {_dense(text): code for text, code in (attributes or {}).items()}

    def on_leave(self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT) -> Any:
        if isinstance(original_node, cst.Name):
            code = self._names.get(original_node.value)
            return updated_node if code is None else parse_expression(code)
        if self._attributes and isinstance(original_node, cst.Attribute):
            code = self._attributes.get(_dense(cst.Module([]).code_for_node(original_node)))
            if code is not None:
                return parse_expression(code)
        for kind, word in _WORDS.items():
            if isinstance(original_node, kind):
                return updated_node.with_changes(**{word: getattr(original_node, word)})
        return updated_node


def _dense(code: str) -> str:
    return "".join(code.split())


_WORDS: dict[type[cst.CSTNode], str] = {
    cst.Arg: "keyword",
    cst.Attribute: "attr",
    cst.Param: "name",
}
"""Where a name is no variable that is read."""
