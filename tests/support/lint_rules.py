"""Small rules with fixes, as values: what the machinery of the linter is tested with."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Applicability, Finding, Fix
from migrate_async.model.plan import AnyEdit, ImportChange, ReplaceExpression

DOCUMENTATION = "A rule of the tests.\n\n## Why\n\n## Fix\n\n## False alarms\n"
EXAMPLES = (Example("found", "old()  # error\n"), Example("left alone", "new()\n"))


class CallRule(Rule, ABC):
    """Finds the calls of one function by its name."""

    NAME = ""

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for call in function.calls:
                if s.dotted_name(call.node.func) == self.NAME:
                    yield self.found(call.node, function)

    def found(self, node: s.Call, function: Function) -> Finding:
        return self.finding(node, function, f"`{self.NAME}()` is called", fix=self.fix(node))

    def fix(self, node: s.Call) -> Fix | None:
        return None

    def replacing(self, node: s.Node, code: str, applicability: Applicability) -> Fix:
        edit: AnyEdit = ReplaceExpression(span=node.span, codemod=self.name(), code=code)
        return Fix(f"write {code}", applicability.value, (edit,))


class OldCall(CallRule):
    __doc__ = DOCUMENTATION
    CODE, NAME = "MA001", "old"
    CONSEQUENCE, REMEDY = "it stays old", "call new()"
    EXAMPLES = EXAMPLES

    def fix(self, node: s.Call) -> Fix:
        """`old()` becomes `new()`, which is imported."""
        edit = ReplaceExpression(span=node.func.span, codemod=self.name(), code="new")
        added = ImportChange(self.name(), "app.new", "new")
        return Fix("call new()", Applicability.SAFE.value, (edit,), imports=(added,))


class RiskyCall(CallRule):
    __doc__ = DOCUMENTATION
    CODE, NAME = "MA002", "risky"
    CONSEQUENCE, REMEDY = "it may break", "call None"
    EXAMPLES = EXAMPLES

    def fix(self, node: s.Call) -> Fix:
        return self.replacing(node, "None", Applicability.UNSAFE)


class OuterCall(CallRule):
    __doc__ = DOCUMENTATION
    CODE, NAME = "MA003", "outer"
    CONSEQUENCE, REMEDY = "it stays outside", "unwrap it"
    EXAMPLES = EXAMPLES

    def fix(self, node: s.Call) -> Fix:
        """Replaces the call and what is in it: a fix in its arguments has to wait."""
        argument = "".join(f"{s.dotted_name(a.func)}()" for a in node.args if isinstance(a, s.Call))
        return self.replacing(node, argument or "None", Applicability.SAFE)


class EndlessCall(CallRule):
    __doc__ = DOCUMENTATION
    CODE, NAME = "MA004", "endless"
    CONSEQUENCE, REMEDY = "it goes on", "nothing helps"
    EXAMPLES = EXAMPLES

    def fix(self, node: s.Call) -> Fix:
        """What it writes is found again."""
        return self.replacing(node, "(1, endless())", Applicability.SAFE)


class BrokenFix(CallRule):
    __doc__ = DOCUMENTATION
    CODE, NAME = "MA005", "broken"
    CONSEQUENCE, REMEDY = "it breaks", "report it"
    EXAMPLES = EXAMPLES

    def fix(self, node: s.Call) -> Fix:
        """The name it writes is not defined, which the verification refuses."""
        return self.replacing(node, "await nothing", Applicability.SAFE)


class FailingRule(CallRule):
    __doc__ = DOCUMENTATION
    CODE, NAME = "MA006", "fail"
    CONSEQUENCE, REMEDY = "it fails", "report it"
    EXAMPLES = EXAMPLES

    def found(self, node: s.Call, function: Function) -> Finding:
        if function.name == "bad":
            raise ZeroDivisionError("no")
        return super().found(node, function)


ALL = (OldCall, RiskyCall, OuterCall, EndlessCall, BrokenFix, FailingRule)
