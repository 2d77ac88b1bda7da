"""`name = relationship(...)` as `name: Mapped[...] = relationship(...)`."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from migrate_async.index.declarative import keyword
from migrate_async.index.directions import leads_to_many
from migrate_async.index.orm import Model
from migrate_async.index.project import Project
from migrate_async.index.relationships import Relationship
from migrate_async.index.scopes import Class, Module
from migrate_async.knowledge.sqlalchemy import RELATIONSHIPS
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.plan.models.attributes import Attribute
from migrate_async.plan.models.backrefs import OtherSide, other_side
from migrate_async.plan.models.bench import NAME, Bench, library_name
from migrate_async.plan.module_edits import add_import

_WRAPPERS = {"dynamic": "DynamicMapped", "write_only": "WriteOnlyMapped"}
_WIDTH = 84
"""What formatters allow a line by default, without the indentation of a class body."""
_COLLECTIONS = {"builtins.list": "list", "builtins.set": "set"}


class Relationships:
    """Plans the relationships of a project; a backref may write into another module."""

    def __init__(
        self, project: Project, bench: Callable[[Module], Bench | None], left: Container[Class]
    ) -> None:
        self._project = project
        self._bench = bench
        self._left = left

    def plan(self, attribute: Attribute, bench: Bench) -> None:
        """Add the edits of `attribute` if it maps a relationship."""
        kind = library_name(self._project.infer(attribute.value.func, attribute.scope))
        mapped = list(self._mapped(attribute)) if kind in RELATIONSHIPS else []
        if not mapped:
            return
        if not attribute.is_typed:
            self._annotate(attribute, mapped, bench)
        model, relationship = mapped[0]
        if relationship.backref:
            self._write_out(attribute, model, relationship, bench)

    def _mapped(self, attribute: Attribute) -> Iterator[tuple[Model, Relationship]]:
        """The models that get the relationship: one, or those with the mixin."""
        for model in self._project.models.values():
            relationship = model.relationships.get(attribute.name)
            if relationship is None or relationship.node is not attribute.value:
                continue
            if attribute.cls is model.cls:
                yield model, relationship
                return
            if attribute.cls in self._project.mro(model.cls):
                yield model, relationship

    def _annotate(
        self, attribute: Attribute, mapped: list[tuple[Model, Relationship]], bench: Bench
    ) -> None:
        codes = {self._annotation(model, found, bench) for model, found in mapped}
        code = codes.pop() if len(codes) == 1 else ""
        reason = self._unclear(attribute, mapped)
        if code and not reason:
            bench.found.edits.append(attribute.annotated(code))
            return
        if code is None:
            return
        bench.found.diagnostics.append(
            at(
                bench.module.path,
                attribute.value.span,
                "MA551",
                f"`{attribute.name}` gets no `Mapped[...]`: {reason or 'its models disagree'}",
                "annotate it by hand; the mapping works without",
            )
        )

    def _unclear(self, attribute: Attribute, mapped: list[tuple[Model, Relationship]]) -> str:
        if isinstance(attribute.statement, s.FunctionDef) and _reads_class(attribute.value):
            return "its arguments read `cls`, which type checkers take for an object"
        for model, found in mapped:
            goal = found.target and self._project.models.get(found.target.qualname)
            if found.target is None:
                return "its target cannot be told"
            if found.uselist is None:
                return "whether it is a collection cannot be told"
            is_said = found.secondary or keyword(found.node, "uselist") is not None
            if attribute.annotation is not None and goal and model is not goal and not is_said:
                many = leads_to_many(model, goal, found.node)
                if many is not None and many != found.uselist:
                    return "its annotation and its foreign keys contradict each other"
        return ""

    def _write_out(
        self, attribute: Attribute, model: Model, relationship: Relationship, bench: Bench
    ) -> None:
        """Give the other side a relationship of its own in place of `backref=`."""
        call = relationship.node
        other = self._other(attribute, model, relationship)
        there = self._bench(other.target.module) if isinstance(other, OtherSide) else None
        annotation = None
        if isinstance(other, OtherSide) and there is not None:
            goal = self._project.models[other.target.qualname]
            annotation = self._annotation(goal, other.relationship, there)
        if isinstance(other, str) or there is None or not annotation:
            reason = other if isinstance(other, str) else "what it is cannot be told"
            bench.found.diagnostics.append(
                at(
                    bench.module.path,
                    call.span,
                    "MA553",
                    f"`backref=` of `{relationship.name}` stays, the other side is not written "
                    f"out: {reason}",
                    "write both sides with back_populates by hand; the mapping works without",
                )
            )
            return
        function = add_import(there.found, there.module, "sqlalchemy.orm", "relationship", NAME)
        head = f"{other.name}: {annotation} = {function}("
        code = _broken(head, [f'"{model.cls.name}"', *other.arguments])
        there.found.edits.append(
            p.InsertStatements(span=other.after.span, codemod=NAME, code=code, after=True)
        )
        bench.found.edits += [
            p.RemoveArgument(span=call.span, codemod=NAME, name="backref"),
            p.AddArgument(span=call.span, codemod=NAME, code=f'back_populates="{other.name}"'),
        ]
        bench.found.unneeded.append("backref")

    def _other(
        self, attribute: Attribute, model: Model, relationship: Relationship
    ) -> OtherSide | str:
        if attribute.cls is not model.cls:
            return "it is that of a mixin"
        if relationship.target in self._left:
            return "its class is left as it is"
        return other_side(self._project, model, relationship)

    def _annotation(self, model: Model, relationship: Relationship, bench: Bench) -> str | None:
        """`Mapped[...]`; empty where something cannot be told, None where there is no name."""
        target = relationship.target
        if target is None or relationship.uselist is None:
            return ""
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
        mapped = add_import(bench.found, bench.module, "sqlalchemy.orm", wrapper, NAME)
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


def _reads_class(call: s.Call) -> bool:
    nodes = (node for node in s.walk(call) if isinstance(node, s.Attribute))
    return any(isinstance(node.value, s.Name) and node.value.id == "cls" for node in nodes)


def _broken(head: str, arguments: list[str]) -> str:
    """The call `head` with its arguments, each on a line of its own if they do not fit on one."""
    line = f"{head}{', '.join(arguments)})"
    if len(line) <= _WIDTH:
        return line
    return "\n    ".join([head, *(f"{argument}," for argument in arguments)]) + "\n)"
