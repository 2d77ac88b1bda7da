"""Edits of a function's head: `async`, its parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import libcst as cst

from migrate_async.errors import InternalError
from migrate_async.model.plan import AddBase, AddParameter, AnnotateReturn
from migrate_async.rewrite.fragments import parse_expression
from migrate_async.rewrite.lines import Whitespace
from migrate_async.rewrite.operations import sequences

Field = Literal["posonly", "positional", "star", "keyword", "double-star", "slash"]
Item = cst.Param | cst.ParamStar | cst.ParamSlash


@dataclasses.dataclass(frozen=True)
class _Entry:
    """One item of a parameter list, and which part of the list it is in."""

    field: Field
    item: Item


def make_async(node: cst.CSTNode) -> cst.CSTNode:
    """`node` (a function, `with`, `for` or comprehension `for`) with `async` before it."""
    return node.with_changes(asynchronous=cst.Asynchronous())


def add_base(edit: AddBase, node: cst.ClassDef) -> cst.ClassDef:
    """The class `node` with one more base before the others."""
    space = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    comma = space if node.bases or node.keywords else cst.MaybeSentinel.DEFAULT
    base = cst.Arg(parse_expression(edit.code), comma=comma)
    return node.with_changes(bases=[base, *node.bases])


def annotate_return(edit: AnnotateReturn, node: cst.FunctionDef) -> cst.FunctionDef:
    """The function `node`, said to return `edit.code`."""
    return node.with_changes(returns=cst.Annotation(parse_expression(edit.code)))


def parse_parameter(code: str) -> cst.Param:
    """The parameter in `code` (`db: AsyncSession = Depends(get_db)`).

    Raises `InternalError` when it is not exactly one parameter.
    """
    try:
        module = cst.parse_module(f"def f({code}): pass\n")
    except cst.ParserSyntaxError as error:
        raise InternalError(f"the plan holds an invalid parameter: {code!r}") from error
    entries = _entries(cst.ensure_type(module.body[0], cst.FunctionDef).params)
    found = [entry.item for entry in entries if isinstance(entry.item, cst.Param)]
    if len(found) != 1:
        raise InternalError(f"the plan holds not one parameter: {code!r}")
    return found[0]


def add_parameter(
    edit: AddParameter, params: cst.Parameters, opening: Whitespace
) -> cst.Parameters:
    """`params` with one more; `opening` is the space after the parenthesis."""
    new = parse_parameter(edit.code)
    entries = _entries(params)
    if edit.keyword_only:
        index = _end(entries, {"posonly", "slash", "positional", "star", "keyword"})
        added = _inserted(entries, index, _Entry("keyword", new), opening)
        if not any(entry.field == "star" for entry in entries):
            added = _inserted(added, index, _Entry("star", cst.ParamStar()), opening)
        return _parameters(added)
    index = _end(entries, {"posonly", "slash", "positional"})
    if new.default is None:
        index = _first_default(entries, index)
    before_slash = any(entry.field == "slash" for entry in entries[index:])
    field: Field = "posonly" if before_slash else "positional"
    return _parameters(_inserted(entries, index, _Entry(field, new), opening))


def replace_parameters(
    params: cst.Parameters, original: cst.Parameters, codes: Mapping[cst.CSTNode, str]
) -> cst.Parameters:
    """`params` with new code for those that were keys of `codes` in `original`.

    An empty code removes the parameter. `params` itself comes back when there is none to replace.
    """
    before = _entries(original)
    hits = [(i, codes[entry.item]) for i, entry in enumerate(before) if entry.item in codes]
    if not hits:
        return params
    entries = _entries(params)
    for index, code in reversed(hits):
        if code:
            entries[index] = _replaced(entries[index], code)
        else:
            for doomed in _with_lone_marker(entries, index):
                entries = _removed(entries, doomed)
    return _parameters(entries)


def on_lines(
    params: cst.Parameters, separator: Whitespace | None, closing: Whitespace
) -> cst.Parameters:
    """`params` with `closing` after the last and, if given, `separator` after each other one."""
    entries = _entries(params)
    items = [entry.item for entry in entries]
    if separator is not None:
        items = [sequences.with_comma(item, separator) for item in items]
    items[-1] = sequences.closed(items[-1], closing, trailing=separator is not None)
    return _parameters(
        [_Entry(entry.field, item) for entry, item in zip(entries, items, strict=True)]
    )


def _replaced(entry: _Entry, code: str) -> _Entry:
    new = parse_parameter(code)
    old = cst.ensure_type(entry.item, cst.Param)
    kept = {"comma": old.comma, "whitespace_after_param": old.whitespace_after_param}
    return _Entry(entry.field, new.with_changes(star=old.star, **kept))


def _with_lone_marker(entries: list[_Entry], index: int) -> list[int]:
    """The indices to remove, one after the other: a `*` or `/` goes with its only parameter."""
    field = entries[index].field
    if sum(entry.field == field for entry in entries) > 1:
        return [index]
    if field == "keyword" and isinstance(entries[index - 1].item, cst.ParamStar):
        return [index - 1, index - 1]
    return [index, index] if field == "posonly" else [index]


def _removed(entries: list[_Entry], index: int) -> list[_Entry]:
    items = sequences.remove([entry.item for entry in entries], index)
    rest = [*entries[:index], *entries[index + 1 :]]
    return [_Entry(entry.field, item) for entry, item in zip(rest, items, strict=True)]


def _entries(params: cst.Parameters) -> list[_Entry]:
    found = [_Entry("posonly", param) for param in params.posonly_params]
    if params.posonly_params:
        slash = params.posonly_ind
        found.append(_Entry("slash", slash if isinstance(slash, cst.ParamSlash) else _SLASH))
    found += [_Entry("positional", param) for param in params.params]
    if isinstance(params.star_arg, cst.Param | cst.ParamStar):
        found.append(_Entry("star", params.star_arg))
    elif params.kwonly_params:
        found.append(_Entry("star", cst.ParamStar()))
    found += [_Entry("keyword", param) for param in params.kwonly_params]
    if params.star_kwarg:
        found.append(_Entry("double-star", params.star_kwarg))
    return found


_SLASH = cst.ParamSlash()


def _parameters(entries: list[_Entry]) -> cst.Parameters:
    def only(field: Field) -> list[cst.Param]:
        return [e.item for e in entries if e.field == field and isinstance(e.item, cst.Param)]

    star = next((e.item for e in entries if e.field == "star"), cst.MaybeSentinel.DEFAULT)
    slash = next((e.item for e in entries if e.field == "slash"), cst.MaybeSentinel.DEFAULT)
    double = only("double-star")
    return cst.Parameters(
        posonly_params=only("posonly"),
        posonly_ind=slash if only("posonly") else cst.MaybeSentinel.DEFAULT,  # type: ignore[arg-type]
        params=only("positional"),
        star_arg=star,  # type: ignore[arg-type]
        kwonly_params=only("keyword"),
        star_kwarg=double[0] if double else None,
    )


def _end(entries: list[_Entry], fields: set[str]) -> int:
    """The index after the last entry of `fields`."""
    return max((i + 1 for i, entry in enumerate(entries) if entry.field in fields), default=0)


def _first_default(entries: list[_Entry], end: int) -> int:
    for index, entry in enumerate(entries[:end]):
        if isinstance(entry.item, cst.Param) and entry.item.default is not None:
            return index
    return end


def _inserted(entries: list[_Entry], index: int, new: _Entry, opening: Whitespace) -> list[_Entry]:
    items = sequences.insert([entry.item for entry in entries], index, new.item, opening)
    fields = [entry.field for entry in entries]
    fields.insert(index, new.field)
    return [_Entry(field, item) for field, item in zip(fields, items, strict=True)]
