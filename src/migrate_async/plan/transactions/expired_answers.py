"""Answers that were empty, because a commit had expired the object and nothing read it since.

    db.commit()
    return user  # of a route without a response model

FastAPI shows what is loaded of such an object: nothing. The async session keeps what it has, and
the answer would show it, be it the hash of a password. An object that is surely of the session is
expired again; elsewhere the answer shows more, and somebody has to look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from migrate_async.index.project import Project
from migrate_async.index.routes import Route
from migrate_async.index.scopes import Function, Module, ValueBinding, last_name
from migrate_async.index.types import Instance, elements
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at, note
from migrate_async.plan.blocks import called, targets
from migrate_async.plan.loads.dynamic import DEPENDS_ON_LOADS
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.transactions.commits import commits, is_model
from migrate_async.plan.transactions.flushes import commit_expires
from migrate_async.plan.transactions.positions import Position, positions

NAME = "async-colour"

_MAX_HELPERS = 5
_LEAVES = frozenset({"delete", "expunge", "make_transient", "make_transient_to_detached"})
"""What takes an object out of its session, now or with the commit."""
_SHOWS = "from now on it shows what the object has"
_SHOWS_MEANWHILE = "until the route migrates it shows what the object has"
_GIVE = "give the route a response model, or nothing, if it is right so"
_EXPIRES = "`expire()` keeps it so"
_TAKE_OUT = "give the route a response model, or refresh the object, if it is to be shown"


def expired_answers(
    project: Project, converts: Callable[[Function], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """For routes that convert, or their helpers, which return such objects."""
    if not commit_expires(project):
        return
    answering = {route.function: None for route in project.routes if _shows_loaded(project, route)}
    told: set[tuple[str, s.Span]] = set()
    for route in answering:
        is_kept = not converts(route)
        if is_kept and not _takes_side(project, route, converts):
            continue
        for function, value, expiring in _expired(project, route):
            place = (function.module.path, value.span)
            if converts(function) is is_kept or place in told:
                continue
            told.add(place)
            if is_kept:
                yield function.module, _shown(function, value, _SHOWS_MEANWHILE)
            elif _is_answered(project, function, answering, _MAX_HELPERS):
                yield function.module, _kept_empty(function, value, expiring)
            else:
                yield function.module, _shown(function, value, _SHOWS)


def _expired(
    project: Project, route: Function
) -> Iterator[tuple[Function, s.Name, list[Position]]]:
    """What `route` or a helper returns that commits have expired, with these."""
    for function, value in _returned(project, route, _MAX_HELPERS):
        expiring = _expiring(project, function, value)
        if expiring:
            yield function, value, expiring


def _takes_side(project: Project, route: Function, converts: Callable[[Function], bool]) -> bool:
    """Whether `route` gets the sync side of an async session, whose commits read objects anew."""
    return any(
        target in project.session_dependencies and converts(target)
        for site in project.calls(route)
        for target in (site.targets if site.kind == "dependency" else ())
    )


def _is_answered(
    project: Project, function: Function, answering: Container[Function], depth: int
) -> bool:
    """Whether routes of `answering` return what `function` does, and nobody else gets it."""
    sites = project.callers(function)
    if function not in answering and (not sites or project.value_uses(function)):
        return False
    return not sites or all(
        depth > 0
        and site.kind == "call"
        and any(site.node in _parts(returned) for returned in site.function.returns)
        and _is_answered(project, site.function, answering, depth - 1)
        for site in sites
    )


def _shown(function: Function, value: s.Name, what: str) -> ModuleEdits:
    return ModuleEdits(diagnostics=[_told(function, value, what, _GIVE)])


def _kept_empty(function: Function, value: s.Name, expiring: Sequence[Position]) -> ModuleEdits:
    """What expires `value` again after each commit, if it is known how."""
    sessions = [_session_of(function, value, position) for position in expiring]
    if not all(sessions):
        return _shown(function, value, _SHOWS)
    found = ModuleEdits(diagnostics=[_told(function, value, _EXPIRES, _TAKE_OUT)])
    for position, session in zip(expiring, sessions, strict=True):
        code, span = f"{session}.expire({value.id})", position.statement.span
        found.edits.append(p.InsertStatements(span=span, codemod=NAME, code=code, after=True))
    return found


def _session_of(function: Function, value: s.Name, position: Position) -> str:
    """The parameter that commits there; empty unless `value` is surely an object of its session."""
    call = called(position.statement, awaited=False)
    session, _, method = s.dotted_name(call.func).rpartition(".") if call is not None else ("",) * 3
    if method != "commit" or session not in {param.name for param in function.params}:
        return ""
    if len(function.scope.names.get(value.id, ())) != 1 or _is_used(function, value, position):
        return ""
    is_added = position.last(lambda statement: _adds(statement, session, value.id)) is not None
    is_set = position.last(lambda statement: _sets(statement, value.id)) is not None
    return session if is_added or (is_set and _is_queried(function, value, session)) else ""


def _is_used(function: Function, value: s.Name, position: Position) -> bool:
    """Whether something else than answers may use the object after the commit at `position`."""
    if any(isinstance(block[index], s.For | s.While) for block, index in position.path):
        return True
    commit = position.statement.span[:2]
    answers = {part for returned in function.returns for part in _parts(returned)}
    return any(
        node.id == value.id and node.span[:2] > commit and node not in answers
        for node in function.nodes(s.Name)
    )


def _adds(statement: s.Stmt, session: str, name: str) -> bool:
    """`db.add(user)`."""
    call = called(statement, awaited=False)
    if call is None or s.dotted_name(call.func) != f"{session}.add":
        return False
    return any(_is(argument, name) for argument in call.args)


def _sets(statement: s.Stmt, name: str) -> bool:
    """`user.name = ...`, which tells that it is an object, and not None."""
    return any(isinstance(t, s.Attribute) and _is(t.value, name) for t in targets(statement))


def _is_queried(function: Function, value: s.Name, session: str) -> bool:
    """Whether the function has `value` from a query of its own on `session`, and nothing else."""
    bindings = function.scope.names.get(value.id, ())
    return bool(bindings) and all(
        isinstance(binding, ValueBinding) and _is(_root(binding.value), session)
        for binding in bindings
    )


def _root(node: s.Expr) -> s.Expr:
    """`db` of `db.query(User).first()`."""
    while isinstance(node, s.Call | s.Attribute):
        node = node.func if isinstance(node, s.Call) else node.value
    return node


def _gives_away(call: s.Call, name: str) -> bool:
    """Whether `call` may take the object of that name out of its session."""
    return last_name(call.func) in _LEAVES and any(_is(node, name) for node in call.args)


def _is(node: s.Expr, name: str) -> bool:
    return isinstance(node, s.Name) and node.id == name


def _shows_loaded(project: Project, route: Route) -> bool:
    """Whether the answers of `route` are not read attribute by attribute.

    Those of a route without a response model are not, nor objects of SQLModel that are themselves
    of the response model.
    """
    if route.response_model is None:
        return True
    mapped = {model.cls for model in project.models.values()}
    types = elements(project.annotated(route.response_model, route.scope))
    return any(isinstance(item, Instance) and item.cls in mapped for item in types)


def _returned(
    project: Project, function: Function, depth: int
) -> Iterator[tuple[Function, s.Name]]:
    """The names that `function` returns, or what it calls for its answer."""
    for value in function.returns:
        for part in _parts(value):
            made: s.Expr | None = part
            if isinstance(part, s.Name):
                yield function, part
                is_only_bound = len(_named(function, part)) == 1
                made = project.value_of(part, function.scope) if is_only_bound else None
            for site in project.calls(function) if depth else ():
                for target in site.targets if site.node is made else ():
                    yield from _returned(project, target, depth - 1)


def _parts(value: s.Expr) -> Iterator[s.Expr]:
    """`value`, or what stands in it, where it is a display."""
    if isinstance(value, s.Mapping | s.Sequence):
        for part in value.values if isinstance(value, s.Mapping) else value.items:
            yield from _parts(part)
    elif isinstance(value, s.Await):
        yield value.value
    else:
        yield value


def _expiring(project: Project, function: Function, value: s.Name) -> list[Position]:
    """The commits before `value`, an object, since which nothing has read that."""
    if not isinstance(function.node, s.FunctionDef):
        return []
    named = _named(function, value)
    if not named or not is_model(project, value, function.scope):
        return []
    if any(_gives_away(node, value.id) for node in function.nodes(s.Call)):
        return []  # a commit expires what is in the session
    if _is_read_beside(project, function, value):
        return []
    return [
        position
        for position in positions(function.node.body)
        if max(named) < position.statement.span[:2] < value.span[:2]
        and commits(project, position.statement, "sync")
    ]


def _is_read_beside(project: Project, function: Function, value: s.Name) -> bool:
    """Whether an attribute is read in the same statement: `{"user": user, "id": user.id}`."""
    statement = project.statement_of(value)
    return any(
        _is(node.value, value.id) and project.statement_of(node) is statement
        for node in function.nodes(s.Attribute)
    )


def _named(function: Function, value: s.Name) -> list[tuple[int, int]]:
    """Where the name `value` stands before: where it is bound, and where it is read."""
    return [
        node.span[:2]
        for node in function.nodes(s.Name)
        if node.id == value.id and node.span[:2] < value.span[:2]
    ]


def _told(function: Function, value: s.Name, what: str, next_step: str) -> Diagnostic:
    tell = note if what == _EXPIRES else at
    text = f"the answer shows nothing of `{value.id}`, which the commit expires; {what}"
    return tell(function.module.path, value.span, DEPENDS_ON_LOADS, text, next_step)
