"""`name = Column(...)` as `name: Mapped[...] = mapped_column(...)`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.declarative import keyword
from migrate_async.index.project import Project
from migrate_async.knowledge.column_types import COLUMN_ONLY
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.models.attributes import Attribute
from migrate_async.plan.models.bench import NAME, Bench, library_name
from migrate_async.plan.models.python_types import PythonTypes, is_typed
from migrate_async.plan.module_edits import add_import
from migrate_async.plan.text import source

_COLUMN = "sqlalchemy.Column"
_MAPPED_COLUMN = "sqlalchemy.orm.mapped_column"
_DEFERRED = "sqlalchemy.orm.deferred"
_DEFERRED_ARGUMENTS = {"group": "deferred_group", "raiseload": "deferred_raiseload"}
"""Arguments of `deferred` to those of `mapped_column`."""


class Columns:
    """Plans the columns of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._types = PythonTypes(project)

    def plan(self, attribute: Attribute, bench: Bench) -> bool:
        """Add the edits of `attribute` if it maps a column; whether it does."""
        deferred = self._deferred(attribute)
        call = attribute.value if deferred is None else deferred.args[0]
        if not isinstance(call, s.Call):
            return False
        kind = library_name(self._project.infer(call.func, attribute.scope))
        if kind not in (_COLUMN, _MAPPED_COLUMN):
            return False
        reason = _obstacle(attribute, call) if kind == _COLUMN else ""
        if reason:
            bench.found.diagnostics.append(_left(attribute, call, reason))
            return True
        annotation = None if attribute.is_typed else self._annotation(attribute, call, bench)
        if annotation is not None:
            bench.found.edits.append(attribute.annotated(annotation))
        if kind == _COLUMN:
            _rename(call, bench)
        if deferred is not None:
            _undefer(deferred, call, bench)
        return True

    def _deferred(self, attribute: Attribute) -> s.Call | None:
        """The call of `deferred` around the column, if `mapped_column` can say the same."""
        call = attribute.value
        if library_name(self._project.infer(call.func, attribute.scope)) != _DEFERRED:
            return None
        names = {item.arg for item in call.keywords}
        if len(call.args) != 1 or not names <= _DEFERRED_ARGUMENTS.keys():
            return None
        return call if all(map(_is_simple, call.keywords)) else None

    def _annotation(self, attribute: Attribute, call: s.Call, bench: Bench) -> str | None:
        """`Mapped[...]`; None where no name for the type is to be had: it may be left out."""
        cls = attribute.cls
        name = bench.namer.name(self._types.of_column(call, attribute.scope), cls)
        if name is None:
            reason = "in this class body, the name of its type means something else"
            bench.found.diagnostics.append(_left(attribute, call, reason))
            return None
        mapped = add_import(bench.found, bench.module, "sqlalchemy.orm", "Mapped", NAME)
        return f"{mapped}[{name} | None]" if _is_nullable(call) else f"{mapped}[{name}]"


def _left(attribute: Attribute, call: s.Call, reason: str) -> Diagnostic:
    return at(
        attribute.cls.module.path,
        call.span,
        "MA551",
        f"`{attribute.name}` gets no `Mapped[...]`: {reason}",
        "annotate it by hand; the mapping works without",
    )


def _obstacle(attribute: Attribute, call: s.Call) -> str:
    """Why the column has to stay a `Column`; empty if it need not."""
    if not is_typed(call):
        return "the column has no type, which an annotation would give it"
    used = next(_looked_into(attribute), "")
    return f"the class body reads its `{used}`, which `mapped_column` has not" if used else ""


def _is_simple(argument: s.Keyword) -> bool:
    return isinstance(argument.value, s.Constant | s.Name)


def _looked_into(attribute: Attribute) -> Iterator[str]:
    """What the class body reads of the column that only a `Column` has."""
    for statement in attribute.cls.node.body:
        if isinstance(statement, s.FunctionDef | s.ClassDef):
            continue
        for node in s.walk(statement):
            if isinstance(node, s.Attribute) and node.attr in COLUMN_ONLY:
                value = node.value
                if isinstance(value, s.Name) and value.id == attribute.name:
                    yield node.attr


def _rename(call: s.Call, bench: Bench) -> None:
    name = add_import(bench.found, bench.module, "sqlalchemy.orm", "mapped_column", NAME)
    bench.found.edits.append(p.ReplaceExpression(span=call.func.span, codemod=NAME, code=name))
    bench.found.unneeded.append(s.dotted_name(call.func).partition(".")[0])


def _undefer(deferred: s.Call, call: s.Call, bench: Bench) -> None:
    """`deferred(Column(...), group="x")` as `mapped_column(..., deferred=True, ...)`."""
    edits = bench.found.edits
    edits.append(p.AddArgument(span=call.span, codemod=NAME, code="deferred=True"))
    for argument in deferred.keywords:
        name = str(argument.arg)
        code = f"{_DEFERRED_ARGUMENTS[name]}={source(argument.value)}"
        edits.append(p.AddArgument(span=call.span, codemod=NAME, code=code))
        edits.append(p.RemoveArgument(span=deferred.span, codemod=NAME, name=name))
    edits.append(p.UnwrapCall(span=deferred.span, codemod=NAME))
    bench.found.unneeded.append(s.dotted_name(deferred.func).partition(".")[0])


def _is_nullable(call: s.Call) -> bool:
    """Whether the column may hold NULL. An explicit argument stays and decides for the table."""
    given = keyword(call, "nullable")
    if isinstance(given, s.Constant) and given.kind == "bool":
        return bool(given.value)
    if given is not None:
        return True
    primary = keyword(call, "primary_key")
    return not (isinstance(primary, s.Constant) and bool(primary.value))
