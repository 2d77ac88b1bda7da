"""Edits of one expression: await it, replace it, turn a query into a statement."""

from __future__ import annotations

import libcst as cst
import msgspec

from migrate_async.model.plan import (
    AwaitAttribute,
    AwaitCall,
    DropAwait,
    HoistExpression,
    QueryRewrite,
    RenameAttribute,
    ReplaceExpression,
    UnwrapCall,
)
from migrate_async.rewrite.arranging import Arranger
from migrate_async.rewrite.fragments import graft, parse_expression
from migrate_async.rewrite.lines import bracketed, has_breaks, moved, needs_brackets
from migrate_async.rewrite.operations import queries
from migrate_async.rewrite.operations.hoisting import hoistable
from migrate_async.rewrite.parentheses import (
    PRIMARY,
    is_head,
    parenthesised,
    precedence,
    precedence_asked,
    with_parentheses,
    without_parentheses,
)
from migrate_async.rewrite.place import Place, Replacement


def replace(edit: ReplaceExpression, node: cst.BaseExpression, place: Place) -> Replacement:
    """`edit.code`, with `node` in the place of `{}` if the code has one."""
    new = graft(edit.code, node) if "{}" in edit.code else parse_expression(edit.code)
    return Replacement(_fitted(new, place))


def drop_await(_edit: DropAwait, node: cst.BaseExpression, _place: Place) -> Replacement:
    """What `node` awaits, in the parentheses of both."""
    awaited = cst.ensure_type(node, cst.Await)
    inner = awaited.expression
    return Replacement(
        inner.with_changes(
            lpar=[*awaited.lpar, *inner.lpar],
            rpar=[*inner.rpar, *awaited.rpar],
        )
    )


def unwrap_call(_edit: UnwrapCall, node: cst.BaseExpression, place: Place) -> Replacement:
    """The only argument of the call `node`."""
    argument = cst.ensure_type(node, cst.Call).args[0].value
    return Replacement(_fitted(argument, place))


def await_call(edit: AwaitCall, node: cst.BaseExpression, place: Place) -> Replacement:
    """`await node`, or a name that a statement before has awaited it into."""
    if isinstance(node, cst.Await):
        return Replacement(node)
    wants_parentheses = place.parent is not None and is_head(place.parent, place.node)
    if edit.hoist and wants_parentheses and hoistable(place.path):
        awaited = _on_its_own(cst.Await(_operand(_bare(node))), place)
        return Replacement(cst.Name(edit.hoist), (edit.hoist, awaited))
    lpar, rpar = node.lpar, node.rpar
    awaited = cst.Await(_operand(without_parentheses(node)), lpar=lpar, rpar=rpar)
    return Replacement(_fitted(awaited, place))


def hoist(edit: HoistExpression, node: cst.BaseExpression, place: Place) -> Replacement:
    """A name that a statement before gives the value of `node`."""
    return Replacement(cst.Name(edit.name), (edit.name, _on_its_own(_bare(node), place)))


def await_attribute(edit: AwaitAttribute, node: cst.BaseExpression, place: Place) -> Replacement:
    """`await x.awaitable_attrs.name` for the attribute `x.name`."""
    attribute = cst.ensure_type(node, cst.Attribute)
    owner = cst.Attribute(_operand(attribute.value), cst.Name("awaitable_attrs"))
    return await_call(
        AwaitCall(span=edit.span, codemod=edit.codemod),
        attribute.with_changes(value=owner),
        place,
    )


def rename_attribute(edit: RenameAttribute, node: cst.BaseExpression, _place: Place) -> Replacement:
    """`x.new` for the attribute `x.old`."""
    attribute = cst.ensure_type(node, cst.Attribute)
    return Replacement(attribute.with_changes(attr=attribute.attr.with_changes(value=edit.name)))


def rewrite_query(edit: QueryRewrite, node: cst.BaseExpression, place: Place) -> Replacement:
    """The statement that the chain `node` becomes, executed if the edit says so."""
    if not (edit.hoist and edit.call and _wants_hoisting(edit, place) and hoistable(place.path)):
        edit = msgspec.structs.replace(edit, hoist="")
    result = queries.rewrite(edit, node)
    if not edit.call or edit.call == "{stmt}":
        return Replacement(_fitted(result.expression, place))
    arranger = Arranger(result.statement, place.indent, place.block, place.style.unit)
    if result.hoisted is not None:
        call = arranger.arrange(result.hoisted, "")
        name = cst.ensure_type(cst.parse_expression(result.name), cst.Name)
        return Replacement(_fitted(result.expression, place), (name.value, call))
    new = arranger.arrange(result.expression, place.outer)
    return Replacement(_fitted(new, place))


def _wants_hoisting(edit: QueryRewrite, place: Place) -> bool:
    """Is something taken from the result, or is it iterated over?"""
    return bool(edit.tail) or isinstance(place.parent, cst.For | cst.CompFor)


def _operand(node: cst.BaseExpression) -> cst.BaseExpression:
    return parenthesised(node, PRIMARY)


def _bare(node: cst.BaseExpression) -> cst.BaseExpression:
    """`node` without parentheses that were only there to hold line breaks."""
    bare = without_parentheses(node)
    return bare if precedence(bare) >= PRIMARY else node


def _on_its_own(awaited: cst.BaseExpression, place: Place) -> cst.BaseExpression:
    """`awaited` as the value of an assignment at the level of the block."""
    if not has_breaks(awaited):
        return awaited
    unit = place.style.unit
    if needs_brackets(awaited):
        return bracketed(moved(awaited, place.indent, unit), unit, "")
    return moved(awaited, place.indent, "")


def _fitted(new: cst.BaseExpression, place: Place) -> cst.BaseExpression:
    """`new`, in parentheses if its surroundings ask for them."""
    if place.touches and not new.lpar:
        return with_parentheses(new)
    return parenthesised(new, precedence_asked(place.parent, place.node))
