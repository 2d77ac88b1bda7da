"""`Base = declarative_base()` and `@as_declarative()` as `class Base(DeclarativeBase)`."""

from __future__ import annotations

from migrate_async.index.made_bases import given_bases
from migrate_async.index.project import Project
from migrate_async.index.scopes import Module
from migrate_async.index.types import External
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.plan.models.bench import NAME
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.text import source_if_simple

_FACTORY = "sqlalchemy.orm.declarative_base"
_DECORATOR = "sqlalchemy.orm.as_declarative"


class Bases:
    """Plans the declarative bases of one module."""

    def __init__(self, project: Project, module: Module) -> None:
        self._project = project
        self._module = module

    def plan(self, found: ModuleEdits) -> None:
        """Add the edits of every base that the module's top level makes."""
        for statement in self._module.syntax.body:
            if isinstance(statement, s.Assign | s.AnnotatedAssign):
                self._called(statement, found)
            elif isinstance(statement, s.ClassDef):
                self._decorated(statement, found)

    def _called(self, statement: s.Assign | s.AnnotatedAssign, found: ModuleEdits) -> None:
        call = statement.value
        if not isinstance(call, s.Call) or not self._is(call.func, _FACTORY):
            return
        target = statement.targets[0] if isinstance(statement, s.Assign) else statement.target
        is_plain = isinstance(statement, s.AnnotatedAssign) or len(statement.targets) == 1
        body, mixins = self._body(call), self._mixins(call)
        if not is_plain or not isinstance(target, s.Name) or body is None or mixins is None:
            found.diagnostics.append(
                at(
                    self._module.path,
                    call.span,
                    "MA552",
                    "this declarative base is left as it is: an argument has no equivalent",
                    "write `class Base(DeclarativeBase)` by hand; the models work with either",
                )
            )
            return
        base = add_import(found, self._module, "sqlalchemy.orm", "DeclarativeBase", NAME)
        bases = ", ".join([*mixins, base])
        code = f"class {target.id}({bases}):\n{body}"
        found.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME, code=code))
        found.unneeded.append(s.dotted_name(call.func).partition(".")[0])

    def _body(self, call: s.Call) -> str | None:
        """The body of the class; None when an argument cannot be carried over."""
        lines: list[str] = []
        if call.args:
            return None
        for given in call.keywords:
            if given.arg == "cls":
                continue
            written = source_if_simple(given.value)
            if given.arg != "metadata" or written in ("", "None"):
                return None
            lines.append(f"    metadata = {written}")
        return "\n".join(lines or ["    pass"]) + "\n"

    @staticmethod
    def _mixins(call: s.Call) -> list[str] | None:
        """The classes that it makes its own; None when one has no name."""
        names = list(map(s.dotted_name, given_bases(call)))
        return [name for name in names if name != "object"] if all(names) else None

    def _decorated(self, node: s.ClassDef, found: ModuleEdits) -> None:
        for decorator in node.decorators:
            func = decorator.func if isinstance(decorator, s.Call) else decorator
            is_bare = not isinstance(decorator, s.Call) or not (
                decorator.args or decorator.keywords
            )
            if not self._is(func, _DECORATOR) or not is_bare or node.keywords:
                continue
            base = add_import(found, self._module, "sqlalchemy.orm", "DeclarativeBase", NAME)
            found.edits.append(p.RemoveDecorator(span=decorator.span, codemod=NAME))
            found.edits.append(p.AddBase(span=node.span, codemod=NAME, code=base))
            found.unneeded.append(s.dotted_name(func).partition(".")[0])

    def _is(self, func: s.Expr, dotted: str) -> bool:
        types = self._project.infer(func, self._module.scope)
        return any(isinstance(item, External) and item.dotted == dotted for item in types)
