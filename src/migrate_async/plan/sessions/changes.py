"""What becomes of one function for the sake of its sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.inner_imports import InnerImports
from migrate_async.plan.names import import_path, local_name
from migrate_async.plan.sessions.provider import Provider

NAME = "session-injection"


@dataclass(frozen=True)
class SessionPlan:
    """Edits of one function. `gone` are the nodes that vanish: nothing in them is awaited."""

    edits: tuple[p.AnyEdit, ...] = ()
    imports: tuple[p.ImportChange, ...] = ()
    unneeded: tuple[str, ...] = ()
    gone: frozenset[s.AnyNode] = frozenset()
    sessions: int = 0
    injected: str = ""
    source: tuple[str, str] = ("", "")
    """Module and name of the dependency that gives the injected session."""


@dataclass
class SessionChanges:
    """Collects it.

    With `expires_late`, sessions that are made without a factory expire their objects when a query
    meets them after a commit.
    """

    project: Project
    provider: Provider
    function: Function
    node: s.FunctionDef
    expires_late: Callable[[], bool]
    edits: list[p.AnyEdit] = field(default_factory=list)
    imports: list[p.ImportChange] = field(default_factory=list)
    unneeded: list[str] = field(default_factory=list)
    gone: list[s.AnyNode] = field(default_factory=list)
    injected: str = ""
    inner: InnerImports = field(default_factory=lambda: InnerImports(NAME))

    def result(self, sessions: int) -> SessionPlan:
        """All of it, in a function that gets so many `sessions`."""
        gone = frozenset(node for root in self.gone for node in s.walk(root))
        return SessionPlan(
            (*self.edits, *(edit for _, edit in self.inner.edits())),
            tuple(self.imports),
            tuple(dict.fromkeys(self.unneeded)),
            gone,
            sessions,
            self.injected,
            self.provider.dependency,
        )

    def imported(self, module: str, name: str) -> str:
        """What `name` of `module` is called here, imported if it is not yet."""
        importer = self.function.module
        if importer.name == module:
            return name
        local = local_name(importer, module, name)
        if local is None:
            local = name
            path = import_path(importer, module)
            self.imports.append(p.ImportChange(NAME, path, name))
        return local

    def unneed(self, call: s.Call) -> None:
        """The names in `call` are not used there any more."""
        for node in s.walk(call):
            if isinstance(node, s.Name):
                self.unneeded.append(node.id)

    def remove(self, statement: s.Stmt) -> None:
        """Leave `statement` out, once."""
        if statement not in self.gone:
            self.gone.append(statement)
            self.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME))

    def remove_generator(self, made: s.Assign | None) -> None:
        """Leave out `generator = get_db()`."""
        if made is not None and isinstance(made.value, s.Call):
            self.remove(made)
            self.unneed(made.value)

    def assignments(self, name: str) -> int:
        """How often the function gives `name` a value."""
        return len(self.function.scope.names.get(name, ()))
