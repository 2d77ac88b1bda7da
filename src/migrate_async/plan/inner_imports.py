"""Names that functions import for themselves, `from app.database import get_db`.

They do so where an import at the top of the module would go in a circle. What takes the place of
such a name is imported there as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from migrate_async.index.plain_givers import entered_at
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, Scope
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.names import absolute, import_path, names_in
from migrate_async.plan.references import inner_imports, names_below


@dataclass(frozen=True)
class InnerImport:
    """`statement` in `owner` binds the name `bound`."""

    owner: Function
    statement: s.ImportFrom
    bound: str

    @property
    def name(self) -> str:
        """What it is called in the module that it comes from."""
        return _name(self.statement, self.bound)

    def uses(self) -> Iterator[s.Name]:
        """Where `owner`, and what is defined in it, uses the name."""
        if self.owner.node is None:
            return
        for node in names_below(self.owner.node):
            if isinstance(node, s.Name) and node.id == self.bound:
                yield node


def find_inner_import(project: Project, node: s.Expr) -> InnerImport | None:
    """The import in a function that binds `node`, or what its dotted name begins with."""
    while isinstance(node, s.Attribute):
        node = node.value
    if not isinstance(node, s.Name):
        return None
    scope: Scope | None = project.scope_of(node)
    while scope is not None and scope.kind != "module":
        if scope.kind == "function" and node.id in scope.names:
            return _imported(scope.function, node.id)
        scope = scope.parent
    return None


def _imported(owner: Function, name: str) -> InnerImport | None:
    for statement in inner_imports(owner):
        if any((item.asname or item.name) == name for item in statement.names):
            return InnerImport(owner, statement, name)
    return None


@dataclass(frozen=True)
class _Name:
    """`bound` is `name` of the module `home`."""

    home: str
    name: str
    bound: str

    @property
    def text(self) -> str:
        return self.name if self.name == self.bound else f"{self.name} as {self.bound}"


@dataclass
class InnerImports:
    """The imports in functions that change; `codemod` is named in the edits."""

    codemod: str
    _changes: dict[s.ImportFrom, dict[str, dict[_Name, None]]] = field(default_factory=dict)
    _modules: dict[s.ImportFrom, Module] = field(default_factory=dict)

    def rename(
        self, module: Module, statement: s.ImportFrom, bound: str, home: str, name: str
    ) -> None:
        """Let `bound` be `name` of `home`."""
        self._put(module, statement, bound, _Name(home, name, bound))

    def add(self, found: InnerImport, home: Module, name: str, wanted: str, *, keep: bool) -> str:
        """Import `name` of `home` beside the name that is there, or, unless `keep`, for it.

        As `wanted`, if that is free. What it is called is given back.
        """
        module, statement, bound = found.owner.module, found.statement, found.bound
        for known in self._changes.get(statement, {}).get(bound, ()):
            if (known.home, known.name) == (home.name, name):
                return known.bound
        is_free = wanted == bound or wanted not in names_in(found.owner)
        called = wanted if is_free and wanted not in module.scope.names else name
        if keep:
            self._put(module, statement, bound, _item(module, statement, bound))
        self._put(module, statement, bound, _Name(home.name, name, called))
        return called

    def _put(self, module: Module, statement: s.ImportFrom, bound: str, name: _Name) -> None:
        self._modules[statement] = module
        self._changes.setdefault(statement, {}).setdefault(bound, {})[name] = None

    def edits(self) -> Iterator[tuple[Module, p.AnyEdit]]:
        """The edits, with their modules."""
        for statement, module in self._modules.items():
            code = self._written(statement, module)
            yield module, p.ReplaceStatement(span=statement.span, codemod=self.codemod, code=code)

    def _written(self, statement: s.ImportFrom, module: Module) -> str:
        changes = self._changes[statement]
        names: dict[_Name, None] = {}
        for item in statement.names:
            bound = item.asname or item.name
            names.update(changes.get(bound) or {_item(module, statement, bound): None})
        homes: dict[str, list[str]] = {}
        for name in names:
            homes.setdefault(name.home, []).append(name.text)
        here = absolute(module, statement)
        own = f"{'.' * statement.level}{statement.module}"
        return "\n".join(
            f"from {own if home == here else import_path(module, home)} import {', '.join(texts)}"
            for home, texts in homes.items()
        )


def _item(module: Module, statement: s.ImportFrom, bound: str) -> _Name:
    """`bound` as the statement imports it."""
    return _Name(absolute(module, statement), _name(statement, bound), bound)


def _name(statement: s.ImportFrom, bound: str) -> str:
    return next(item.name for item in statement.names if (item.asname or item.name) == bound)


def is_only_fetched(project: Project, found: InnerImport) -> bool:
    """Whether the name is used for nothing but `next(get_db())` and its like."""
    return all(_is_fetched(project, node) for node in found.uses())


def _is_fetched(project: Project, node: s.Name) -> bool:
    call = project.parent(node)
    around = project.parent(call) if isinstance(call, s.Call) else None
    if not isinstance(call, s.Call) or not isinstance(around, s.Call):
        return False
    if call.func is node:
        return s.dotted_name(around.func) == "next"
    return entered_at(around) is node
