"""Relationships that are read where nothing else helps are loaded together with their object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project, Relationship
from migrate_async.index.scopes import Class, Module
from migrate_async.knowledge.sqlalchemy import ON_ACCESS
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.eager_depth import EagerGraph
from migrate_async.plan.loads.analysis import Analysis
from migrate_async.plan.loads.decide import Always, Decisions
from migrate_async.plan.loads.paths import Step
from migrate_async.plan.loads.sinks import Sink
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.text import text
from migrate_async.plan.transactions.added_rows import AddedRows
from migrate_async.plan.transactions.early_relationships import EarlyRelationship
from migrate_async.plan.transactions.effects import Effects

NAME = "eager-relationships"
_EXTRA = "sa_relationship_kwargs"


@dataclass(frozen=True)
class Need:
    """`reader` reads `name` of `model` objects, at `place`, without being able to await."""

    model: Class
    name: str
    relationship: Relationship
    reader: str
    place: str
    is_endless: bool = False
    """Whether the reader follows it as far as it leads."""


def relationship_edits(project: Project, analysis: Analysis) -> dict[Module, ModuleEdits]:
    """`lazy="selectin"` for each relationship that converted code always needs loaded."""
    found: dict[Module, ModuleEdits] = {}
    needs: dict[tuple[s.Call, bool], Need] = {}
    for need in _needs((item.step, item.sink) for item in analysis.decisions.always):
        relationship = need.relationship
        if relationship.lazy in ON_ACCESS:
            key = (relationship.node, relationship.is_backref)
            if key not in needs or (need.is_endless and not needs[key].is_endless):
                needs[key] = need
    blocked = ((step, sink) for sink in analysis.strict_sinks for step in sink.reads.blocked)
    for need in _needs(blocked):
        module = need.relationship.scope.module
        edits = found.setdefault(module, ModuleEdits())
        diagnostic = _unloadable(module, need)
        if diagnostic not in edits.diagnostics:
            edits.diagnostics.append(diagnostic)
    for item in analysis.decisions.always:
        if item.step.relationship is None:
            module = item.sink.function.module
            found.setdefault(module, ModuleEdits()).diagnostics.append(_deferred(item))
    graph = EagerGraph(project, [(need.model, need.relationship) for need in needs.values()])
    for need in needs.values():
        edits = found.setdefault(need.relationship.scope.module, ModuleEdits())
        _eager(edits, need, graph.depth(need.model, need.relationship))
    return found


def loaded_too_early(decisions: Decisions) -> Iterator[EarlyRelationship]:
    """The relationships that the mapping loads from this run on."""
    led_on = {step for paths in decisions.options.values() for path in paths for step in path[:-1]}
    for step, relationship in decisions.newly_mapped.items():
        if step.target is not None:
            leads_on = step in led_on
            yield EarlyRelationship(step.model, step.name, step.target, relationship, leads_on)


def rows_added_late(project: Project, effects: Effects, analysis: Analysis) -> AddedRows:
    """What rows come too late for what the mapping loads from this run on."""
    early = loaded_too_early(analysis.decisions)
    return AddedRows(project, effects, early, analysis.sinks)


def _needs(reads: Iterable[tuple[Step, Sink]]) -> Iterator[Need]:
    for step, sink in reads:
        if step.relationship is not None:
            place = f"{sink.function.module.path}:{sink.node.line}"
            is_endless = step in sink.reads.endless
            yield Need(step.model, step.name, step.relationship, sink.reader, place, is_endless)


def _eager(edits: ModuleEdits, need: Need, depth: int) -> None:
    relationship = need.relationship
    call = relationship.node
    arguments = {"lazy": '"selectin"'} | ({"join_depth": str(depth)} if depth else {})
    if relationship.is_backref:
        _eager_backref(edits, call, arguments)
    elif s.dotted_name(call.func).rpartition(".")[2] == "Relationship":
        _set_inside(edits, call, arguments)
    else:
        _set_arguments(edits, call, arguments)
    limited = bool(depth) and need.is_endless
    limit = f", {depth} levels deep: below that, reading it raises MissingGreenlet" * limited
    edits.diagnostics.append(
        Diagnostic(
            path=relationship.scope.module.path,
            line=call.line,
            column=call.col,
            code="MA501",
            severity="warning" if limited else "note",
            message=f"{need.model.name}.{need.name} is now loaded with its object: "
            f"{need.reader} reads it where nothing can await ({need.place}){limit}",
            next_step="use selectinload() in the queries that need it, to load less elsewhere",
        )
    )


def _eager_backref(edits: ModuleEdits, call: s.Call, arguments: dict[str, str]) -> None:
    """`backref="owner"` as `backref=backref("owner", lazy="selectin")`."""
    value = next((k.value for k in call.keywords if k.arg == "backref"), None)
    if isinstance(value, s.Call):
        _set_arguments(edits, value, arguments)
    elif isinstance(value, s.Constant):
        edits.imports.append(p.ImportChange(NAME, "sqlalchemy.orm", "backref"))
        options = ", ".join(f"{name}={code}" for name, code in arguments.items())
        edits.edits.append(
            p.ReplaceExpression(span=value.span, codemod=NAME, code=f"backref({{}}, {options})")
        )


def _set_inside(edits: ModuleEdits, call: s.Call, arguments: dict[str, str]) -> None:
    """Arguments for SQLModel's `Relationship`, which hands a dictionary on to SQLAlchemy."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    direct, extra = given.get("sa_relationship"), given.get(_EXTRA)
    if isinstance(direct, s.Call):
        _set_arguments(edits, direct, arguments)
        return
    added = [f'"{name}": {code}' for name, code in arguments.items()]
    if extra is None:
        code = f"{_EXTRA}={{{', '.join(added)}}}"
        edits.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=code))
        return
    before = [f"**{text(extra)}"]
    if isinstance(extra, s.Mapping):
        before = [
            f"{text(key)}: {text(value)}" if key is not None else f"**{text(value)}"
            for key, value in zip(extra.keys, extra.values, strict=True)
            if not (isinstance(key, s.Constant) and key.value in arguments)
        ]
    code = f"{{{', '.join([*before, *added])}}}"
    edits.edits.append(p.ReplaceExpression(span=extra.span, codemod=NAME, code=code))


def _set_arguments(edits: ModuleEdits, call: s.Call, arguments: dict[str, str]) -> None:
    known = {keyword.arg: keyword.value for keyword in call.keywords}
    for name, code in arguments.items():
        if name in known:
            edit: p.AnyEdit = p.ReplaceExpression(span=known[name].span, codemod=NAME, code=code)
        else:
            edit = p.AddArgument(span=call.span, codemod=NAME, code=f"{name}={code}")
        edits.edits.append(edit)


def _unloadable(module: Module, need: Need) -> Diagnostic:
    relationship = need.relationship
    return at(
        module.path,
        relationship.node.span,
        "MA502",
        f"{need.model.name}.{need.name} (lazy={relationship.lazy!r}) is read by "
        f"{need.reader}, where nothing can await",
        "query it explicitly before the response is built",
    )


def _deferred(item: Always) -> Diagnostic:
    kind, step = "a deferred column", "add `undefer()` to the queries, or read it before"
    if item.step.expires:
        kind, step = "an SQL expression, expired by each flush,", "refresh the object before"
    return at(
        item.sink.function.module.path,
        item.sink.node.span,
        "MA503",
        f"{item.step.model.name}.{item.step.name} is {kind} that {item.sink.reader} reads where "
        "nothing can await",
        step,
    )
