"""What becomes of the value of an expression: is it awaited, handed on, or used as it is?"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.project import Function, Project
from migrate_async.index.scopes import last_name
from migrate_async.knowledge import coroutines as known
from migrate_async.model import syntax as s


class Usage(enum.Enum):
    """`AWAITED`: awaited, or given to something that sees to it. `RETURNED`: the caller has it.

    `HANDED_ON`: given to code that nothing is known about. `USED`: used as if it were the result,
    or not used at all.
    """

    AWAITED = "awaited"
    RETURNED = "returned"
    HANDED_ON = "handed on"
    USED = "used"


_PASSED_THROUGH = (s.Starred, s.Sequence, s.Keyword, s.NamedExpression)
"""Around a value without using it."""


class Usages:
    """Answers for the expressions of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, node: s.Expr, function: Function, *, follow: bool = True) -> Usage:
        """What `function` does with the value of `node`.

        With `follow`, a value that is kept under a name is looked for where the name is read.
        """
        child: s.AnyNode = node
        while True:
            parent = self._project.parent(child)
            if isinstance(parent, s.ModuleSyntax):
                return Usage.USED
            if not self._is_passed_through(child, parent):
                break
            child = parent
        return self._at(child, parent, function, follow=follow)

    def _is_passed_through(self, child: s.AnyNode, parent: s.AnyNode) -> bool:
        if isinstance(parent, s.Conditional):
            return child is not parent.test
        if isinstance(parent, s.Operation):
            return parent.operator in ("and", "or")
        if isinstance(parent, s.Comprehension):
            return any(child is element for element in parent.elements)
        return isinstance(parent, _PASSED_THROUGH)

    def _at(
        self, child: s.AnyNode, parent: s.AnyNode, function: Function, *, follow: bool
    ) -> Usage:
        if isinstance(parent, s.Await):
            return Usage.AWAITED
        if isinstance(parent, s.Return) or (isinstance(parent, s.Lambda) and child is parent.body):
            return Usage.RETURNED
        if isinstance(parent, s.Call) and child is not parent.func:
            return self._argument(parent, function, follow=follow)
        if isinstance(parent, s.Assign | s.AnnotatedAssign | s.AugmentedAssign):
            return self._assigned(parent, function, follow=follow)
        if not follow and isinstance(parent, s.For | s.Generator | s.Subscript):
            return Usage.HANDED_ON  # `for task in tasks: await task`
        return Usage.HANDED_ON if isinstance(parent, s.Yield) else Usage.USED

    # --- arguments -----------------------------------------------------------------------------

    def _argument(self, call: s.Call, function: Function, *, follow: bool) -> Usage:
        name = last_name(call.func)
        if name in known.AWAITING:
            return Usage.AWAITED
        if isinstance(call.func, s.Attribute) and name in known.COLLECTING:
            return self._kept(call.func.value, function, follow=follow)
        types = self._project.infer(call.func, self._project.scope_of(call))
        uses = bool(types) and all(_uses_its_arguments(item) for item in types)
        return Usage.USED if uses else Usage.HANDED_ON

    # --- names ---------------------------------------------------------------------------------

    def _assigned(
        self,
        statement: s.Assign | s.AnnotatedAssign | s.AugmentedAssign,
        function: Function,
        *,
        follow: bool,
    ) -> Usage:
        target = statement.targets[0] if isinstance(statement, s.Assign) else statement.target
        return self._kept(target, function, follow=follow)

    def _kept(self, target: s.Expr, function: Function, *, follow: bool) -> Usage:
        """The best that is done with what `target` holds; a place others can read is handed on."""
        if not isinstance(target, s.Name) or function.is_module or not follow:
            return Usage.HANDED_ON
        found = {self.of(node, function, follow=False) for node in self._reads(target.id, function)}
        order = (Usage.AWAITED, Usage.HANDED_ON, Usage.RETURNED)
        return next((usage for usage in order if usage in found), Usage.USED)

    def _reads(self, name: str, function: Function) -> Iterator[s.Name]:
        for reference in function.references:
            if isinstance(reference.node, s.Name) and reference.node.id == name:
                yield reference.node


def _uses_its_arguments(item: t.Type) -> bool:
    """Whether a callee is known to take values, not coroutines: builtins, and project classes."""
    if isinstance(item, t.External):
        return item.dotted.startswith("builtins.")
    if isinstance(item, t.ExternalMethod):
        return item.owner.startswith(("builtins.", "sqlalchemy."))
    return isinstance(item, t.ClassObject)
