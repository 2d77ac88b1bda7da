"""Evaluate the expressions of one function for the queries in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from migrate_async.index.scopes import Function, last_name
from migrate_async.knowledge import query_refusals as why
from migrate_async.knowledge.pagination import TAKES_QUERY_ALONE
from migrate_async.knowledge.query_api import CRITERION_CONSUMERS, MEMBERS, Kind
from migrate_async.model import syntax as s
from migrate_async.plan.pages import Page, page_of
from migrate_async.plan.queries.chains import Piece, Step, Usage, Value
from migrate_async.plan.queries.dynamic import Holders
from migrate_async.plan.queries.flow import Flow
from migrate_async.plan.queries.ledger import Handed, Ledger, Truth, refused
from migrate_async.plan.queries.names import bindings
from migrate_async.plan.queries.network import Given, Network
from migrate_async.plan.queries.project import Target
from migrate_async.plan.queries.state import Binding, QueryState, SessionRef, merge
from migrate_async.plan.text import text

_LISTING = frozenset(
    {"list", "set", "tuple", "frozenset", "sorted", "dict", "sum", "min", "max", "any", "all"}
    | {"enumerate", "zip", "map", "filter", "iter", "reversed"}
)
_TEXT = frozenset({"str", "repr", "print", "format", "id", "type", "debug", "info", "warning"})
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "&", "|"})
_CHANGES = frozenset({"append", "remove", "extend", "add"})
"""Methods of a dynamic relationship by which it changes; they read nothing."""


class Evaluator:
    """Implements `flow.Expressions` for `function`."""

    def __init__(self, network: Network, function: Function, ledger: Ledger) -> None:
        self._network = network
        self._project = network.project
        self._transitions = network.transitions
        self._holders = Holders(self._project)
        self._function = function
        self._ledger = ledger

    # --- flow.Expressions ----------------------------------------------------------------------

    def value(self, expr: s.Expr, names: Flow) -> Value | None:
        evaluate = _EVALUATORS.get(type(expr))
        if evaluate is not None:
            return evaluate(self, expr, names)
        for child in s.children(expr):
            self._escape(child, names, "it is part of an expression")  # type: ignore[arg-type]
        return None

    def use(self, value: Value | None, usage: Usage, where: str = "") -> None:
        if value is None:
            return
        for piece in value.pieces:
            piece.usage = usage
            self._ledger.pieces[piece.root] = piece
            if usage is Usage.ESCAPED:
                problem = refused(why.ESCAPES, self._function, piece.node, where=where)
                self._ledger.refuse({piece.root}, problem)

    def assigned(self, target: s.Expr, names: Flow) -> None:
        value = self.value(target, names)
        if value is not None and any(piece.is_dynamic for piece in value.pieces):
            self.use(value, Usage.KEPT)
            self._refuse(value, why.DYNAMIC, target, text=text(target))

    def test(self, expr: s.Expr, names: Flow) -> None:
        if isinstance(expr, s.Operation) and expr.operator in ("and", "or"):
            for operand in expr.operands:
                self.test(operand, names)
        elif isinstance(expr, s.Operation) and expr.operator == "not":
            self._denied(expr, names)
        else:
            self._truth(expr, expr, "is not None", names)

    def returned(self, value: Value) -> None:
        function = self._function
        if function.is_route:
            self.use(value, Usage.ESCAPED, "it is returned to FastAPI")
            return
        self.use(value, Usage.KEPT)
        self._ledger.groups.union([("return", function), *value.state.origins])
        self._network.learn_return(function, value.state)

    def annotated(self, value: Value, annotation: s.Expr) -> None:
        self._ledger.annotations.append((self._function, annotation, value.state))

    def parameters(self) -> Iterable[tuple[str, QueryState]]:
        return self._network.parameters(self._function)

    def closure(self, name: str) -> Binding | None:
        return self._network.closure(self._function, name)

    # --- truth ---------------------------------------------------------------------------------

    def _denied(self, node: s.Operation, names: Flow) -> None:
        """`not x`."""
        operand = node.operands[0]
        if isinstance(operand, s.Name):
            self._truth(operand, node, "is None", names)
        else:
            self.test(operand, names)

    def _truth(self, expr: s.Expr, asks: s.Expr, test: str, names: Flow) -> None:
        """`asks` wants to know whether `expr` is true; of a name, it can say what it asks."""
        value = self.value(expr, names)
        self.use(value, Usage.KEPT)
        if value is None or not isinstance(expr, s.Name):
            self._refuse(value, why.TRUTH, expr)
            return
        roots = tuple(piece.root for piece in value.pieces)
        truth = Truth(self._function, asks, roots, f"{expr.id} {test}")
        self._ledger.truths[asks] = truth

    def _chosen(self, node: s.Operation, names: Flow) -> None:
        """`x and y`, whose value is one of them."""
        for operand in node.operands:
            value = self.value(operand, names)
            self.use(value, Usage.KEPT)
            self._refuse(value, why.TRUTH, operand)

    # --- pieces --------------------------------------------------------------------------------

    def _piece(self, root: s.Expr, state: QueryState, head: s.Call | None = None) -> Value:
        """A new piece; `state` is what is known about where its query comes from."""
        self._ledger.groups.union([root, *state.origins])
        state = state.at(root)
        return Value((Piece(self._function, root, head, [state], root),), state)

    def _single(self, value: Value, node: s.Expr) -> Piece:
        """The piece that a step on `value`, the value of `node`, is added to."""
        if len(value.pieces) == 1 and value.pieces[0].node is node:
            return value.pieces[0]
        self.use(value, Usage.KEPT)
        return self._piece(node, value.state).pieces[0]

    def _step(self, base: Value, node: s.Expr, step: Step) -> Value | None:
        """Make `step` on `base`, the value of `node`."""
        piece = self._single(base, node)
        if not step.ends:
            piece.add(step, self._transitions.after(piece.state, step, self._function))
            return Value((piece,), piece.state)
        piece.add(step, piece.state)
        self.use(Value((piece,), piece.state), Usage.KEPT)
        if step.member is None:
            problem = refused(why.UNKNOWN_MEMBER, self._function, step.node, member=step.name)
            self._ledger.refuse({piece.root}, problem)
        return None

    def _refuse(self, value: Value | None, refusal: why.Refusal, node: s.Expr, **fill: str) -> None:
        if value is not None:
            roots = [piece.root for piece in value.pieces]
            self._ledger.refuse(roots, refused(refusal, self._function, node, **fill))

    def _escape(self, expr: s.Expr | None, names: Flow, where: str) -> None:
        if expr is not None:
            self.use(self.value(expr, names), Usage.ESCAPED, where)

    # --- names, attributes, subscripts ---------------------------------------------------------

    def _name(self, node: s.Name, names: Flow) -> Value | None:
        binding = names.read(node.id)
        if binding is None or binding.state is None:
            return None
        value = self._piece(node, binding.state)
        if binding.other:
            self._refuse(value, why.ESCAPES, node, where=f"`{node.id}` may be something else")
        return value

    def _attribute(self, node: s.Attribute, names: Flow) -> Value | None:
        if node.attr == "statement" and self._project.is_dynamic(node.value):
            return None  # it was translated before
        base = self.value(node.value, names)
        if base is None:
            return self._dynamic(node) if self._project.is_dynamic(node) else self._property(node)
        member = MEMBERS.get(node.attr)
        if member is not None and (member.is_property or member.kind is Kind.REFUSE):
            return self._step(base, node.value, Step(node.attr, node))
        self.use(base, Usage.ESCAPED, f"`.{node.attr}` of it is used as a value")
        return None

    def _dynamic(self, node: s.Attribute) -> Value:
        """A relationship that is a query on the session of its object."""
        state = self._relationship(node)
        value = self._piece(node, state or self._transitions.unknown(node))
        value.pieces[0].is_dynamic = True
        if state is None:
            self.use(value, Usage.KEPT)
            self._refuse(value, why.DYNAMIC, node, text=text(node))
        return value

    def _relationship(self, node: s.Attribute) -> QueryState | None:
        """What is known about the query `node`; None: its object may not be in the database."""
        found = self._project.dynamic(node)
        if found is None or not isinstance(node.value, s.Name):
            return None
        state = self._transitions.of_relationship(found, node)
        loaded = self._holders.of(node.value, self._function)
        if state is None or loaded is None:
            return None
        if loaded.session:
            return replace(state, session=SessionRef(self._function, loaded.session))
        bound = bindings(node.value.id, self._project.scope(node))
        if len(bound) != 1:
            return None
        return replace(state, session=SessionRef(self._function, node.value.id, is_owner=True))

    def _property(self, node: s.Attribute) -> Value | None:
        """A query that a property of the project gives."""
        targets = [Target(found, None, _no_call(node)) for found in self._properties.get(node, ())]
        for target in targets:
            target.receiver = node.value
        return self._given(node, targets, {})

    @cached_property
    def _properties(self) -> dict[s.Expr, tuple[Function, ...]]:
        sites = self._project.project.calls(self._function)
        return {site.node: site.targets for site in sites if site.kind == "property"}

    def _subscript(self, node: s.Subscript, names: Flow) -> Value | None:
        base = self.value(node.value, names)
        self._escape(node.index, names, "it is an index")
        if base is None:
            return None
        return self._step(base, node.value, Step("__getitem__", node))

    # --- calls ---------------------------------------------------------------------------------

    def _call(self, node: s.Call, names: Flow) -> Value | None:
        func = node.func
        if isinstance(func, s.Attribute):
            if self._network.makes_query(node):
                return self._head(node, func, names)
            if func.attr in _CHANGES and self._project.is_dynamic(func.value):
                self._use_arguments(node, names, Usage.KEPT)
                return None
            base = self.value(func.value, names)
            if base is not None:
                self._use_arguments(node, names, Usage.EMBEDDED)
                return self._step(base, func.value, Step(func.attr, node))
        else:
            self._escape(func, names, "it is called")
        return self._plain_call(node, names)

    def _head(self, node: s.Call, func: s.Attribute, names: Flow) -> Value:
        self._escape(func.value, names, "it is asked for a query")
        self._use_arguments(node, names, Usage.EMBEDDED)
        return self._piece(node, self._transitions.start(node, self._function), node)

    def _use_arguments(self, node: s.Call, names: Flow, usage: Usage) -> None:
        for value in _values(node):
            self.use(self.value(value, names), usage)

    def _plain_call(self, node: s.Call, names: Flow) -> Value | None:
        given = [(arg, self.value(arg, names)) for arg in _values(node)]
        handed = [(arg, value) for arg, value in given if value is not None]
        targets = self._project.targets(node) if handed or self._may_give(node) else []
        page = self._page(node) if handed and not targets else None
        for arg, value in handed:
            if page is not None:
                self._page_of(page, arg, value)
            else:
                self._hand_over(node, arg, value, targets)
        return self._given(node, targets, {arg: value.state for arg, value in handed})

    def _may_give(self, node: s.Call) -> bool:
        return self._network.has_returns and isinstance(node.func, s.Name | s.Attribute)

    def _page(self, node: s.Call) -> Page | None:
        return page_of(self._project.project, node, self._project.scope(node))

    def _page_of(self, page: Page, arg: s.Expr, value: Value) -> None:
        """A query of which a library makes a page; one that comes alone brings the session."""
        is_alone = page.call.args[:1] == (arg,)
        named = (*_keywords(page.call, "query"), *_keywords(page.call, "count_query"))
        is_query = arg in page.call.args[:2] or arg in named
        if not is_query or (is_alone and page.function not in TAKES_QUERY_ALONE):
            self.use(value, Usage.ESCAPED, "it is an argument of `paginate`")
        elif is_alone and len(value.pieces) != 1:
            self.use(value, Usage.ESCAPED, "a condition chooses which of two makes a page")
        else:
            for piece in value.pieces:
                piece.page = page.call
            self.use(value, Usage.KEPT)

    def _hand_over(self, node: s.Call, arg: s.Expr, value: Value, targets: list[Target]) -> None:
        if not targets:
            usage, where = self._consumer(node)
            self.use(value, usage, where)
            if usage is Usage.KEPT:
                self._refuse(value, why.TEXT_LABELS, arg)
            return
        for target in targets:
            param = target.parameter(arg)
            if param is None:
                where = f"`{target.function.name}` takes it in `*args` or `**kwargs`"
                self.use(value, Usage.ESCAPED, where)
                continue
            self.use(value, Usage.KEPT)
            key = "param", target.function, param
            self._ledger.groups.union([key, *value.state.origins])
            self._ledger.handed.append(
                Handed(self._function, node, target.function, param, value.state)
            )
            seen = self._network.seen_inside(value.state, target, param)
            self._network.learn_param(target.function, param, seen)

    def _consumer(self, node: s.Call) -> tuple[Usage, str]:
        """What a callee that is no project function does with a query."""
        name = last_name(node.func)
        external = self._project.external(node.func)
        if name == "isinstance":
            return Usage.ESCAPED, "its class is asked for"
        if isinstance(node.func, s.Name) and name in _LISTING:
            return Usage.LISTED, ""
        if name in _TEXT:
            return Usage.KEPT, ""
        if external.startswith(("sqlalchemy.", "sqlmodel.")):
            return Usage.EMBEDDED, ""
        is_criterion = name in CRITERION_CONSUMERS and not self._project.is_foreign(node.func)
        if isinstance(node.func, s.Attribute) and is_criterion:
            return Usage.EMBEDDED, ""
        return Usage.ESCAPED, f"it is an argument of `{name or 'a call'}`"

    def _given(self, node: s.Expr, targets: list[Target], given: Given) -> Value | None:
        """The query that a call of `targets` gives; `given` are the queries it gets."""
        merged: QueryState | None = None
        origins = []
        silent = False
        for target in targets:
            state = self._network.returned(target.function)
            if state is None:
                silent = silent or bool(target.function.returns)
                continue
            seen = self._network.seen_outside(state, target, self._function, given)
            merged = seen if merged is None else merge(merged, seen)
            origins.append(("return", target.function))
        if merged is None:
            return None
        self._ledger.groups.union([node, *origins])
        value = self._piece(node, merged)
        if silent:
            self._refuse(value, why.ESCAPES, node, where="the call may give something else")
        return value

    # --- other expressions ---------------------------------------------------------------------

    def _conditional(self, node: s.Conditional, names: Flow) -> Value | None:
        self.test(node.test, names)
        one, other = self.value(node.body, names), self.value(node.orelse, names)
        if one is None or other is None:
            value = one or other
            missing = node.orelse if one is not None else node.body
            if value is not None and not _is_none(missing):
                self.use(value, Usage.ESCAPED, "a condition chooses between it and something else")
                return None
            return value
        return Value((*one.pieces, *other.pieces), merge(one.state, other.state))

    def _named(self, node: s.NamedExpression, names: Flow) -> Value | None:
        value = self.value(node.value, names)
        names.assume(node.target, value, node.value)
        return None if value is None else self._piece(node, value.state)

    def _operation(self, node: s.Operation, names: Flow) -> Value | None:
        if node.operator == "not":
            self._denied(node, names)
            return None
        if node.operator in ("and", "or"):
            self._chosen(node, names)
            return None
        for position, operand in enumerate(node.operands):
            value = self.value(operand, names)
            if node.operator in ("in", "not in") and position:
                self.use(value, Usage.LISTED)
            elif node.operator in ("is", "is not", "f-string", "format"):
                self.use(value, Usage.KEPT)
            elif node.operator in _COMPARISONS:
                is_none = any(_is_none(other) for other in node.operands)
                self.use(value, Usage.KEPT if is_none else Usage.EMBEDDED)
            else:
                self.use(value, Usage.ESCAPED, f"it is an operand of `{node.operator}`")
        return None

    def _sequence(self, node: s.Sequence, names: Flow) -> None:
        for item in node.items:
            self._escape(item, names, f"it is kept in a {node.kind}")

    def _mapping(self, node: s.Mapping, names: Flow) -> None:
        for part in (*node.keys, *node.values):
            self._escape(part, names, "it is kept in a dict")

    def _comprehension(self, node: s.Comprehension, names: Flow) -> None:
        self.use(self.value(node.generators[0].iter, names), Usage.LOOPED)
        with names.inside(generator.target for generator in node.generators):
            for number, generator in enumerate(node.generators):
                if number:
                    self.use(self.value(generator.iter, names), Usage.LOOPED)
                for condition in generator.conditions:
                    self.test(condition, names)
            for element in node.elements:
                self._escape(element, names, "it is an element of a comprehension")

    def _lambda(self, node: s.Lambda, names: Flow) -> None:
        for param in node.params:
            self._escape(param.default, names, "it is a default")

    def _starred(self, node: s.Starred, names: Flow) -> None:
        self.use(self.value(node.value, names), Usage.LISTED)

    def _await(self, node: s.Await, names: Flow) -> Value | None:
        value = self.value(node.value, names)
        if value is None or self._project.project.bridged(node.value) is not None:
            return value
        self.use(value, Usage.KEPT)
        return self._piece(node, value.state)

    def _yield(self, node: s.Yield, names: Flow) -> None:
        if node.value is not None and node.is_from:
            self.use(self.value(node.value, names), Usage.LISTED)
        else:
            self._escape(node.value, names, "it is yielded")


def _keywords(call: s.Call, name: str) -> list[s.Expr]:
    return [keyword.value for keyword in call.keywords if keyword.arg == name]


def _values(call: s.Call) -> Iterator[s.Expr]:
    yield from call.args
    for keyword in call.keywords:
        yield keyword.value


def _is_none(expr: s.Expr) -> bool:
    return isinstance(expr, s.Constant) and expr.kind == "None"


def _no_call(node: s.Attribute) -> s.Call:
    return s.Call(*node.span, node, (), ())


_EVALUATORS: dict[type, Callable[[Evaluator, Any, Flow], Value | None]] = {
    s.Name: Evaluator._name,
    s.Attribute: Evaluator._attribute,
    s.Call: Evaluator._call,
    s.Subscript: Evaluator._subscript,
    s.Conditional: Evaluator._conditional,
    s.NamedExpression: Evaluator._named,
    s.Operation: Evaluator._operation,
    s.Sequence: Evaluator._sequence,
    s.Mapping: Evaluator._mapping,
    s.Comprehension: Evaluator._comprehension,
    s.Lambda: Evaluator._lambda,
    s.Starred: Evaluator._starred,
    s.Await: Evaluator._await,
    s.Yield: Evaluator._yield,
}
