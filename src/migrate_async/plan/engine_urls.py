"""The URL that an engine is made of: its async form, or who finds that when the engine is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.declarative import keyword
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, ValueBinding
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at, note
from migrate_async.plan.aware_times import has_aware_times
from migrate_async.plan.byte_columns import has_byte_columns
from migrate_async.plan.exact_numbers import has_exact_numbers
from migrate_async.plan.float_values import has_other_floats
from migrate_async.plan.loose_texts import has_loose_texts
from migrate_async.plan.names import is_bound_inside, local_name
from migrate_async.plan.urls import async_url, foreign_argument, unknown_arguments

BY_RUNTIME = "async_engine_from_url"
"""What the runtime calls its `create_async_engine`, which translates the URL itself."""

FROM_CONFIG = "engine_from_config"
MAKE_ENGINES = frozenset({"create_engine", FROM_CONFIG})


@dataclass(frozen=True)
class UrlForm:
    """How the async engine gets its URL: as `text` in the place of `literal`, if that is known.

    Else as it is: from what SQLAlchemy is given apart from it or, `by_runtime`, translated when
    the engine is made. The `diagnostics` say what that asks for.
    """

    literal: s.Constant | None = None
    text: str = ""
    by_runtime: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()


def async_form(project: Project, module: Module, call: s.Call) -> UrlForm:
    """The form for `call`, of `create_engine`, in `module`."""
    url = url_argument(call)
    if url is None:
        return UrlForm()
    literal = _literal(project, module, url)
    text = str(literal.value) if literal is not None else ""
    converted = async_url(text) if text else None
    if literal is not None and converted and not _is_left(project, call, text):
        return UrlForm(literal, converted)
    return UrlForm(by_runtime=True, diagnostics=tuple(_told(project, module, call, url, text)))


def moving_url(project: Project, module: Module, call: s.Call) -> s.Constant | None:
    """The text of a variable that `call` takes as its URL, if that becomes the async one."""
    is_name = isinstance(url_argument(call), s.Name)
    return async_form(project, module, call).literal if is_name else None


def moving_urls(project: Project, function: Function) -> Iterator[tuple[str, s.Constant]]:
    """The variables that engines which `function` makes take their URLs from, where that goes."""
    for call in function.calls:
        if call.name in MAKE_ENGINES:
            literal = moving_url(project, function.module, call.node)
            url = url_argument(call.node)
            if literal is not None and isinstance(url, s.Name):
                yield url.id, literal


def url_argument(call: s.Call) -> s.Expr | None:
    """What `call`, of `create_engine`, takes as its URL."""
    return call.args[0] if call.args else keyword(call, "url")


def known_at_run_time(module: Module, span: s.Span, converter: str) -> Diagnostic:
    """What is said of a URL that only `converter`, of the runtime, gets to see."""
    return at(
        module.path,
        span,
        "MA401",
        f"the database URL is known only at run time: {converter}() converts it there",
        "add migrate-async to the application's dependencies, or give it an async URL",
    )


def _is_left(project: Project, call: s.Call, url: str) -> bool:
    """Whether the runtime makes an engine of the URL as it is: SQLAlchemy alone could not."""
    if foreign_argument(call, url):
        return True
    if _is_for_aiomysql(url):
        return project.shared(has_byte_columns)
    return _is_for_asyncpg(url) and any(
        project.shared(has)
        for has in (has_aware_times, has_exact_numbers, has_loose_texts, has_other_floats)
    )


def _is_for_asyncpg(url: str) -> bool:
    return (async_url(url) or "").startswith("postgresql+asyncpg")


def _is_for_aiomysql(url: str) -> bool:
    return "+aiomysql:" in (async_url(url) or "")


def _told(
    project: Project, module: Module, call: s.Call, url: s.Expr, text: str
) -> Iterator[Diagnostic]:
    """What is said of a URL, `text` if that is known, which the runtime translates."""
    if not text:
        yield known_at_run_time(module, url.span, BY_RUNTIME)
    elif _is_for_asyncpg(text):
        yield from _values_of_asyncpg(project, module, call)
    elif _is_for_aiomysql(text) and project.shared(has_byte_columns):
        yield note(
            module.path,
            call.span,
            "MA423",
            "there are columns of bytes, which aiomysql fails to write beside PyMySQL 1.2: the "
            f"engines of {BY_RUNTIME}() write them",
            "add migrate-async to the application's dependencies, or stay below PyMySQL 1.2",
        )
    for name in unknown_arguments(text):
        yield _unknown_argument(module, url.span, name)


def _values_of_asyncpg(project: Project, module: Module, call: s.Call) -> Iterator[Diagnostic]:
    """What is said of values that asyncpg refuses, or stores as others."""
    if project.shared(has_aware_times):
        yield note(
            module.path,
            call.span,
            "MA415",
            "columns without a time zone get times with one, which asyncpg "
            f"refuses: the engines of {BY_RUNTIME}() take them",
            "add migrate-async to the application's dependencies, or give the columns "
            "DateTime(timezone=True) in a migration",
        )
    if project.shared(has_exact_numbers):
        yield note(
            module.path,
            call.span,
            "MA417",
            "columns of exact numbers may get floats, of which asyncpg stores all binary digits, "
            "and what they are compared with is rounded to their scale: the engines of "
            f"{BY_RUNTIME}() store 83.48 as psycopg2 did, and round nothing",
            "add migrate-async to the application's dependencies, or give such columns Decimals",
        )
    if project.shared(has_loose_texts):
        yield note(
            module.path,
            call.span,
            "MA418",
            "columns of text meet numbers or UUIDs, which asyncpg refuses: the engines of "
            f"{BY_RUNTIME}() take them by their texts, as psycopg2 did",
            "add migrate-async to the application's dependencies, or give such columns str()",
        )
    if project.shared(has_other_floats):
        yield note(
            module.path,
            call.span,
            "MA422",
            "there are short floats (REAL, ts_rank()), of which asyncpg shows 0.10000000149011612, "
            "or functions of the database get floats, which are exact numbers to psycopg2 alone: "
            f"the engines of {BY_RUNTIME}() do as psycopg2 did",
            "add migrate-async to the application's dependencies, or round and cast such values",
        )


def _unknown_argument(module: Module, span: s.Span, name: str) -> Diagnostic:
    return at(
        module.path,
        span,
        "MA407",
        f"the URL has an argument `{name}`, which the async driver does not know",
        "remove it, or find what the driver calls it: the engine refuses it when it is made",
    )


def _literal(project: Project, module: Module, url: s.Expr) -> s.Constant | None:
    """The string that `url` is, also through a variable that only this module reads."""
    if isinstance(url, s.Constant):
        return url if url.kind == "str" else None
    if not isinstance(url, s.Name) or is_bound_inside(url.id, project.scope_of(url)):
        return None
    bindings = module.scope.names.get(url.id, [])
    if len(bindings) != 1 or not isinstance(bindings[0], ValueBinding):
        return None
    value = bindings[0].value
    if not isinstance(value, s.Constant) or value.kind != "str":
        return None
    return value if _read_once(project, module, url.id) else None


def _read_once(project: Project, module: Module, name: str) -> bool:
    own = [
        node
        for statement in module.syntax.body
        for node in s.walk(statement)
        if isinstance(node, s.Name) and node.id == name
    ]
    imported = any(
        local_name(other, module.name, name)
        for other in project.modules.values()
        if other is not module
    )
    return len(own) == 2 and not imported  # one binds it, one reads it
