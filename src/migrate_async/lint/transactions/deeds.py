"""What a piece of code does with a session: the deeds on it, in the order of the text."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index.scopes import Function, Scope, ValueBinding, last_name
from migrate_async.knowledge import transactions as known
from migrate_async.lint.flow.graph import Step, StepKind
from migrate_async.lint.flow.handlers import catches_every_failure
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.plan import blocks

_EVALUATING = frozenset({StepKind.RUN, StepKind.TEST, StepKind.ENTER})
_MAX_DEPTH = 4
_MAX_HOPS = 8


class Act(enum.Enum):
    """What is done with a session."""

    READ = "read"
    """A statement is executed that, as far as known, writes nothing."""
    WRITE = "write"
    """A statement is executed that writes."""
    STAGE = "stage"
    """Objects are added or deleted; the next flush writes them."""
    FLUSH = "flush"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    CLOSE = "close"
    BEGIN = "begin"
    """A transaction or savepoint is begun, mostly as a context manager."""
    ENTER = "enter"
    """It is entered as a context manager, which closes it at the end."""
    GIVE = "give"
    """A call gets it as an argument; see `Deed.given`."""
    ESCAPE = "escape"
    """Returned, yielded, stored or captured: others may do anything with it."""
    OTHER = "other"


STATEMENTS = frozenset({Act.READ, Act.WRITE, Act.FLUSH, Act.COMMIT})
"""Acts that talk to the database and fail when it does."""
ENDINGS = frozenset({Act.COMMIT, Act.ROLLBACK, Act.CLOSE})


class Deed(NamedTuple):
    """`node` is the call, or the mention where there is none.

    `given` are the acts of the project functions that get the session, for `GIVE`; None when
    nothing is known about the callee. `is_kept`: whatever fails there is swallowed there.
    """

    act: Act
    node: s.AnyNode
    given: frozenset[Act] | None = None
    is_kept: bool = False

    def does(self, *acts: Act) -> bool:
        """Whether it is, or may for all we know be, one of `acts`."""
        if self.act is Act.GIVE:
            return self.given is None or not self.given.isdisjoint(acts)
        return self.act in acts or self.act is Act.ESCAPE

    def surely(self, *acts: Act) -> bool:
        """Whether it is one of `acts`, here or in a function of the project that gets it."""
        if self.act is Act.GIVE:
            return self.given is not None and not self.given.isdisjoint(acts)
        return self.act in acts


class Deeds:
    """Deeds of steps and functions, each found once."""

    def __init__(self, view: View) -> None:
        self._project = view.project
        self._found: dict[tuple[s.AnyNode, str], tuple[Deed, ...]] = {}
        self._parameters: dict[tuple[Function, str], frozenset[Act]] = {}
        self._keeping: dict[tuple[Function, str], bool] = {}

    def of_step(self, step: Step, holder: str) -> tuple[Deed, ...]:
        """What `step` does with the session that the dotted name `holder` holds."""
        if step.kind not in _EVALUATING or step.node is None:
            return ()
        node = step.node.context if isinstance(step.node, s.WithItem) else step.node
        return self.of_node(node, holder)

    def of_node(self, node: s.AnyNode, holder: str) -> tuple[Deed, ...]:
        """The same for whatever is evaluated with `node`."""
        key = (node, holder)
        if key not in self._found:
            self._found[key] = tuple(self._deeds(node, holder))
        return self._found[key]

    def of_parameter(self, function: Function, name: str, depth: int = 0) -> frozenset[Act]:
        """Everything that `function` may do with the session that is its parameter `name`."""
        key = (function, name)
        if key not in self._parameters:
            self._parameters[key] = frozenset()  # for recursive functions
            self._parameters[key] = frozenset(self._acts(function, name, depth))
        return self._parameters[key]

    def _acts(self, function: Function, name: str, depth: int) -> Iterator[Act]:
        if not isinstance(function.node, s.FunctionDef):
            return
        for statement in function.node.body:
            for deed in self._deeds(statement, name, depth):
                if deed.act is not Act.GIVE:
                    yield deed.act
                elif deed.given is None:
                    yield Act.ESCAPE
                else:
                    yield from deed.given

    # --- one mention ---------------------------------------------------------------------------

    def _deeds(self, node: s.AnyNode, holder: str, depth: int = 0) -> Iterator[Deed]:
        first = holder.partition(".")[0]
        for found in s.own_code(node):
            if isinstance(found, s.FunctionDef | s.Lambda | s.ClassDef):
                if blocks.mentions(found, first):
                    yield Deed(Act.ESCAPE, found)
            elif isinstance(found, s.Name | s.Attribute) and s.dotted_name(found) == holder:
                deed = self._deed(found, depth)
                if deed is not None:
                    yield deed

    def _deed(self, node: s.Name | s.Attribute, depth: int) -> Deed | None:
        child: s.AnyNode = node
        around = self._project.parent(node)
        while isinstance(around, s.Keyword | s.Starred | s.Await):
            child, around = around, self._project.parent(around)
        if isinstance(around, s.Attribute):
            return self._method(around)
        if isinstance(around, s.Call) and child is not around.func:
            return self._given(around, node, depth)
        if isinstance(around, s.WithItem) and around.context is child:
            return Deed(Act.ENTER, node)
        if isinstance(around, s.Assign | s.AnnotatedAssign) and around.value is child:
            return Deed(Act.ESCAPE, node)
        if isinstance(around, s.Return | s.Yield | s.Sequence | s.Mapping | s.Comprehension):
            return Deed(Act.ESCAPE, node)
        return None

    def _method(self, method: s.Attribute) -> Deed:
        call = self._project.parent(method)
        if not isinstance(call, s.Call) or call.func is not method:
            return Deed(Act.OTHER, method)
        act = _SIMPLE.get(method.attr)
        if act is Act.STAGE and _only_copies(call):
            act = Act.OTHER
        if act is not None:
            return Deed(act, call)
        if method.attr == "query":
            return self._query(call)
        if method.attr in known.READS:
            scope = self._project.scope_of(call)
            writes = bool(call.args) and self._writes(call.args[0], scope)
            return Deed(Act.WRITE if writes else Act.READ, call)
        return Deed(Act.OTHER, call)

    def _query(self, call: s.Call) -> Deed:
        """`db.query(...)` with the methods called on it: run at once, or only built."""
        last, names = call, []
        method = self._project.parent(last)
        while isinstance(method, s.Attribute):
            outer = self._project.parent(method)
            if not isinstance(outer, s.Call) or outer.func is not method:
                break
            names.append(method.attr)
            last, method = outer, self._project.parent(outer)
        if not known.QUERY_WRITES.isdisjoint(names):
            return Deed(Act.WRITE, last)
        is_run = not known.QUERY_RUNS.isdisjoint(names) or isinstance(method, s.For)
        return Deed(Act.READ if is_run else Act.OTHER, last)

    def _given(self, call: s.Call, node: s.Expr, depth: int) -> Deed:
        scope = self._project.scope_of(call)
        passed = [
            (fn, param.name)
            for fn, param, value in self._project.passes(call, scope)
            if value is node
        ]
        if not passed or depth > _MAX_DEPTH:
            return Deed(Act.GIVE, call)
        given = [self.of_parameter(fn, name, depth + 1) for fn, name in passed]
        is_kept = all(self._keeps_failures(fn, name, depth + 1) for fn, name in passed)
        return Deed(Act.GIVE, call, frozenset().union(*given), is_kept)

    def _keeps_failures(self, function: Function, name: str, depth: int) -> bool:
        """Whether no failed statement of `function` on its parameter `name` gets out of it."""
        key = (function, name)
        if key not in self._keeping:
            self._keeping[key] = False  # for recursive functions
            body = function.node.body if isinstance(function.node, s.FunctionDef) else ()
            self._keeping[key] = all(
                deed.is_kept or not deed.surely(*STATEMENTS) or self._is_guarded(deed.node)
                for statement in body
                for deed in self._deeds(statement, name, depth)
            )
        return self._keeping[key]

    def _is_guarded(self, node: s.AnyNode) -> bool:
        """Whether a block around `node` swallows what it raises."""
        child: s.AnyNode | s.ModuleSyntax = node
        while not isinstance(child, s.ModuleSyntax | s.FunctionDef):
            around = self._project.parent(child)
            handlers = around.handlers if isinstance(around, s.Try) else ()
            if any(map(_swallows, handlers)) and child in getattr(around, "body", ()):
                return True
            child = around
        return False

    # --- statements ----------------------------------------------------------------------------

    def _writes(self, expr: s.Expr, scope: Scope, hops: int = 0) -> bool:
        """Whether `expr` is an INSERT, UPDATE or DELETE, as far as it can be seen."""
        if isinstance(expr, s.Constant):
            return str(expr.value).lstrip().lower().startswith(known.WRITING_WORDS)
        if isinstance(expr, s.Operation) and expr.operator in ("f-string", "+", "%"):
            return bool(expr.operands) and self._writes(expr.operands[0], scope, hops)
        if isinstance(expr, s.Name):
            bindings = scope.names.get(expr.id, ()) if hops < _MAX_HOPS else ()
            values = [b.value for b in bindings if isinstance(b, ValueBinding)]
            return any(self._writes(value, scope, hops + 1) for value in values)
        return isinstance(expr, s.Call) and self._call_writes(expr, scope, hops)

    def _call_writes(self, call: s.Call, scope: Scope, hops: int) -> bool:
        name = last_name(call.func)
        if name in known.WRITING_STATEMENTS:
            return True
        if name == "text" and call.args:
            return self._writes(call.args[0], scope, hops)
        inner = call.func.value if isinstance(call.func, s.Attribute) else None
        return isinstance(inner, s.Call | s.Name) and self._writes(inner, scope, hops + 1)


_SIMPLE: dict[str, Act] = {
    **dict.fromkeys(known.STAGES, Act.STAGE),
    **dict.fromkeys(known.WRITES, Act.WRITE),
    **dict.fromkeys(known.FLUSHES, Act.FLUSH),
    **dict.fromkeys(known.COMMITS, Act.COMMIT),
    **dict.fromkeys(known.ROLLBACKS, Act.ROLLBACK),
    **dict.fromkeys(known.CLOSES, Act.CLOSE),
    **dict.fromkeys(known.BEGINS, Act.BEGIN),
    **dict.fromkeys(known.OPENING_UP, Act.ESCAPE),
}


def _only_copies(call: s.Call) -> bool:
    """`db.merge(item, load=False)` copies an object into the session as if it were loaded."""
    return any(
        keyword.arg == "load"
        and isinstance(keyword.value, s.Constant)
        and keyword.value.kind == "bool"
        and not keyword.value.value
        for keyword in call.keywords
    )


def _swallows(handler: s.Handler) -> bool:
    """Whether a failed statement ends in `handler`."""
    raises = (
        isinstance(node, s.Raise) for statement in handler.body for node in s.own_code(statement)
    )
    return catches_every_failure(handler) and not any(raises)
