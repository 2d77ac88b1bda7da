"""Columns to which the database gives a new value when a row changes.

    updated_at = Column(DateTime, onupdate=func.now())

A flush expires them, and the next read fetched them, which no coroutine can. Mapped with
`eager_defaults`, the flush fetches them itself, by `RETURNING` where the database has it. That is
said where the column is declared, in the run that converts a function which flushes changes, or
commits changes of objects that it cannot refresh by name.

What the database makes for a new row, `server_default=func.now()`, is fetched by its INSERT anyway,
but for MySQL, which has no `RETURNING`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import cached_property

from migrate_async.index.mapped import is_imperative
from migrate_async.index.project import Column, Model, Project
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.index.types import TypeVariable, held
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at, note
from migrate_async.plan import blocks
from migrate_async.plan.mapper_arguments import ARGUMENTS, TABLE, keys, with_argument, written
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.mysql import names_mysql
from migrate_async.plan.new_objects import is_new
from migrate_async.plan.read_names import read_names
from migrate_async.plan.transactions.autoflushes import Autoflushes
from migrate_async.plan.transactions.effects import Effects
from migrate_async.plan.transactions.flushes import Flushes
from migrate_async.plan.transactions.written import owners, writes

NAME = "async-colour"

_EAGER = "eager_defaults"
_SHOWN = 3
_FLUSHING = frozenset({"begin_nested", "flush"})


class GeneratedColumns:
    """Answers for one project."""

    def __init__(self, project: Project, effects: Effects) -> None:
        self._project = project
        self._flushes = Flushes(project, effects, effects.changes)
        self._flushing: dict[Function, bool] = {}
        self._autoflushes = Autoflushes(project)
        self._effects = effects
        self._setting: dict[Function, frozenset[Class]] = {}
        self._loose: dict[Function, frozenset[Class]] = {}

    def edits(self, converts: Callable[[Function], bool]) -> Iterator[tuple[Module, ModuleEdits]]:
        """What the mapping says from the run on in which `converts` tells what does."""
        if not self._late:
            return
        changed: dict[Class, Function] = {}
        for function in self._project.functions:
            if not function.module.is_test and converts(function):
                for cls in self._changed(function):
                    changed.setdefault(cls, function)
        owners: dict[Class, dict[str, Function]] = {}
        for cls, function in changed.items():
            for model in self._meant(cls):
                columns = owners.setdefault(self._owner(model), {})
                for column in self._late[model.cls]:
                    columns.setdefault(column, function)
        for owner, columns in owners.items():
            yield owner.module, self._eager(owner, columns)

    @cached_property
    def _late(self) -> dict[Class, tuple[str, ...]]:
        """The models with such columns that something reads, and the columns."""
        found = {
            model.cls: tuple(
                column.name
                for column in model.columns.values()
                if self._is_made(column) and column.name in self._read
            )
            for model in self._project.models.values()
        }
        return {cls: columns for cls, columns in found.items() if columns}

    def _is_made(self, column: Column) -> bool:
        return column.generated or (column.defaulted and self._may_be_mysql)

    @cached_property
    def _made_for_new_rows(self) -> frozenset[Class]:
        """The models of which also an INSERT leaves something to be fetched."""
        if not self._may_be_mysql:
            return frozenset()
        models = self._project.models
        return frozenset(
            cls
            for cls, names in self._late.items()
            if any(models[cls.qualname].columns[name].defaulted for name in names)
        )

    @cached_property
    def _may_be_mysql(self) -> bool:
        return names_mysql(self._project)

    @cached_property
    def _read(self) -> frozenset[str]:
        return read_names(self._project)

    def _meant(self, cls: Class) -> Iterator[Model]:
        """The models with late columns whose rows a change of `cls` is about."""
        for model in self._project.models.values():
            if model.cls in self._late and self._project.overlap(model.cls, cls):
                yield model

    # --- what is flushed -----------------------------------------------------------------------

    def _changed(self, function: Function) -> frozenset[Class]:
        """The models of which `function` flushes changes that no commit makes known."""
        if self._does_flush(function):
            return self._sets(function)
        node = function.node
        if not isinstance(node, s.FunctionDef):
            return frozenset()
        unknown = self._sets_loosely(function) if self._effects.does_commit(function) else ()
        return self._autoflushed(function, node).union(unknown)

    def _does_flush(self, function: Function) -> bool:
        """Whether `function`, or what it calls, flushes."""
        if function not in self._flushing:
            self._flushing[function] = False
            self._flushing[function] = any(
                node.attr in self._flushing_names
                and self._project.session_kind(node.value, self._project.scope_of(node))
                for node in function.own_attributes
            ) or any(map(self._does_flush, self._project.runs(function)))
        return self._flushing[function]

    @cached_property
    def _flushing_names(self) -> frozenset[str]:
        return _FLUSHING if self._flushes.commit_expires else _FLUSHING | {"commit"}

    def _autoflushed(self, function: Function, node: s.FunctionDef) -> frozenset[Class]:
        """What `function` changes before a query, which flushes it, and before the commit."""
        found: frozenset[Class] = frozenset()
        pending: frozenset[Class] = frozenset()
        for statement in blocks.statements(node.body):
            if blocks.is_compound(statement):
                continue
            if self._flushes.expires(function, statement):
                pending = frozenset()
            elif pending and self._autoflushes.at(function, statement):
                found |= pending
            pending |= frozenset(self._set_by(statement))
        return found

    def _sets(self, function: Function) -> frozenset[Class]:
        """The models of whose objects `function`, or what it calls, sets attributes."""
        if function not in self._setting:
            self._setting[function] = frozenset()
            body = function.node.body if isinstance(function.node, s.FunctionDef) else ()
            own = {cls for part in blocks.statements(body) for cls in self._set_by(part)}
            inner = map(self._sets, self._project.runs(function))
            self._setting[function] = frozenset(own).union(*inner)
        return self._setting[function]

    def _sets_loosely(self, function: Function) -> frozenset[Class]:
        """Those of whose objects it sets attributes where no refresh of a variable helps.

        `users[0].name = name`, `user.profile.bio = bio` and what a loop gives, one after the other.
        """
        if function not in self._loose:
            self._loose[function] = frozenset()
            body = function.node.body if isinstance(function.node, s.FunctionDef) else ()
            parts = tuple(blocks.statements(body))
            turns = {name for part in parts if isinstance(part, s.For) for name in _names(part)}
            own = {cls for part in parts for cls in self._set_by(part, without=_tight(part, turns))}
            inner = map(self._sets_loosely, self._project.runs(function))
            self._loose[function] = frozenset(own).union(*inner)
        return self._loose[function]

    def _set_by(self, statement: s.Stmt, without: Container[s.Expr] = ()) -> Iterator[Class]:
        for owner in owners(statement):
            if owner in without:
                continue
            scope = self._project.scope_of(owner)
            types = self._project.infer(owner, scope)
            if is_new(self._project, owner, scope):
                continue  # no row changes
            if any(isinstance(item, TypeVariable) for item in types):
                yield from self._late
            yield from held(types, self._late_or_related)
        for added in _added(statement) if self._made_for_new_rows else ():
            if added in without:
                continue
            types = self._project.infer(added, self._project.scope_of(added))
            yield from held(types, self._made_for_new_rows)

    @cached_property
    def _late_or_related(self) -> frozenset[Class]:
        """All models that may be one of those with late columns."""
        models = (model.cls for model in self._project.models.values())
        return frozenset(
            cls for cls in models if any(self._project.overlap(cls, late) for late in self._late)
        )

    # --- what is said --------------------------------------------------------------------------

    def _owner(self, model: Model) -> Class:
        """The class whose arguments the mapping of `model` takes, or is to take.

        Without any, that is the last of those which declare such columns: a mixin, perhaps.
        """
        order = self._project.mro(self._root(model))
        for cls in order:
            if ARGUMENTS in cls.scope.names and keys(written(cls)) != {_EAGER}:
                return cls
        late = self._late[model.cls]
        declaring = [cls for cls in order if not cls.scope.names.keys().isdisjoint(late)]
        return declaring[-1] if declaring else order[0]

    def _root(self, model: Model) -> Class:
        """The mapped class at the top of the hierarchy, whose arguments count for all."""
        current = model
        while current.parent is not None and current.parent.qualname in self._project.models:
            current = self._project.models[current.parent.qualname]
        return current.cls

    def _eager(self, owner: Class, columns: Mapping[str, Function]) -> ModuleEdits:
        """Have a flush fetch `columns`, of each of which a function flushes changes."""
        found = ModuleEdits()
        arguments = written(owner)
        if arguments is not None and _EAGER in keys(arguments):
            return found
        function = next(iter(columns.values()))
        place = self._place(owner, columns)
        code = f'{{"{_EAGER}": True}}'
        what = _listed(owner, sorted(columns))
        if arguments is not None:
            found.edits.append(with_argument(arguments, NAME, _EAGER, "True"))
        elif ARGUMENTS in owner.scope.names or place is None:
            found.diagnostics.append(
                at(
                    owner.module.path,
                    owner.node.span,
                    "MA515",
                    f"the database makes {what} when a row changes, and "
                    f"{function.qualname} flushes changes: reading it then cannot be awaited",
                    f"add `{_EAGER}=True` to the mapper arguments of {owner.name}",
                )
            )
            return found
        else:
            found.edits.append(
                p.InsertStatements(
                    span=place.span, codemod=NAME, code=f"{ARGUMENTS} = {code}", after=True
                )
            )
        found.diagnostics.append(
            note(
                owner.module.path,
                owner.node.span,
                "MA514",
                f"a flush of changes now fetches {what}, which the database makes: code reads it "
                f"after {function.qualname} has flushed, where nothing can await",
                "nothing to do; databases without RETURNING are asked by one more SELECT",
            )
        )
        return found

    def _place(self, owner: Class, columns: Iterable[str]) -> s.Stmt | None:
        """What the arguments are written below: the name of the table, else a column."""
        if is_imperative(owner):
            return None  # its body says nothing to the mapper
        for name in (TABLE, *sorted(columns)):
            for binding in owner.scope.names.get(name, ()):
                value = getattr(binding, "value", None) or getattr(binding, "annotation", None)
                if value is not None and binding.scope is owner.scope:
                    return self._project.statement_of(value)
        return None


def _listed(owner: Class, columns: list[str]) -> str:
    first = ", ".join(columns[:_SHOWN])
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return f"{first}{more} of {owner.name}"


def _tight(statement: s.Stmt, turns: Container[str]) -> frozenset[s.Expr]:
    """The variables, but for those of loops, that a refresh after the commit is known to need."""
    return frozenset(node for node in writes(statement) if node.id not in turns)


def _names(loop: s.For) -> Iterator[str]:
    return (node.id for node in s.walk(loop.target) if isinstance(node, s.Name))


def _added(statement: s.Stmt) -> tuple[s.Expr, ...]:
    """`x` in `db.add(x)`."""
    call = blocks.called(statement, awaited=False)
    is_add = call is not None and blocks.method_name(call) in ("add", "add_all")
    return call.args[:1] if call is not None and is_add else ()
