"""Where lines can be put that run just before an expression is evaluated."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    AnnotatedBinding,
    Function,
    IterationBinding,
    ParameterBinding,
    Scope,
    ValueBinding,
    bindings_of,
    last_name,
)
from migrate_async.index.types import ClassObject, FunctionObject
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.loads.lists import Lists
from migrate_async.plan.loads.roots import kept_bindings

_SIMPLE = (s.Assign, s.AnnotatedAssign, s.AugmentedAssign, s.ExpressionStatement, s.Return, s.Raise)
_ENDS = (s.Return, s.Raise)
_SURE = frozenset({"one", "scalar_one", "get_one", "all", "list", "sorted", "merge"})


class Statements:
    def __init__(self, project: Project) -> None:
        self._project = project
        self._lists = Lists(project)

    def before(self, node: s.AnyNode) -> s.Stmt | None:
        """The statement that lines which run before `node` can stand above."""
        child: s.AnyNode | s.ModuleSyntax = node
        while not isinstance(child, s.ModuleSyntax):
            around = self._project.parent(child)
            if isinstance(child, s.Lambda | s.FunctionDef) or blocks.is_unplaced(child):
                return None
            if isinstance(child, _SIMPLE):
                return child
            if isinstance(around, s.For | s.Match | s.Simple) and _comes_first(child, around):
                return around
            if isinstance(around, s.If) and child is around.test:
                return None if self._is_elif(around) else around
            if isinstance(around, s.While | s.With | s.Try | s.Match):
                return None
            child = around
        return None

    def hoists(self, expr: s.Expr, statement: s.Stmt) -> bool:
        """Whether `expr` is evaluated once and first in `statement`, so that it can go before."""
        if not isinstance(statement, s.Return | s.Assign | s.ExpressionStatement | s.For | s.Match):
            return False
        child: s.AnyNode = expr
        while child is not statement:
            around = self._project.parent(child)
            if isinstance(around, s.ModuleSyntax) or not self._is_first(child, around, statement):
                return False
            child = around
        return True

    def _is_first(self, child: s.AnyNode, around: s.AnyNode, statement: s.Stmt) -> bool:
        """Whether nothing in `around` is evaluated before `child`."""
        if isinstance(around, s.Call):
            parts: list[s.AnyNode] = [*around.args, *around.keywords]
            before = [] if child is around.func else parts[: parts.index(child)]
            return all(map(_is_inert, before))
        if isinstance(around, s.Sequence):
            return all(map(_is_inert, around.items[: around.items.index(child)]))
        if isinstance(around, s.Mapping):
            values = list(around.values)
            return child in values and all(map(_is_inert, values[: values.index(child)]))
        if isinstance(around, s.Generator):
            comprehension = self._project.parent(around)
            assert isinstance(comprehension, s.Comprehension)  # noqa: S101  its only parent
            return child is around.iter and around is comprehension.generators[0]
        if isinstance(around, s.Comprehension):
            return isinstance(child, s.Generator)
        kinds = s.Attribute | s.Await | s.Starred | s.Keyword
        return around is statement or isinstance(around, kinds)

    def is_list(self, name: s.Name, scope: Scope) -> bool:
        """Whether `name` surely holds a list or a set: something to iterate over twice."""
        return self._lists.is_list(name, scope)

    def may_be_none(self, name: s.Name, scope: Scope, statement: s.Stmt) -> bool:
        """Whether `name` may hold None at `statement`, as far as the code around it shows."""
        bindings = bindings_of(name.id, scope)
        return not all(map(self._is_object, bindings)) and not self._is_checked(name, statement)

    def kept_may_be_none(self, expr: s.Attribute, scope: Scope) -> bool:
        """Whether `self.user` may hold None, as far as the methods show that assign it."""
        return not all(map(self._is_object, kept_bindings(self._project, expr, scope)))

    def is_sure(self, expr: s.Expr, scope: Scope, depth: int = 3) -> bool:
        """Whether the call `expr` never gives None."""
        if not isinstance(expr, s.Call):
            return False
        types = self._project.infer(expr.func, scope)
        functions = [item.fn for item in types if isinstance(item, FunctionObject)]
        if functions and len(functions) == len(types):
            return depth > 0 and all(self._gives_object(fn, depth - 1) for fn in functions)
        makes = any(isinstance(item, ClassObject) for item in types)
        return makes or last_name(expr.func) in _SURE

    def _gives_object(self, function: Function, depth: int) -> bool:
        """Whether every way out of `function` returns something, and that is not None."""
        node = function.node
        if not isinstance(node, s.FunctionDef) or not isinstance(node.body[-1], _ENDS):
            return False
        returned = [stmt for stmt in blocks.statements(node.body) if isinstance(stmt, s.Return)]
        return bool(returned) and all(
            stmt.value is not None and self._is_some(stmt.value, stmt, depth) for stmt in returned
        )

    def _is_some(self, value: s.Expr, statement: s.Stmt, depth: int) -> bool:
        scope = self._project.scope_of(value)
        value = value.value if isinstance(value, s.Await) else value
        if isinstance(value, s.Name):
            return not self.may_be_none(value, scope, statement)
        return self.is_sure(value, scope, depth)

    def _is_object(self, binding: object) -> bool:
        if isinstance(binding, IterationBinding):
            return True
        if isinstance(binding, ParameterBinding):
            return not _mentions_none(binding.parameter)
        if not isinstance(binding, ValueBinding | AnnotatedBinding) or binding.value is None:
            return False
        value = binding.value.value if isinstance(binding.value, s.Await) else binding.value
        if isinstance(value, s.Sequence | s.Comprehension):
            return True
        return self.is_sure(value, binding.scope)

    def _is_checked(self, name: s.Name, statement: s.Stmt) -> bool:
        """Whether code above leaves, or an `if` around it asks, when `name` is None."""
        child: s.AnyNode | s.ModuleSyntax = statement
        while not isinstance(child, s.ModuleSyntax | s.FunctionDef):
            around = self._project.parent(child)
            is_inside = isinstance(around, s.If) and any(child is item for item in around.body)
            if is_inside and isinstance(around, s.If) and _says(around.test, name.id, empty=False):
                return True
            block = _block_of(child, around)
            above = block[: next((i for i, item in enumerate(block) if item is child), 0)]
            for item in above:
                if _uses_object(item, name.id):
                    return True
                leaves = isinstance(item, s.If) and not item.orelse and _leaves(item)
                if leaves and isinstance(item, s.If) and _says(item.test, name.id, empty=True):
                    return True
            child = around
        return False

    def _is_elif(self, statement: s.If) -> bool:
        around = self._project.parent(statement)
        return isinstance(around, s.If) and around.orelse == (statement,)


def _is_inert(expr: s.AnyNode) -> bool:
    if isinstance(expr, s.Keyword):
        return _is_inert(expr.value)
    if not isinstance(expr, s.Constant | s.Name | s.Attribute):
        return False
    return isinstance(expr, s.Constant) or bool(s.dotted_name(expr))


def _mentions_none(parameter: s.Parameter) -> bool:
    if isinstance(parameter.default, s.Constant) and parameter.default.kind == "None":
        return True
    if parameter.annotation is None:
        return True
    return any(
        (isinstance(node, s.Name | s.Attribute) and last_name(node) == "Optional")
        or (isinstance(node, s.Constant) and node.kind == "None")
        or (isinstance(node, s.Constant) and "None" in str(node.value))
        for node in s.walk(parameter.annotation)
    )


def _block_of(child: s.AnyNode, around: s.AnyNode | s.ModuleSyntax) -> blocks.Block:
    if isinstance(around, s.FunctionDef):
        return around.body
    if isinstance(around, s.ModuleSyntax) or not isinstance(
        around, s.If | s.For | s.While | s.With | s.Try | s.Match
    ):
        return ()
    for block in blocks.inner_blocks(around):
        if any(item is child for item in block):
            return block
    return ()


def _leaves(statement: s.If) -> bool:
    last = statement.body[-1]
    return isinstance(last, _ENDS) or (isinstance(last, s.Simple) and last.keyword != "pass")


def _uses_object(statement: s.Stmt, name: str) -> bool:
    """Whether `statement` fails if `name` is None: it sets an attribute of it, or adds it.

    A refresh of some attributes does not count: an earlier run may have written it, and the code
    is to become the same in one run.
    """
    if isinstance(statement, s.Assign):
        owners = [target.value for target in statement.targets if isinstance(target, s.Attribute)]
        return any(isinstance(owner, s.Name) and owner.id == name for owner in owners)
    value = statement.value if isinstance(statement, s.ExpressionStatement) else None
    value = value.value if isinstance(value, s.Await) else value
    if not isinstance(value, s.Call) or last_name(value.func) not in ("add", "refresh"):
        return False
    return len(value.args) == 1 and isinstance(value.args[0], s.Name) and value.args[0].id == name


def _says(test: s.Expr, name: str, *, empty: bool) -> bool:
    """Whether `test` is true just when `name` is None (or, not `empty`, is not)."""
    if isinstance(test, s.Operation) and test.operator == ("or" if empty else "and"):
        return any(_says(operand, name, empty=empty) for operand in test.operands)
    if isinstance(test, s.Name):
        return not empty and test.id == name
    if not isinstance(test, s.Operation):
        return False
    first = test.operands[0]
    if test.operator == "not":
        return _says(first, name, empty=not empty)
    wanted = "is" if empty else "is not"
    other = test.operands[-1]
    return (
        test.operator == wanted
        and isinstance(first, s.Name)
        and first.id == name
        and isinstance(other, s.Constant)
        and other.kind == "None"
    )


def _comes_first(child: s.AnyNode, statement: s.For | s.Match | s.Simple) -> bool:
    """Whether `child` is what a loop goes over, what is matched, or what is asserted."""
    if isinstance(statement, s.For):
        return child is statement.iter
    if isinstance(statement, s.Match):
        return child is statement.subject
    return statement.keyword == "assert" and child is statement.operands[0]
