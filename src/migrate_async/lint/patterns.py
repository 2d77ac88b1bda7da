"""What rules about an API have in common: which calls and names of the code are SQLAlchemy's.

Names are canonical (`knowledge.sqlalchemy.canonical`); a method is called `sqlalchemy.Engine.begin`
after the class that has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeGuard

from migrate_async.index import types as t
from migrate_async.index.project import CallSite, Model
from migrate_async.index.scopes import Function, Module, Scope, last_name
from migrate_async.knowledge.legacy_api import Change
from migrate_async.lint.library_calls import LibraryCalls, Use, names_of
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Applicability, Confidence, Fix
from migrate_async.model.plan import AnyEdit, ImportChange
from migrate_async.plan.queries.names import Imports

CODEMOD = "lint"
SAFE = Applicability.SAFE.value
UNSAFE = Applicability.UNSAFE.value
"""The owner of the edits of fixes."""


def uses(view: View, names: Collection[str]) -> Iterator[Use]:
    """The calls of the functions and methods `names`."""
    for use in view.analysis(LibraryCalls).of(names):
        if view.is_selected(use.function):
            yield use


def names(view: View, expr: s.Expr, scope: Scope) -> frozenset[str]:
    """What SQLAlchemy calls the value of `expr`."""
    return frozenset(name for item in view.project.infer(expr, scope) for name in names_of(item))


def keyword(call: s.Call, name: str) -> s.Keyword | None:
    """The keyword argument `name` of `call`, as a node."""
    return next((item for item in call.keywords if item.arg == name), None)


def is_string(expr: s.Expr) -> TypeGuard[s.Constant]:
    """Whether `expr` is a plain string."""
    return isinstance(expr, s.Constant) and expr.kind == "str"


def is_false(expr: s.Expr) -> bool:
    """Whether `expr` is `False` or `None`."""
    return isinstance(expr, s.Constant) and (
        expr.kind == "None" or (expr.kind == "bool" and not expr.value)
    )


def is_guarded(view: View, node: s.AnyNode) -> bool:
    """Whether `node` runs under a `try` or an `if`, as code for several releases does."""
    around = view.project.parent(node)
    while not isinstance(around, s.ModuleSyntax):
        if isinstance(around, s.Try | s.Handler):
            return True
        if isinstance(around, s.If) and _tells_apart(around.test):
            return True
        around = view.project.parent(around)
    return False


def _tells_apart(test: s.Expr) -> bool:
    """Whether a condition is about a release, or about type checkers."""
    words = {
        last_name(part).lower() for part in s.walk(test) if isinstance(part, s.Name | s.Attribute)
    }
    return (
        any("version" in word or "sqlalchemy" in word for word in words) or "type_checking" in words
    )


def imported(view: View, function: Function, dotted: str) -> tuple[str, tuple[ImportChange, ...]]:
    """How the module of `function` can say `dotted`, and the import that it needs for that."""
    inner = [fn for fn in view.project.functions_of(function.module) if not fn.is_module]
    return Imports(function.module, inner).name(dotted)


def safe(title: str, *edits: AnyEdit, imports: tuple[ImportChange, ...] = ()) -> Fix:
    """A fix that keeps the meaning of the code."""
    return Fix(title, SAFE, edits, imports)


def unsafe(title: str, *edits: AnyEdit, imports: tuple[ImportChange, ...] = ()) -> Fix:
    """A fix that wants to be reviewed."""
    return Fix(title, UNSAFE, edits, imports)


def confidence(view: View, change: Change, *, by_name: bool = False) -> Confidence:
    """How sure a finding about `change` is; what only 2.1 changes may not concern the project."""
    if by_name:
        return Confidence.LOW
    concerns = change.removed not in ("", "2.1") or change.deprecated not in ("", "2.1")
    if concerns or view.project.settings.target_sqlalchemy == "2.1":
        return Confidence.HIGH
    return Confidence.MEDIUM


class Argument(NamedTuple):
    """An argument that a call should no longer give."""

    use: Use
    node: s.Keyword
    label: str
    change: Change


def arguments(view: View, table: Mapping[str, Mapping[str, Change]]) -> Iterator[Argument]:
    """The keyword arguments of `table` that the code gives."""
    for use in uses(view, table):
        for item in use.node.keywords:
            change = table[use.name].get(item.arg or "")
            if change is None or (change.harmless_if_false and is_false(item.value)):
                continue
            yield Argument(use, item, f"`{last_name(use.node.func)}({item.arg}=...)`", change)


def imports(module: Module) -> Iterator[tuple[s.ImportFrom, s.ImportedName]]:
    """Every name that `module` imports from SQLAlchemy or SQLModel, at any depth."""
    for statement in statements(module.syntax.body):
        if type(statement) is not s.ImportFrom or statement.level:
            continue
        if statement.module.startswith(("sqlalchemy", "sqlmodel")):
            for name in statement.names:
                yield statement, name


_NESTED: dict[type[s.Stmt], tuple[str, ...]] = {
    s.If: ("body", "orelse"),
    s.For: ("body", "orelse"),
    s.While: ("body", "orelse"),
    s.With: ("body",),
    s.Try: ("body", "handlers", "orelse", "finalbody"),
    s.Match: ("cases",),
    s.FunctionDef: ("body",),
    s.ClassDef: ("body",),
}
"""Where the statements inside a compound statement are."""


def statements(body: Iterable[s.Stmt]) -> Iterator[s.Stmt]:
    """`body` and the statements inside it, at any depth, in source order."""
    pending = [*body][::-1]
    while pending:
        statement = pending.pop()
        yield statement
        for field in reversed(_NESTED.get(type(statement), ())):
            inner = getattr(statement, field)
            if field in ("handlers", "cases"):
                for part in reversed(inner):
                    pending += reversed(part.body)
            else:
                pending += reversed(inner)


def mentions(view: View, module: Module, name: str) -> Iterator[s.Name]:
    """Every place in `module` where the name `name` is read."""
    for function in view.project.functions_of(module):
        if view.is_selected(function):
            read = [*(c.node.func for c in function.calls), *(r.node for r in function.references)]
            yield from (node for node in read if isinstance(node, s.Name) and node.id == name)


def chain_root(expr: s.Expr) -> s.Call | None:
    """The call that a chain of calls starts with: `db.query(User)` in `db.query(User).all()`."""
    root: s.Call | None = None
    while True:
        if isinstance(expr, s.Call):
            root = expr if not _is_step(expr) else None
            if root is not None:
                return root
            expr = expr.func
        elif isinstance(expr, s.Attribute):
            expr = expr.value
        else:
            return None


def _is_step(call: s.Call) -> bool:
    """Whether `call` is a method of what another call gives."""
    func = call.func
    return (
        isinstance(func, s.Attribute)
        and isinstance(func.value, s.Call | s.Attribute)
        and any(isinstance(part, s.Call) for part in s.walk(func.value))
    )


def lead_entity(view: View, expr: s.Expr, scope: Scope) -> tuple[str, Model] | None:
    """The one entity that a query or `select()` in a chain is about, as the code writes it."""
    root = chain_root(expr)
    if root is None or not root.args or not s.dotted_name(root.args[0]):
        return None
    for item in view.project.infer(expr, scope):
        entities = item.entities if isinstance(item, t.QueryOf | t.SelectOf) else ()
        if len(entities) == 1 and entities[0].kind == "class" and entities[0].model is not None:
            model = view.project.models.get(entities[0].model.qualname)
            return None if model is None else (s.dotted_name(root.args[0]), model)
    return None


def attributes(function: Function, names: Collection[str]) -> Iterator[tuple[s.Attribute, Scope]]:
    """Every attribute of these names in the chains that `function` reads or calls."""
    if function.module.attributes.isdisjoint(names):
        return
    chains: list[tuple[s.Expr, Scope]] = [(c.node.func, c.scope) for c in function.calls]
    chains += [(reference.node, reference.scope) for reference in function.references]
    seen: set[s.Attribute] = set()
    for chain, scope in chains:
        expr = chain
        while type(expr) is s.Attribute:
            if expr.attr in names and expr not in seen:
                seen.add(expr)
                yield expr, scope
            expr = expr.value


def header(function: Function) -> s.Node:
    """`def name` of a function, as the place of a finding about the function itself."""
    node = function.node
    if not isinstance(node, s.FunctionDef):
        return node or s.Node(1, 0, 1, 0)
    keyword_width = len("async def ") if node.is_async else len("def ")
    end = node.col + keyword_width + len(node.name)
    return s.Node(node.line, node.col, node.line, end)


def is_sync_operation(site: CallSite) -> bool:
    """Whether a call talks to the database through a sync session, engine or connection."""
    operation = site.operation
    return operation is not None and operation.owner != "result" and not operation.is_async
