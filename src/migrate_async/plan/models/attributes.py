"""What maps an attribute: an assignment in a class body, or what a `declared_attr` returns."""

from __future__ import annotations

from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, FunctionBinding, Scope, last_name
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.models.bench import NAME, library_name

_DECLARED = ("sqlalchemy.orm.declared_attr", "sqlalchemy.ext.declarative.declared_attr")
_TYPED = frozenset({"Mapped", "DynamicMapped", "WriteOnlyMapped"})


@dataclass(frozen=True)
class Attribute:
    """The attribute `name` of `cls`, which the call `value` makes; `scope` is where that stands.

    `statement` is the assignment or the function, `annotation` what it says about the type now.
    """

    cls: Class
    name: str
    value: s.Call
    scope: Scope
    statement: s.Assign | s.AnnotatedAssign | s.FunctionDef
    annotation: s.Expr | None

    @property
    def is_typed(self) -> bool:
        """Whether it has its `Mapped[...]` already."""
        found = self.annotation
        if isinstance(found, s.Constant):
            return str(found.value).partition("[")[0].rpartition(".")[2] in _TYPED
        return isinstance(found, s.Subscript) and last_name(found.value) in _TYPED

    def annotated(self, code: str) -> p.AnyEdit:
        """The edit that gives it the annotation `code`."""
        if self.annotation is not None:
            return p.ReplaceExpression(span=self.annotation.span, codemod=NAME, code=code)
        is_function = isinstance(self.statement, s.FunctionDef)
        edit = p.AnnotateReturn if is_function else p.AnnotateName
        return edit(span=self.statement.span, codemod=NAME, code=code)


def attribute_of(project: Project, cls: Class, statement: s.Stmt) -> Attribute | None:
    """The attribute that `statement` in the body of `cls` gives the value of a call, if any."""
    if isinstance(statement, s.Assign):
        target = statement.targets[0] if len(statement.targets) == 1 else None
        return _assigned(cls, statement, target, None)
    if isinstance(statement, s.AnnotatedAssign):
        return _assigned(cls, statement, statement.target, statement.annotation)
    if isinstance(statement, s.FunctionDef):
        return _declared(project, cls, statement)
    return None


def _assigned(
    cls: Class,
    statement: s.Assign | s.AnnotatedAssign,
    target: s.Expr | None,
    annotation: s.Expr | None,
) -> Attribute | None:
    value = statement.value
    if not isinstance(target, s.Name) or not isinstance(value, s.Call):
        return None
    return Attribute(cls, target.id, value, cls.scope, statement, annotation)


def _declared(project: Project, cls: Class, node: s.FunctionDef) -> Attribute | None:
    function = method(cls, node)
    if function is None or len(function.returns) != 1 or declared_by(project, cls, node) is None:
        return None
    value = function.returns[0]
    if not isinstance(value, s.Call):
        return None
    return Attribute(cls, node.name, value, function.scope, node, node.returns)


def method(cls: Class, node: s.FunctionDef) -> Function | None:
    """The method of `cls` that `node` defines."""
    for binding in cls.scope.names.get(node.name, ()):
        if isinstance(binding, FunctionBinding) and binding.function.node is node:
            return binding.function
    return None


def declared_by(project: Project, cls: Class, node: s.FunctionDef) -> s.Expr | None:
    """The decorator `declared_attr`, or one of its attributes, that `node` has."""
    for decorator in node.decorators:
        root = decorator.value if isinstance(decorator, s.Attribute) else decorator
        for expr in (decorator, root):
            if library_name(project.infer(expr, cls.outer)) in _DECLARED:
                return decorator
    return None
