"""Annotations of converted code: `Session` to `AsyncSession`, `Iterator` to `AsyncIterator`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from migrate_async.index.dataclass_init import written_init
from migrate_async.index.parameters import is_depends
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Scope, last_name
from migrate_async.index.types import External
from migrate_async.knowledge.async_api import GENERATOR_COUNTERPARTS, TYPE_COUNTERPARTS
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.names import local_name
from migrate_async.plan.text import source

NAME = "async-colour"
_CONTEXTS = frozenset({"AbstractContextManager", "ContextManager"})


@dataclass
class AnnotationEdits:
    edits: list[p.AnyEdit] = field(default_factory=list)
    imports: list[p.ImportChange] = field(default_factory=list)
    unneeded: list[str] = field(default_factory=list)


def annotation_edits(
    project: Project,
    function: Function,
    *,
    converts: bool,
    gone: frozenset[s.AnyNode] = frozenset(),
) -> AnnotationEdits:
    """The annotations of the function's own parameters, return value and variables.

    Unless it `converts`, a generator function goes on being a sync generator. What is `gone` has
    no annotations any more.
    """
    found = AnnotationEdits()
    node = function.node
    if not isinstance(node, s.FunctionDef):
        return found
    scope = function.scope
    for annotation in _annotations(node):
        if annotation in gone:
            found.unneeded += [part.id for part in s.walk(annotation) if isinstance(part, s.Name)]
        else:
            retype(project, scope, annotation, found)
    if converts and node.returns is not None and function.is_generator:
        generator_edits(project, scope, node.returns, found)
    return found


def declared_sessions(project: Project, cls: Class) -> AnnotationEdits:
    """The annotations in the body of `cls`: `db: Session`, `db: Session = Depends(get_db)`.

    Those of a dataclass are annotations of the parameters of its `__init__`.
    """
    found = AnnotationEdits()
    if written_init(cls.node) is not None:
        return found
    for statement in cls.node.body:
        if isinstance(statement, s.AnnotatedAssign) and _is_given_later(statement.value):
            types = project.annotated(statement.annotation, cls.scope)
            if project.session_kind_of(types) == "sync":
                retype(project, cls.scope, statement.annotation, found)
    return found


def _is_given_later(value: s.Expr | None) -> bool:
    """Whether an attribute gets its value from FastAPI, or by an assignment."""
    if value is None or is_depends(value):
        return True
    return isinstance(value, s.Constant) and value.kind == "None"


def retype(project: Project, scope: Scope, expr: s.AnyNode, found: AnnotationEdits) -> None:
    """Replace every sync SQLAlchemy class that `expr` names."""
    for node in _types(expr):
        if isinstance(node, s.Constant):
            _quoted(project, scope, node, found)
            continue
        counterpart = _counterpart(project, scope, node)
        if counterpart is not None:
            _replace(scope, node, counterpart, found)
    for head in _contexts(project, scope, expr):
        _rename_generic(project, scope, head, found)


def _contexts(project: Project, scope: Scope, expr: s.AnyNode) -> Iterator[s.Name | s.Attribute]:
    """The heads of `ContextManager[Session]`, at any depth in `expr`."""
    for node in s.walk(expr):
        if not isinstance(node, s.Subscript) or last_name(node.value) not in _CONTEXTS:
            continue
        inside = (name for name in _types(node.index) if not isinstance(name, s.Constant))
        if isinstance(node.value, s.Name | s.Attribute) and any(
            _counterpart(project, scope, name) for name in inside
        ):
            yield node.value


def _annotations(node: s.FunctionDef) -> Iterator[s.Expr]:
    for param in node.params:
        if param.annotation is not None:
            yield param.annotation
    if node.returns is not None:
        yield node.returns
    for statement in blocks.statements(node.body):
        if isinstance(statement, s.AnnotatedAssign):
            yield statement.annotation


def _types(expr: s.AnyNode) -> Iterator[s.Name | s.Attribute | s.Constant]:
    """Names and dotted names in `expr`, outermost first; strings of a quoted annotation."""
    if isinstance(expr, s.Name) or (isinstance(expr, s.Attribute) and s.dotted_name(expr)):
        yield expr
    elif isinstance(expr, s.Constant):
        if expr.kind == "str":
            yield expr
    elif not isinstance(expr, s.Call):
        for child in s.children(expr):
            yield from _types(child)


def _counterpart(
    project: Project, scope: Scope, node: s.Name | s.Attribute
) -> tuple[str, str] | None:
    for found in project.infer(node, scope):
        if isinstance(found, External) and found.dotted in TYPE_COUNTERPARTS:
            return TYPE_COUNTERPARTS[found.dotted]
    return None


def _replace(
    scope: Scope, node: s.Name | s.Attribute, counterpart: tuple[str, str], found: AnnotationEdits
) -> None:
    module, name = counterpart
    local = local_name(scope.module, module, name)
    if local is None:
        local = name
        found.imports.append(p.ImportChange(NAME, module, name))
    found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=local))
    found.unneeded.append(s.dotted_name(node).partition(".")[0])


def quoted_classes(
    project: Project, function: Function, names: Iterable[s.Name]
) -> dict[str, tuple[str, p.ImportChange]]:
    """What stands for those of `names` that are sync classes, and the import of that."""
    found: dict[str, tuple[str, p.ImportChange]] = {}
    for name in names:
        counterpart = _counterpart(project, function.scope, name)
        if counterpart is not None:
            module, new = counterpart
            found[name.id] = (new, p.ImportChange(NAME, module, new))
    return found


def _quoted(project: Project, scope: Scope, node: s.Constant, found: AnnotationEdits) -> None:
    text = str(node.value)
    for word in re.findall(r"[A-Za-z_]\w*", text):
        name = s.Name(*node.span, word)
        counterpart = _counterpart(project, scope, name)
        if counterpart is not None:
            module, new = counterpart
            found.imports.append(p.ImportChange(NAME, module, new))
            code = repr(re.sub(rf"\b{word}\b", new, text)).replace("'", '"')
            found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))
            found.unneeded.append(word)
            return


def generator_edits(
    project: Project, scope: Scope, returns: s.Expr, found: AnnotationEdits
) -> None:
    """`Generator[X, Y, Z]` has no return type in its async form; `Iterator` just changes name."""
    head = returns.value if isinstance(returns, s.Subscript) else returns
    if not isinstance(head, (s.Name, s.Attribute)):
        return
    last = last_name(head)
    if last not in GENERATOR_COUNTERPARTS or any(edit.span == head.span for edit in found.edits):
        return
    code = _rename_generic(project, scope, head, found)
    items = _items(returns)
    if last == "Generator" and len(items) == 3:
        _without_return_type(returns, code, items, found)


def _rename_generic(
    project: Project, scope: Scope, head: s.Name | s.Attribute, found: AnnotationEdits
) -> str:
    """`Iterator` to `AsyncIterator`, `ContextManager` to `AsyncContextManager`; the new name."""
    prefix, _, last = s.dotted_name(head).rpartition(".")
    new = GENERATOR_COUNTERPARTS[last]
    if not prefix:
        found.imports.append(p.ImportChange(NAME, _module_of(project, scope, head), new))
        found.unneeded.append(last)
    code = f"{prefix}.{new}" if prefix else new
    found.edits.append(p.ReplaceExpression(span=head.span, codemod=NAME, code=code))
    return code


def _items(returns: s.Expr) -> tuple[s.Expr, ...]:
    if isinstance(returns, s.Subscript) and isinstance(returns.index, s.Sequence):
        return returns.index.items
    return ()


def _without_return_type(
    returns: s.Expr, head: str, items: tuple[s.Expr, ...], found: AnnotationEdits
) -> None:
    inner = {node.span for node in s.walk(returns) if isinstance(node, s.Node)}
    replaced = {
        edit.span: edit.code
        for edit in found.edits
        if isinstance(edit, p.ReplaceExpression) and edit.span in inner
    }
    arguments = ", ".join(_replaced(item, replaced) for item in items[:2])
    found.edits[:] = [edit for edit in found.edits if edit.span not in inner]
    used = {edit.code for edit in found.edits if isinstance(edit, p.ReplaceExpression)}
    spans = [node.span for node in s.walk(items[2]) if isinstance(node, s.Node)]
    dropped = {replaced[span] for span in spans if span in replaced} - used
    dropped = {code for code in dropped if code not in arguments}
    found.imports[:] = [change for change in found.imports if change.name not in dropped]
    found.edits.append(
        p.ReplaceExpression(span=returns.span, codemod=NAME, code=f"{head}[{arguments}]")
    )


def _replaced(expr: s.Expr, replaced: dict[s.Span, str]) -> str:
    """The source of `expr` with the replacements planned inside it."""
    if expr.span in replaced:
        return replaced[expr.span]
    if isinstance(expr, s.Subscript):
        return f"{_replaced(expr.value, replaced)}[{_replaced(expr.index, replaced)}]"
    if isinstance(expr, s.Sequence) and expr.kind == "tuple":
        return ", ".join(_replaced(item, replaced) for item in expr.items)
    return source(expr)


def _module_of(project: Project, scope: Scope, head: s.Expr) -> str:
    for found in project.infer(head, scope):
        if isinstance(found, External) and "." in found.dotted:
            return found.dotted.rpartition(".")[0]
    return "collections.abc"
