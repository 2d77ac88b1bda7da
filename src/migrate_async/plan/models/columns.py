"""`name = Column(...)` as `name: Mapped[...] = mapped_column(...)`."""

from __future__ import annotations

from migrate_async.index.declarative import keyword
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at
from migrate_async.plan.database import add_import
from migrate_async.plan.models.bench import NAME, Bench, library_name
from migrate_async.plan.models.python_types import PythonTypes

_COLUMN = "sqlalchemy.Column"
_MAPPED_COLUMN = "sqlalchemy.orm.mapped_column"


class Columns:
    """Plans the columns of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._types = PythonTypes(project)

    def plan(self, cls: Class, statement: s.Stmt, bench: Bench) -> bool:
        """Add the edits of `statement` if it maps a column; whether it does."""
        if not isinstance(statement, s.Assign) or len(statement.targets) != 1:
            return False
        call, target = statement.value, statement.targets[0]
        if not isinstance(call, s.Call) or not isinstance(target, s.Name):
            return False
        kind = library_name(self._project.infer(call.func, cls.scope))
        if kind not in (_COLUMN, _MAPPED_COLUMN):
            return False
        annotation = self._annotation(cls, target.id, call, bench)
        if annotation is not None:
            edit = p.AnnotateName(span=statement.span, codemod=NAME, code=annotation)
            bench.found.edits.append(edit)
        if kind == _COLUMN:
            _rename(call, bench)
        return True

    def _annotation(self, cls: Class, attribute: str, call: s.Call, bench: Bench) -> str | None:
        """`Mapped[...]`; None where no name for the type is to be had: it may be left out."""
        name = bench.namer.name(self._types.of_column(call, cls.scope), cls)
        if name is None:
            bench.found.diagnostics.append(
                at(
                    cls.module.path,
                    call.span,
                    "MA551",
                    f"`{attribute}` gets no `Mapped[...]`: in this class body, the name of its "
                    "type means something else",
                    "annotate it by hand; the mapping works without",
                )
            )
            return None
        mapped = add_import(bench.found, cls.module, "sqlalchemy.orm", "Mapped", NAME)
        return f"{mapped}[{name} | None]" if _is_nullable(call) else f"{mapped}[{name}]"


def _rename(call: s.Call, bench: Bench) -> None:
    name = add_import(bench.found, bench.module, "sqlalchemy.orm", "mapped_column", NAME)
    bench.found.edits.append(p.ReplaceExpression(span=call.func.span, codemod=NAME, code=name))
    bench.found.unneeded.append(s.dotted_name(call.func).partition(".")[0])


def _is_nullable(call: s.Call) -> bool:
    """Whether the column may hold NULL. An explicit argument stays and decides for the table."""
    given = keyword(call, "nullable")
    if isinstance(given, s.Constant) and given.kind == "bool":
        return bool(given.value)
    if given is not None:
        return True
    primary = keyword(call, "primary_key")
    return not (isinstance(primary, s.Constant) and bool(primary.value))
