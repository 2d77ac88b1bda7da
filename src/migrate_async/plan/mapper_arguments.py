"""The `__mapper_args__` of declarative classes."""

from __future__ import annotations

from migrate_async.index.scopes import Class, ValueBinding
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.text import text

ARGUMENTS = "__mapper_args__"
TABLE = "__tablename__"


def written(cls: Class) -> s.Mapping | None:
    """The display that is the class's own."""
    bindings = cls.scope.names.get(ARGUMENTS, ())
    if len(bindings) != 1 or not isinstance(bindings[0], ValueBinding):
        return None
    value = bindings[0].value
    return value if isinstance(value, s.Mapping) else None


def keys(arguments: s.Mapping | None) -> set[str]:
    """Those that are texts."""
    given = arguments.keys if arguments is not None else ()
    return {str(key.value) for key in given if isinstance(key, s.Constant)}


def with_argument(arguments: s.Mapping, codemod: str, name: str, code: str) -> p.ReplaceExpression:
    """One more, whose value is `code`."""
    items = [
        f"{text(key)}: {text(value)}" if key is not None else f"**{text(value)}"
        for key, value in zip(arguments.keys, arguments.values, strict=True)
    ]
    items.append(f'"{name}": {code}')
    return p.ReplaceExpression(span=arguments.span, codemod=codemod, code=f"{{{', '.join(items)}}}")
