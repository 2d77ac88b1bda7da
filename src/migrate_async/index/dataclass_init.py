"""The `__init__` that `@dataclass` writes: who makes such an object hands its fields over."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import last_name
from migrate_async.model import syntax as s

_PLAIN_BASES = frozenset({"ABC", "Generic", "Protocol", "object"})


def written_init(cls: s.ClassDef) -> s.FunctionDef | None:
    """The `__init__` of a dataclass that defines none; None for any other class.

    Parameters share annotation and default with the fields, so that an edit of one is an edit of
    the other. A dataclass that inherits from one has the `__init__` of that as far as is known.
    """
    if not any(map(_is_dataclass, cls.decorators)) or not _stands_alone(cls):
        return None
    me = s.Parameter(*cls.span, "self", "positional", None, None)
    fields = tuple(_fields(cls))
    body = tuple(_stored(field) for field in fields)
    return s.FunctionDef(*cls.span, "__init__", False, (me, *fields), None, (), body)


def _is_dataclass(decorator: s.Expr) -> bool:
    func = decorator.func if isinstance(decorator, s.Call) else decorator
    return last_name(func) == "dataclass"


def _stands_alone(cls: s.ClassDef) -> bool:
    bases = (base.value if isinstance(base, s.Subscript) else base for base in cls.bases)
    return all(last_name(base) in _PLAIN_BASES for base in bases) and not any(
        isinstance(statement, s.FunctionDef) and statement.name == "__init__"
        for statement in cls.body
    )


def _fields(cls: s.ClassDef) -> Iterator[s.Parameter]:
    for statement in cls.body:
        if not isinstance(statement, s.AnnotatedAssign) or not isinstance(statement.target, s.Name):
            continue
        if _is_class_variable(statement.annotation):
            continue
        default = statement.value
        if isinstance(default, s.Call) and last_name(default.func) == "field":
            given = {keyword.arg: keyword.value for keyword in default.keywords}
            if "init" in given:
                continue
            default = given.get("default")
        yield s.Parameter(
            *statement.span, statement.target.id, "positional", statement.annotation, default
        )


def _is_class_variable(annotation: s.Expr) -> bool:
    head = annotation.value if isinstance(annotation, s.Subscript) else annotation
    return last_name(head) == "ClassVar"


def _stored(field: s.Parameter) -> s.Assign:
    """`self.x = x`"""
    span = field.span
    target = s.Attribute(*span, s.Name(*span, "self"), field.name)
    return s.Assign(*span, (target,), s.Name(*span, field.name))
