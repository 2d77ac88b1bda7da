"""The `__init__` that `@dataclass` writes: who makes such an object hands its fields over.

So does who makes a model of Pydantic. Those that hold a session have one, too, here: others are
read as schemas.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import last_name
from migrate_async.model import syntax as s

_ALLOWED = "arbitrary_types_allowed"
_PLAIN_BASES = frozenset({"ABC", "Generic", "Protocol", "object"})


def written_init(cls: s.ClassDef) -> s.FunctionDef | None:
    """The `__init__` of a dataclass that defines none, or of a model; None for any other class.

    Parameters share annotation and default with the fields, so that an edit of one is an edit of
    the other. A dataclass that inherits from one has the `__init__` of that as far as is known.
    """
    is_plain = any(map(_is_dataclass, cls.decorators)) and _stands_alone(cls)
    if not is_plain and not _is_model_with_session(cls):
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
    return all(last_name(base) in _PLAIN_BASES for base in bases) and not _has_init(cls)


def _has_init(cls: s.ClassDef) -> bool:
    return any(
        isinstance(statement, s.FunctionDef) and statement.name == "__init__"
        for statement in cls.body
    )


def _is_model_with_session(cls: s.ClassDef) -> bool:
    """Whether `cls` is a model of Pydantic, which checks that `db: Session` gets one."""
    sessions = [field for field in _fields(cls) if field.annotation and _names_session(field)]
    return bool(sessions) and not _has_init(cls) and _is_model(cls)


def _names_session(field: s.Parameter) -> bool:
    return any("Session" in node.id for node in s.walk(field) if isinstance(node, s.Name))


def _is_model(cls: s.ClassDef) -> bool:
    """Whether its base says so, or its settings: a model allows no such field otherwise."""
    if any(last_name(base).endswith("BaseModel") for base in cls.bases):
        return True
    return any(
        (isinstance(node, s.Name) and node.id == _ALLOWED)
        or (isinstance(node, s.Keyword) and node.arg == _ALLOWED)
        or (isinstance(node, s.Constant) and node.value == _ALLOWED)
        for statement in cls.body
        if not isinstance(statement, s.FunctionDef)
        for node in s.walk(statement)
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
