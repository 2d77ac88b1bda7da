"""Sessions, engines and connections that are handed to code which nobody can read: other packages.

Such code was written for sync ones. Whoever calls it keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, last_name
from migrate_async.index.sites import CallSite
from migrate_async.index.stubs import is_abstract
from migrate_async.index.types import Type, Types
from migrate_async.knowledge.dispatch import CALLABLES
from migrate_async.knowledge.external import (
    ENVIRONMENT,
    HARMLESS_ROOTS,
    TAKES_ASYNC_ENGINES,
    WATCHES_ENGINES,
)
from migrate_async.knowledge.pagination import PAGINATES
from migrate_async.knowledge.sqlalchemy import SESSIONS
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.passed import passed_source, passes_sync
from migrate_async.plan.colouring.schema_calls import makes_schema

_NEVER_HARMLESS = frozenset(
    {"builtins.getattr", "builtins.dict", "contextlib.ExitStack", "types.SimpleNamespace"}
)
"""What calls a method of a session by a name, enters one without `async with`, or gives it to
whoever asks for it by a name.
"""
_GIVE_FUNCTIONS = frozenset({"builtins", "functools", "itertools", "operator"})
"""What gives a function when it is called, `reduce(compose, steps)`: it may be any."""
_CONNECTS = frozenset({"begin", "connect", "raw_connection", "dispose"})
_REFLECTS = "autoload_with"
"""The argument by which SQLAlchemy asks a database what a table is like."""


@dataclass(frozen=True)
class Handover:
    """`site` passes a sync `session`, `engine` or `connection` (`what`) to unknown code."""

    site: CallSite
    what: str


def unfollowed(project: Project, function: Function) -> Handover | None:
    """The first call of `function` that passes such a thing to unknown code.

    What is one by its name only does not count, nor do tests.
    """
    if function.module.is_test:
        return None
    return next(_handovers(project, function), None)


def _handovers(project: Project, function: Function) -> Iterator[Handover]:
    for site in project.calls(function):
        what = _handed(project, site) if _may_be_unknown(site) else ""
        if what and _is_unknown_call(project, site, what):
            yield Handover(site, what)
        elif any(_spreads_on(project, target) for target in _given_more(project, site)):
            yield Handover(site, "session")


def _given_more(project: Project, site: CallSite) -> Iterator[Function]:
    """The functions that get a session of `site` in their `*args` or `**kwargs`."""
    call = site.node
    if site.kind != "call" or not isinstance(call, s.Call) or not project.passes_session(site):
        return
    for target in site.targets:
        named = [param for param in target.params if not param.kind.startswith("*")]
        first = len(named) - bool(target.self_name)
        more = [*call.args[max(first, 0) :]]
        known = {param.name for param in named}
        more += [keyword.value for keyword in call.keywords if keyword.arg not in known]
        if any(project.session_kind(value, site.scope) == "sync" for value in more):
            yield target


def _spreads_on(project: Project, function: Function) -> bool:
    """Whether `function` gives its `*args` to what nobody knows: `self.handlers[name](*args)`.

    What a decorator's wrapper gives them to is known.
    """
    spread = {param.name for param in function.params if param.kind.startswith("*")}
    if not spread or project.wrapped_by(function):
        return False
    return any(
        not site.resolved and not spread.isdisjoint(_spread_in(site.node))
        for site in project.calls(function)
        if site.kind == "call"
    )


def _spread_in(node: s.Expr) -> Iterator[str]:
    if isinstance(node, s.Call):
        yield from (s.dotted_name(a.value) for a in node.args if isinstance(a, s.Starred))
        yield from (s.dotted_name(k.value) for k in node.keywords if not k.arg)


def _may_be_unknown(site: CallSite) -> bool:
    is_open = not site.targets or _is_callback(site)
    return site.kind == "call" and is_open and site.operation is None


def _is_callback(site: CallSite) -> bool:
    """Whether a protocol says what is called, and no class of the project is one: any function."""
    return bool(site.targets) and all(
        target.name == "__call__"
        and target.cls is not None
        and any(_names_protocol(base) for base in target.cls.node.bases)
        and is_abstract(target)
        for target in site.targets
    )


def _names_protocol(base: s.Expr) -> bool:
    return last_name(base.value if isinstance(base, s.Subscript) else base) == "Protocol"


def _handed(project: Project, site: CallSite) -> str:
    if project.passes_session(site) and passes_sync(project, site, surely=True):
        return "session"
    return passed_source(project, site)


def _is_unknown_call(project: Project, site: CallSite, what: str) -> bool:
    assert isinstance(site.node, s.Call)  # noqa: S101  sites of this kind are
    if _is_callback(site):
        return True
    types = project.infer(site.node.func, site.scope)
    if what != "session":
        return _needs_sync(project, site, types)
    return not site.resolved or any(map(_is_unknown, types))


def _needs_sync(project: Project, site: CallSite, types: Types) -> bool:
    """Whether a call that is given an engine or a connection may ask it for something."""
    assert isinstance(site.node, s.Call)  # noqa: S101  sites of this kind are
    if any(keyword.arg == _REFLECTS for keyword in site.node.keywords):
        return True
    if makes_schema(project, site.node, site.scope):
        return False
    if not types:
        return not site.resolved
    return any(map(_is_unknown, types)) and not any(map(_takes_async, types))


def object_engines(project: Project, function: Function) -> Iterator[s.Attribute]:
    """The engines of objects, `database.engine`, that `function` passes to unknown code."""
    for found in _handovers(project, function):
        call = found.site.node
        assert isinstance(call, s.Call)  # noqa: S101  handovers are calls
        yield from _engines_among(project, found.site, call.values)


def opened_engines(project: Project, function: Function) -> Iterator[s.Attribute]:
    """Those that `function` makes a sync session of, connects, makes tables with or disposes of."""
    if function.is_module:
        return
    for site in project.calls(function):
        call = site.node
        if site.kind != "call" or not isinstance(call, s.Call):
            continue
        if isinstance(call.func, s.Attribute) and call.func.attr in _CONNECTS:
            yield from _engines_among(project, site, (call.func.value,))
        elif _takes_engine(project, site, call):
            yield from _engines_among(project, site, call.values)


def _takes_engine(project: Project, site: CallSite, call: s.Call) -> bool:
    """Whether `call` makes a session, or tables, with an engine that it is given."""
    if makes_schema(project, call, site.scope):
        return True
    return any(map(_makes_session, project.infer(call.func, site.scope)))


def _makes_session(item: Type) -> bool:
    return isinstance(item, t.External) and item.dotted in SESSIONS


def _engines_among(
    project: Project, site: CallSite, values: Iterable[s.Expr]
) -> Iterator[s.Attribute]:
    """Those that are attributes of objects, or local names of these."""
    for value in values:
        if project.engine_or_connection(value, site.scope) != "engine":
            continue
        meant = project.value_of(value, site.scope) if isinstance(value, s.Name) else value
        if not isinstance(meant, s.Attribute) or project.function_of(meant) is not site.function:
            continue
        if owner_of(project, meant):
            yield meant


def owner_of(project: Project, node: s.Attribute) -> Class | None:
    """The class of the object that `node` is an attribute of, if it is one of the project."""
    owners = project.infer(node.value, project.scope_of(node))
    return next((item.cls for item in owners if isinstance(item, t.Instance)), None)


def _takes_async(item: Type) -> bool:
    if isinstance(item, t.ExternalMethod):
        return (item.owner, item.name) in WATCHES_ENGINES  # see `plan.engine_watchers`
    return isinstance(item, t.External) and item.dotted in TAKES_ASYNC_ENGINES


def hands_source(project: Project, site: CallSite) -> bool:
    """Whether `site` passes a sync engine or connection to unknown code."""
    what = passed_source(project, site) if _may_be_unknown(site) else ""
    return bool(what) and _is_unknown_call(project, site, what)


def _is_unknown(item: Type) -> bool:
    """Whether nobody has read the code of `item`: it is neither ours nor one of our tables'."""
    if isinstance(item, t.Method):
        return isinstance(item.owner, t.Instance)
    if isinstance(item, t.External) and item.dotted in PAGINATES:
        return False
    if isinstance(item, t.ExternalInstance):
        return item.dotted in CALLABLES  # nobody knows which function it is
    if isinstance(item, t.ExternalMethod):
        return _is_foreign(item.owner)
    if isinstance(item, t.ExternalResult) and item.dotted.partition(".")[0] in _GIVE_FUNCTIONS:
        return True
    return isinstance(item, t.External | t.ExternalResult) and _is_foreign(item.dotted)


def _is_foreign(dotted: str) -> bool:
    if f"{dotted}.".startswith(f"{ENVIRONMENT}."):
        return False
    return dotted in _NEVER_HARMLESS or dotted.partition(".")[0] not in HARMLESS_ROOTS
