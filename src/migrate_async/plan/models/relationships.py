"""`name = relationship(...)` as `name: Mapped[...] = relationship(...)`."""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index.declarative import keyword
from migrate_async.index.orm import Model
from migrate_async.index.project import Project
from migrate_async.index.relationships import Relationship
from migrate_async.index.scopes import Class, Module
from migrate_async.knowledge.sqlalchemy import RELATIONSHIPS
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.plan.database import add_import
from migrate_async.plan.models.backrefs import other_side
from migrate_async.plan.models.bench import NAME, Bench, library_name

_WRAPPERS = {"dynamic": "DynamicMapped", "write_only": "WriteOnlyMapped"}
_COLLECTIONS = {"builtins.list": "list", "builtins.set": "set"}


class Relationships:
    """Plans the relationships of a project; a backref may write into another module."""

    def __init__(self, project: Project, bench: Callable[[Module], Bench | None]) -> None:
        self._project = project
        self._bench = bench

    def plan(self, cls: Class, statement: s.Stmt, bench: Bench) -> bool:
        """Add the edits of `statement` if it maps a relationship; whether it does."""
        if not isinstance(statement, s.Assign) or len(statement.targets) != 1:
            return False
        call, target = statement.value, statement.targets[0]
        if not isinstance(call, s.Call):
            return False
        if library_name(self._project.infer(call.func, cls.scope)) not in RELATIONSHIPS:
            return False
        model = self._project.models.get(cls.qualname)
        name = target.id if isinstance(target, s.Name) else ""
        relationship = model.relationships.get(name) if model is not None else None
        if model is None or relationship is None:
            return False
        annotation = self._annotation(model, relationship, bench)
        if annotation is not None:
            edit = p.AnnotateName(span=statement.span, codemod=NAME, code=annotation)
            bench.found.edits.append(edit)
        if relationship.backref:
            self._write_out(model, relationship, bench)
        return True

    def _write_out(self, model: Model, relationship: Relationship, bench: Bench) -> None:
        """Give the other side a relationship of its own in place of `backref=`."""
        call = relationship.node
        other = other_side(self._project, model, relationship)
        there = self._bench(other.target.module) if other is not None else None
        annotation = None
        if other is not None and there is not None:
            goal = self._project.models[other.target.qualname]
            annotation = self._annotation(goal, other.relationship, there)
        if other is None or there is None or annotation is None:
            bench.found.diagnostics.append(
                at(
                    model.cls.module.path,
                    call.span,
                    "MA553",
                    f"`backref=` of `{relationship.name}` stays: the other side cannot be written "
                    "out with certainty",
                    "write both sides with back_populates by hand; the mapping works without",
                )
            )
            return
        arguments = ", ".join((f'"{model.cls.name}"', *other.arguments))
        function = add_import(there.found, there.module, "sqlalchemy.orm", "relationship", NAME)
        code = f"{other.name}: {annotation} = {function}({arguments})"
        there.found.edits.append(
            p.InsertStatements(span=other.after.span, codemod=NAME, code=code, after=True)
        )
        bench.found.edits += [
            p.RemoveArgument(span=call.span, codemod=NAME, name="backref"),
            p.AddArgument(span=call.span, codemod=NAME, code=f'back_populates="{other.name}"'),
        ]
        bench.found.unneeded.append("backref")

    def _annotation(self, model: Model, relationship: Relationship, bench: Bench) -> str | None:
        target = relationship.target
        module = model.cls.module
        if target is None or relationship.uselist is None:
            reason = "its target" if target is None else "whether it is a collection"
            bench.found.diagnostics.append(
                at(
                    relationship.scope.module.path,
                    relationship.node.span,
                    "MA551",
                    f"`{relationship.name}` gets no `Mapped[...]`: {reason} cannot be told",
                    "annotate it by hand; the mapping works without",
                )
            )
            return None
        inner = f'"{target.name}"'
        if relationship.uselist:
            collection = self._collection(model.cls, relationship)
            wrapper = _WRAPPERS.get(relationship.lazy)
            if wrapper is None and collection is None:
                return None
            if wrapper is None:
                wrapper, inner = "Mapped", f"{collection}[{inner}]"
        else:
            wrapper = "Mapped"
            if self._may_be_none(model, relationship, target):
                inner = f'"{target.name} | None"'
        bench.namer.for_type_checkers(target)
        mapped = add_import(bench.found, module, "sqlalchemy.orm", wrapper, NAME)
        return f"{mapped}[{inner}]"

    def _collection(self, cls: Class, relationship: Relationship) -> str | None:
        """`list`, or what `collection_class` says; None for classes of collections of their own."""
        given = None
        if not relationship.is_backref:
            given = keyword(relationship.node, "collection_class")
        name = "list"
        if given is not None:
            types = self._project.infer(given, cls.scope)
            names = {_COLLECTIONS.get(getattr(item, "dotted", "")) for item in types}
            name = names.pop() or "" if len(names) == 1 else ""
        if not name:
            return None
        return None if name in cls.scope.names or name in cls.module.scope.names else name

    def _may_be_none(self, model: Model, relationship: Relationship, target: Class) -> bool:
        """Whether the object may be missing: unless a foreign key that has to be set leads there.

        On the side without the foreign key there may always be none.
        """
        goal = self._project.models.get(target.qualname)
        table = goal.tablename if goal is not None else ""
        if not table or relationship.secondary:
            return True
        keys = [c for c in model.columns.values() if c.foreign_key.rpartition(".")[0] == table]
        return len(keys) != 1 or keys[0].nullable
