"""What `migrate` leaves in a project for code that stays sync, and who uses it.

def get_sync_db(db: AsyncSession = Depends(get_db)) -> Session: ...
SyncDbDep = Annotated[Session, Depends(get_sync_db)]
sync_engine = create_engine(...)
SyncSessionLocal = sessionmaker(bind=sync_engine)
SessionLocal = async_sessionmaker(..., sync_session_class=HopSession)
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migrate_async.index.project import Function, Module, Project
from migrate_async.index.scopes import FromBinding
from migrate_async.knowledge.shim import SYNC_ENGINE_PREFIX, SYNC_FACTORY_PREFIX
from migrate_async.model import syntax as s
from migrate_async.plan.aliases import find_aliases
from migrate_async.plan.twins import SYNC_DEPENDENCY

HOP_ARGUMENT = "sync_session_class"
_HOP_SESSION = "HopSession"


class Piece(msgspec.Struct, frozen=True, eq=False):
    """One statement that is there only for the time of the migration; `name` is what it binds."""

    module: Module
    name: str
    statement: s.Stmt


class Use(msgspec.Struct, frozen=True, eq=False):
    """Where a piece is named, apart from other pieces and from imports."""

    module: Module
    node: s.Node
    name: str


def find_pieces(project: Project) -> tuple[Piece, ...]:
    """All pieces, in order of module and line."""
    found = [*_dependencies(project), *_variables(project), *_aliases(project)]
    return tuple(sorted(found, key=lambda piece: (piece.module.path, piece.statement.span)))


def find_uses(project: Project, pieces: tuple[Piece, ...]) -> Iterator[Use]:
    """The uses of `pieces`: names, attributes, and strings that mention one.

    A name is taken for a use wherever it was imported from: rather one too many than a piece gone
    that somebody needs.
    """
    names = {piece.name for piece in pieces}
    inside = {node for piece in pieces for node in s.walk(piece.statement)}
    homes = {(piece.module.name, piece.name) for piece in pieces}
    for module in project.modules.values():
        local = _local_names(module, names, homes)
        for statement in module.syntax.body:
            for node in s.walk(statement):
                if node in inside:
                    continue
                name = _mentioned(node, local, names)
                if name and isinstance(node, s.Node):
                    yield Use(module, node, name)


def hop_factories(project: Project) -> Iterator[tuple[Module, s.Call]]:
    """The factories whose sessions also serve code that stays sync."""
    for factory in project.session_factories:
        call = factory.value
        if factory.kind != "async_sessionmaker" or not isinstance(call, s.Call):
            continue
        for keyword in call.keywords:
            is_hop = s.dotted_name(keyword.value).rpartition(".")[2] == _HOP_SESSION
            if keyword.arg == HOP_ARGUMENT and is_hop:
                yield factory.module, call


def sync_sides(project: Project, pieces: tuple[Piece, ...]) -> Iterator[Use]:
    """Where code takes the sync side of an async session, which needs a `HopSession`."""
    inside = {node for piece in pieces for node in s.walk(piece.statement)}
    for fn in project.functions:
        for node in _attributes(fn):
            is_side = node.attr == "sync_session" and node not in inside
            if is_side and project.session_kind(node.value, project.scope_of(node)) == "async":
                yield Use(fn.module, node, node.attr)


# --- finding -----------------------------------------------------------------------------------


def _dependencies(project: Project) -> Iterator[Piece]:
    """`get_sync_db`, as long as it still only hands out the sync side of a session."""
    for fn in project.functions:
        if (
            fn.name != SYNC_DEPENDENCY
            or fn.cls is not None
            or not isinstance(fn.node, s.FunctionDef)
        ):
            continue
        last = fn.node.body[-1]
        value = last.value if isinstance(last, s.Return) else None
        if isinstance(value, s.Attribute) and value.attr == "sync_session":
            yield Piece(fn.module, fn.name, fn.node)


def _variables(project: Project) -> Iterator[Piece]:
    """Sync engines and factories beside an async one of the same name."""
    twins = (
        (project.session_factories, SYNC_FACTORY_PREFIX),
        (project.engines, SYNC_ENGINE_PREFIX),
    )
    for variables, prefix in twins:
        is_async = {(v.module.name, v.name) for v in variables if v.kind.startswith("async")}
        for variable in variables:
            twin = (variable.module.name, variable.name.removeprefix(prefix))
            is_piece = variable.name.startswith(prefix) and twin in is_async
            if is_piece and variable.scope.kind == "module":
                statement = project.statement_of(variable.value)
                yield Piece(variable.module, variable.name, statement)


def _aliases(project: Project) -> Iterator[Piece]:
    for alias in find_aliases(project):
        twin = alias.name.removeprefix("Sync")
        if SYNC_DEPENDENCY in alias.source and twin != alias.name:
            yield Piece(alias.module, alias.name, alias.statement)


def _local_names(module: Module, names: set[str], homes: set[tuple[str, str]]) -> dict[str, str]:
    """What `module` calls the pieces: local name to name."""
    local = {name: name for name in names if (module.name, name) in homes}
    for bound, bindings in module.scope.names.items():
        for binding in bindings:
            if isinstance(binding, FromBinding) and binding.name in names:
                local[bound] = binding.name
    return local


def _mentioned(node: s.AnyNode, local: dict[str, str], names: set[str]) -> str:
    if isinstance(node, s.Name):
        return local.get(node.id, "")
    if isinstance(node, s.Attribute):
        return node.attr if node.attr in names else ""
    if isinstance(node, s.Constant) and node.kind == "str":
        words = set(str(node.value).replace(".", " ").replace(":", " ").split())
        return min(words & names, default="")
    return ""


def _attributes(fn: Function) -> Iterator[s.Attribute]:
    nodes = [call.node.func for call in fn.calls] + [item.node for item in fn.references]
    for node in nodes:
        yield from (inner for inner in s.walk(node) if isinstance(inner, s.Attribute))
