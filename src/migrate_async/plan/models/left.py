"""Models with a style of their own, which are left as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migrate_async.index.orm import Model
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Module, last_name
from migrate_async.knowledge.sqlalchemy import FLASK_BASE
from migrate_async.model.diagnostic import Diagnostic, at

_DATACLASS = "sqlalchemy.orm.MappedAsDataclass"
_DECORATORS = ("dataclass", "mapped_as_dataclass")


def left_alone(project: Project) -> frozenset[Class]:
    """The classes that take part in a mapping of SQLModel, Flask-SQLAlchemy or of a dataclass."""
    return frozenset(
        cls
        for model in project.models.values()
        if model.is_sqlmodel or _is_flask(project, model) or _is_dataclass(project, model)
        for cls in project.mro(model.cls)
    )


def reports(project: Project) -> Iterator[tuple[Module, Diagnostic]]:
    """A message for each class of a dataclass mapping, one for each module with `db.Model`."""
    flask: Counter[Module] = Counter()
    first: dict[Module, Class] = {}
    for model in sorted(project.models.values(), key=lambda model: model.cls.order):
        module = model.cls.module
        if _is_flask(project, model):
            flask[module] += 1
            first.setdefault(module, model.cls)
        elif _is_dataclass(project, model) and not model.is_sqlmodel:
            yield module, _of_dataclass(model.cls)
    for module, count in flask.items():
        yield module, _of_flask(first[module], count)


def _is_flask(project: Project, model: Model) -> bool:
    return FLASK_BASE in project.bases(model.cls)


def _is_dataclass(project: Project, model: Model) -> bool:
    names = (name for cls in project.mro(model.cls) for name in _decorators(cls))
    return _DATACLASS in project.bases(model.cls) or any(name in _DECORATORS for name in names)


def _decorators(cls: Class) -> Iterator[str]:
    for decorator in cls.node.decorators:
        yield last_name(decorator)


def _of_dataclass(cls: Class) -> Diagnostic:
    return at(
        cls.module.path,
        cls.node.span,
        "MA554",
        f"`{cls.name}` and its mixins stay: it is a dataclass, where an annotation makes a "
        "parameter of `__init__`",
        "annotate by hand what is to be a parameter; the mapping works without",
    )


def _of_flask(cls: Class, count: int) -> Diagnostic:
    models = "1 model stays" if count == 1 else f"{count} models stay"
    return at(
        cls.module.path,
        cls.node.span,
        "MA554",
        f"{models} as Flask-SQLAlchemy's `db.Model` makes them",
        "derive them from a `DeclarativeBase` of your own (`SQLAlchemy(model_class=Base)` takes it)"
        " and run this step again",
    )
