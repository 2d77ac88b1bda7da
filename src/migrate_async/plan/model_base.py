"""`AsyncAttrs` for the declarative base, when converted code awaits an attribute."""

from __future__ import annotations

from collections.abc import Iterable

from migrate_async.index.made_bases import given_bases
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Module
from migrate_async.index.types import ClassObject
from migrate_async.knowledge.sqlalchemy import MAPPED_WITHOUT_BASE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.module_edits import ModuleEdits, add_import

NAME = "async-colour"

_BASE_CLASSES = frozenset({"DeclarativeBase", "DeclarativeBaseNoMeta", "MappedAsDataclass"})
_BASE_DECORATORS = frozenset({"as_declarative", "as_declarative_base"})
_ASYNC_ATTRS = "sqlalchemy.ext.asyncio.AsyncAttrs"


def base_edits(project: Project, models: Iterable[Class]) -> dict[Module, ModuleEdits]:
    """Give the bases of `models` the mixin that offers `awaitable_attrs`."""
    found: dict[Module, ModuleEdits] = {}
    done: set[s.Node] = set()
    own_style = {model.cls for model in project.models.values() if model.is_sqlmodel}
    for model in models:
        if _ASYNC_ATTRS in project.bases(model):
            continue
        if model in own_style:  # SQLModel itself is no class of the project
            _mixin(found, done, model)
            continue
        if not MAPPED_WITHOUT_BASE.isdisjoint(project.bases(model)):
            _mixin(found, done, _topmost(project, model))
            continue
        root = project.mro(model)[-1]
        for cls in project.mro(model):
            if any(
                s.dotted_name(base).rpartition(".")[2] in _BASE_CLASSES for base in cls.node.bases
            ):
                root = cls
        _add_to(project, found, done, root)
    return found


def _topmost(project: Project, model: Class) -> Class:
    """The mapped class that `model`, which has no declarative base, inherits from in the end."""
    mapped = {item.cls for item in project.models.values()}
    return [cls for cls in project.mro(model) if cls in mapped][-1]


def _add_to(
    project: Project, found: dict[Module, ModuleEdits], done: set[s.Node], root: Class
) -> None:
    if any(map(_is_base_class, root.node.bases)) or any(map(_makes_base, root.node.decorators)):
        _mixin(found, done, root)
        return
    for module, call in _factory_calls(project):
        if call not in done:
            done.add(call)
            edits = found.setdefault(module, ModuleEdits())
            given = given_bases(call)
            if given:
                _mixin_of_given(project, found, done, given[0])
                continue
            mixin = add_import(edits, module, "sqlalchemy.ext.asyncio", "AsyncAttrs", NAME)
            edits.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=f"cls={mixin}"))


def _mixin_of_given(
    project: Project, found: dict[Module, ModuleEdits], done: set[s.Node], given: s.Expr
) -> None:
    """`declarative_base(cls=Own)`: the project's class offers what all models have."""
    for item in project.infer(given, project.scope_of(given)):
        if isinstance(item, ClassObject) and _ASYNC_ATTRS not in project.bases(item.cls):
            _mixin(found, done, item.cls)


def _mixin(found: dict[Module, ModuleEdits], done: set[s.Node], root: Class) -> None:
    if root.node in done:
        return
    done.add(root.node)
    edits = found.setdefault(root.module, ModuleEdits())
    mixin = add_import(edits, root.module, "sqlalchemy.ext.asyncio", "AsyncAttrs", NAME)
    edits.edits.append(p.AddBase(span=root.node.span, codemod=NAME, code=mixin))


def _is_base_class(base: s.Expr) -> bool:
    return s.dotted_name(base).rpartition(".")[2] in _BASE_CLASSES


def _makes_base(decorator: s.Expr) -> bool:
    """`@as_declarative()`, `@registry.as_declarative_base()`"""
    called = decorator.func if isinstance(decorator, s.Call) else decorator
    return s.dotted_name(called).rpartition(".")[2] in _BASE_DECORATORS


def _factory_calls(project: Project) -> Iterable[tuple[Module, s.Call]]:
    for module in sorted(project.modules.values(), key=lambda item: item.name):
        for site in project.calls(module.body):
            call = site.node
            if isinstance(call, s.Call):
                name = s.dotted_name(call.func).rpartition(".")[2]
                if name in ("declarative_base", "generate_base"):
                    yield module, call
