"""Declarative models in 2.0 style: the plan of the codemod `modern-models`.

Sync code runs with such models as with the old ones, so this step may come first or last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.models.attributes import attribute_of
from migrate_async.plan.models.bases import Bases
from migrate_async.plan.models.bench import NAME, Bench
from migrate_async.plan.models.columns import Columns
from migrate_async.plan.models.directives import plan_directive
from migrate_async.plan.models.left import left_alone, reports
from migrate_async.plan.models.relationships import Relationships
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.names import type_checking_blocks


def model_edits(
    project: Project, selected: Callable[[Function], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """The edits of each module with models, mixins or declarative bases."""
    benches = {
        module: Bench(module) for module in project.modules.values() if selected(module.body)
    }
    left = left_alone(project)
    columns = Columns(project)
    relationships = Relationships(project, benches.get, left)
    for cls in _declarative(project):
        bench = benches.get(cls.module)
        if bench is None or cls in left:
            continue
        for statement in cls.node.body:
            if isinstance(statement, s.FunctionDef) and plan_directive(
                project, cls, statement, bench
            ):
                continue
            attribute = attribute_of(project, cls, statement)
            if attribute is not None and not columns.plan(attribute, bench):
                relationships.plan(attribute, bench)
    for module, message in reports(project):
        if module in benches:
            benches[module].found.diagnostics.append(message)
    for module, bench in benches.items():
        Bases(project, module).plan(bench.found)
        _import_for_type_checkers(bench)
        if bench.found.edits or bench.found.diagnostics:
            yield module, bench.found


def _declarative(project: Project) -> list[Class]:
    """Mapped classes and the project classes that they inherit from, in source order."""
    found = {cls for model in project.models.values() for cls in project.mro(model.cls)}
    return sorted(found, key=lambda cls: cls.order)


def _import_for_type_checkers(bench: Bench) -> None:
    module, namer, found = bench.module, bench.namer, bench.found
    if not namer.typing_only:
        return
    lines = [f"from {path} import {name}" for path, name in sorted(namer.typing_only.values())]
    block = next(type_checking_blocks(module.syntax.body), None)
    if block is not None:
        code = "\n".join(lines) + "\n"
        last = block.body[-1]
        edit = p.InsertStatements(span=last.span, codemod=NAME, code=code, after=True)
    else:
        imports = [item for item in module.syntax.body if isinstance(item, s.Import | s.ImportFrom)]
        if not imports:
            return
        checking = namer.imported("typing", "TYPE_CHECKING")
        if checking is None:
            return
        code = f"\nif {checking}:\n" + "".join(f"    {line}\n" for line in lines)
        edit = p.InsertStatements(span=imports[-1].span, codemod=NAME, code=code, after=True)
    found.edits.append(edit)
