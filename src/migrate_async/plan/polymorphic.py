"""Columns of subclasses, which a query of the base class leaves to be loaded when they are read.

`product.author`, `getattr(product, name)` or a schema with a field `author` on what
`select(Product)` gave loads the columns of `Book` then and there, if it is one. Mostly no await can
stand in its place: the subclasses are mapped to be loaded whole, by one more SELECT for each of
those that a query gave, or with more columns if all share one table.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Class, Module
from migrate_async.model.diagnostic import note
from migrate_async.plan.mapper_arguments import TABLE, keys, with_argument, written
from migrate_async.plan.module_edits import ModuleEdits

_CODEMOD = "eager-relationships"
_LOAD = "polymorphic_load"


def late_subclasses(project: Project, model: Model) -> list[Class]:
    """Subclasses of `model`, of which its queries do not load all columns."""
    if "with_polymorphic" in keys(written(model.cls)):
        return []
    mapped = {other.cls for other in project.models.values()}
    return [
        cls
        for cls in project.subclasses(model.cls)
        if cls in mapped and _LOAD not in keys(written(cls))
    ]


class LateColumns:
    """Which columns the subclasses of a model have beside its own; remembered."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._found: dict[str, frozenset[str]] = {}

    @cached_property
    def all(self) -> frozenset[str]:
        """The names for all models."""
        return frozenset().union(*map(self.names, self._project.models.values()))

    def names(self, model: Model) -> frozenset[str]:
        """What objects of `model` have that its own class lacks, and queries of it leave out."""
        if model.qualname not in self._found:
            models = self._project.models
            late = late_subclasses(self._project, model)
            names = {name for cls in late for name in models[cls.qualname].columns}
            self._found[model.qualname] = frozenset(names - self._project.attributes_of(model))
        return self._found[model.qualname]


def can_be_loaded(classes: Iterable[Class]) -> bool:
    """Whether all of them are subclasses whose mapping is written out."""
    return all(
        "polymorphic_identity" in keys(written(cls)) and "concrete" not in keys(written(cls))
        for cls in classes
    )


def polymorphic_edits(project: Project, models: Iterable[Model]) -> dict[Module, ModuleEdits]:
    """`polymorphic_load="selectin"` for the subclasses of `models`, where that can be said."""
    found: dict[Module, ModuleEdits] = {}
    done: set[Class] = set()
    for model in models:
        late = late_subclasses(project, model)
        if not can_be_loaded(late):
            continue
        for cls in (cls for cls in late if cls not in done):
            done.add(cls)
            _load(found.setdefault(cls.module, ModuleEdits()), cls, model)
    return found


def _load(edits: ModuleEdits, cls: Class, base: Model) -> None:
    arguments = written(cls)
    assert arguments is not None  # noqa: S101  `can_be_loaded` says so
    way = "selectin" if TABLE in cls.scope.names else "inline"
    edits.edits.append(with_argument(arguments, _CODEMOD, _LOAD, f'"{way}"'))
    edits.diagnostics.append(
        note(
            cls.module.path,
            arguments.span,
            "MA508",
            f"queries of {base.cls.name} now load the columns of {cls.name}, too: "
            "code reads them from such objects, where nothing can await",
            "use selectin_polymorphic() in the queries that need it, to load less elsewhere",
        )
    )
