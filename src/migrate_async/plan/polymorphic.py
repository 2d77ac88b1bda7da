"""Columns of subclasses, which a query of the base class leaves to be loaded when they are read.

`getattr(product, name)` on what `select(Product)` gave loads the columns of `Book` then and there.
No await can stand in its place, and nobody can say which names come: the subclasses are mapped to
be loaded whole, by one more SELECT for each of those that a query gave.
"""

from __future__ import annotations

from collections.abc import Iterable

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Class, Module, ValueBinding
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.plan.database import ModuleEdits
from migrate_async.plan.text import text

_CODEMOD = "eager-relationships"
_ARGUMENTS = "__mapper_args__"
_LOAD = "polymorphic_load"


def late_subclasses(project: Project, model: Model) -> list[Class]:
    """Subclasses of `model`, of which its queries do not load all columns."""
    if "with_polymorphic" in _keys(_arguments(model.cls)):
        return []
    mapped = {other.cls for other in project.models.values()}
    return [
        cls
        for cls in project.subclasses(model.cls)
        if cls in mapped and _LOAD not in _keys(_arguments(cls))
    ]


def can_be_loaded(classes: Iterable[Class]) -> bool:
    """Whether all of them are joined subclasses whose mapping is written out."""
    return all(
        "__tablename__" in cls.scope.names
        and "polymorphic_identity" in _keys(_arguments(cls))
        and "concrete" not in _keys(_arguments(cls))
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
    arguments = _arguments(cls)
    assert arguments is not None  # noqa: S101  `can_be_loaded` says so
    items = [
        f"{text(key)}: {text(value)}" if key is not None else f"**{text(value)}"
        for key, value in zip(arguments.keys, arguments.values, strict=True)
    ]
    items.append(f'"{_LOAD}": "selectin"')
    code = f"{{{', '.join(items)}}}"
    edits.edits.append(p.ReplaceExpression(span=arguments.span, codemod=_CODEMOD, code=code))
    edits.diagnostics.append(
        Diagnostic(
            path=cls.module.path,
            line=arguments.line,
            column=arguments.col,
            code="MA508",
            severity=Severity.NOTE.value,
            message=f"queries of {base.cls.name} now load the columns of {cls.name}, too: "
            "code reads them by names that only it knows, where nothing can await",
            next_step="use selectin_polymorphic() in the queries that need it, to load less "
            "elsewhere",
        )
    )


def _arguments(cls: Class) -> s.Mapping | None:
    """The display that is the class's own `__mapper_args__`."""
    bindings = cls.scope.names.get(_ARGUMENTS, ())
    if len(bindings) != 1 or not isinstance(bindings[0], ValueBinding):
        return None
    value = bindings[0].value
    return value if isinstance(value, s.Mapping) else None


def _keys(arguments: s.Mapping | None) -> set[str]:
    keys = arguments.keys if arguments is not None else ()
    return {str(key.value) for key in keys if isinstance(key, s.Constant)}
