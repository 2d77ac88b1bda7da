"""The Python type of a column, as an annotation can name it in the model's module."""

from __future__ import annotations

from dataclasses import dataclass

from migrate_async.index.columns import Column
from migrate_async.index.declarative import keyword
from migrate_async.index.orm import Model
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Scope, last_name
from migrate_async.index.types import ClassObject, External, ExternalInstance, Instance, ordered
from migrate_async.knowledge import column_types as known
from migrate_async.model import syntax as s


@dataclass(frozen=True)
class PythonType:
    """`dotted` is `module.name`, a builtin's name, or a project class with `cls`.

    `item` is what a list holds.
    """

    dotted: str
    cls: Class | None = None
    item: PythonType | None = None


ANY = PythonType(known.ANY)


class PythonTypes:
    """Finds the Python type of `Column(...)` calls."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._tables = {m.tablename: m for m in project.models.values() if m.tablename}

    def of_column(self, call: s.Call, scope: Scope) -> PythonType:
        """What the column holds; `Any` where that is not known."""
        for argument in (*call.args, keyword(call, "type_")):
            if argument is not None and not isinstance(argument, s.Constant):
                found = self._of_type(argument, scope)
                if found is not None:
                    return found
        return self._of_foreign_key(call, scope)

    def _of_type(self, expr: s.Expr, scope: Scope) -> PythonType | None:
        """The type of a SQL type; None when `expr` is something else, a constraint or default."""
        if isinstance(expr, s.Call) and last_name(expr) == "with_variant":
            return self._of_variant(expr, scope)
        for item in ordered(self._project.infer(expr, scope)):
            if isinstance(item, External | ExternalInstance):
                found = self._of_library(item.dotted, expr, scope)
                if found is not None:
                    return found
            elif isinstance(item, ClassObject | Instance):
                return ANY  # a `TypeDecorator` of the project gives whatever it wants
        return ANY if last_name(expr) == "as_mutable" else None

    def _of_variant(self, call: s.Call, scope: Scope) -> PythonType:
        """What both types of `A().with_variant(B(), "dialect")` hold."""
        if not isinstance(call.func, s.Attribute) or not call.args:
            return ANY
        both = [self._of_type(expr, scope) for expr in (call.func.value, call.args[0])]
        return both[0] if both[0] is not None and both[0] == both[1] else ANY

    def _of_library(self, dotted: str, expr: s.Expr, scope: Scope) -> PythonType | None:
        package, _, name = dotted.partition(".")[0], "", dotted.rpartition(".")[2]
        if name == "ForeignKey" or name in known.WITHOUT_TYPE:
            return None
        if package not in known.PACKAGES:
            return ANY
        call = expr if isinstance(expr, s.Call) else None
        if name in ("Enum", "ENUM"):
            return self._enum(call, scope)
        if name == "ARRAY":
            return self._array(call, scope)
        python = known.PYTHON_TYPES.get(name)
        if python is None:
            return None if "schema" in dotted else ANY
        return PythonType(_with_options(python, call))

    def _enum(self, call: s.Call | None, scope: Scope) -> PythonType:
        first = call.args[0] if call is not None and call.args else None
        if isinstance(first, s.Constant) and first.kind == "str":
            return PythonType("str")
        if first is not None:
            for item in ordered(self._project.infer(first, scope)):
                if isinstance(item, ClassObject):
                    return PythonType(item.cls.qualname, item.cls)
        return ANY

    def _array(self, call: s.Call | None, scope: Scope) -> PythonType:
        if call is None or not call.args or keyword(call, "dimensions") is not None:
            return ANY
        return PythonType("list", item=self._of_type(call.args[0], scope) or ANY)

    def _of_foreign_key(self, call: s.Call, scope: Scope) -> PythonType:
        """A column without a type has that of the column that it refers to."""
        for argument in call.args:
            if last_name(argument) == "ForeignKey" and isinstance(argument, s.Call):
                target = argument.args[0] if argument.args else None
                if isinstance(target, s.Constant):
                    return self._referenced(str(target.value))
                return self._of_attribute(target, scope)
        return ANY

    def _referenced(self, name: str) -> PythonType:
        table, _, column = name.rpartition(".")
        model = self._tables.get(table)
        return ANY if model is None else self._of_model_column(model, column)

    def _of_attribute(self, target: s.Expr | None, scope: Scope) -> PythonType:
        """`ForeignKey(User.id)`."""
        if isinstance(target, s.Attribute):
            for item in ordered(self._project.infer(target.value, scope)):
                if isinstance(item, ClassObject):
                    model = self._project.models.get(item.cls.qualname)
                    if model is not None:
                        return self._of_model_column(model, target.attr)
        return ANY

    def _of_model_column(self, model: Model, name: str) -> PythonType:
        column: Column | None = next(
            (found for found in model.columns.values() if found.column == name), None
        )
        names = {**known.OF_ANNOTATIONS, **known.PYTHON_TYPES}
        python = names.get(column.type) if column is not None else None
        return ANY if python is None else PythonType(python)


def is_typed(call: s.Call) -> bool:
    """Whether the column has a type, its own or that of the column it refers to."""
    given = (*call.args, keyword(call, "type_"))
    return any(
        argument is not None
        and not isinstance(argument, s.Constant)
        and last_name(argument) not in known.WITHOUT_TYPE
        for argument in given
    )


def _with_options(python: str, call: s.Call | None) -> str:
    if call is None:
        return python
    if python == "decimal.Decimal" and _is(keyword(call, known.WITHOUT_DECIMALS), False):
        return "float"
    if python == "float" and _is(keyword(call, known.WITHOUT_DECIMALS), True):
        return "decimal.Decimal"
    if python == "uuid.UUID" and _is(keyword(call, known.WITHOUT_UUID), False):
        return "str"
    return python


def _is(expr: s.Expr | None, value: bool) -> bool:
    return isinstance(expr, s.Constant) and expr.kind == "bool" and bool(expr.value) is value
