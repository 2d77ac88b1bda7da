"""`@declared_attr` on `__tablename__` and its like, which map nothing."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class
from migrate_async.knowledge.sqlalchemy import DECLARATIVE_BASES
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.models.attributes import declared_by, method
from migrate_async.plan.models.bench import NAME, Bench

_DIRECTIVES = frozenset({"__tablename__", "__table_args__", "__mapper_args__"})
_TEXTS = frozenset({"capitalize", "format", "join", "lower", "replace", "removesuffix", "upper"})


def plan_directive(project: Project, cls: Class, node: s.FunctionDef, bench: Bench) -> bool:
    """Add the edits of `node` if it is a directive; whether it is one."""
    decorator = declared_by(project, cls, node) if node.name in _DIRECTIVES else None
    if decorator is None:
        return False
    is_plain = not (isinstance(decorator, s.Attribute) and decorator.attr != "declared_attr")
    if not is_plain:
        return True
    edit = p.ReplaceExpression(span=decorator.span, codemod=NAME, code="{}.directive")
    bench.found.edits.append(edit)
    if node.returns is None and _is_text(project, cls, node):
        bench.found.edits.append(p.AnnotateReturn(span=node.span, codemod=NAME, code="str"))
    return True


def _is_text(project: Project, cls: Class, node: s.FunctionDef) -> bool:
    """Whether what `__tablename__` returns is a string, whatever way it takes."""
    function = method(cls, node) if node.name == "__tablename__" else None
    if function is None or not isinstance(node.body[-1], s.Return):
        return False
    if _reads_its_name(node) and DECLARATIVE_BASES.isdisjoint(project.bases(cls)):
        return False  # type checkers take `cls` for an object, which has no `__name__`
    return all(_is_string(value) for value in function.returns)


def _reads_its_name(node: s.FunctionDef) -> bool:
    return any(isinstance(item, s.Attribute) and item.attr == "__name__" for item in s.walk(node))


def _is_string(value: s.Expr | None) -> bool:
    if isinstance(value, s.Constant):
        return value.kind == "str"
    func = value.func if isinstance(value, s.Call) else None
    return isinstance(func, s.Attribute) and func.attr in _TEXTS
