"""A service registry that gives sessions away."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.scopes import Function, RawCall
from migrate_async.knowledge import resources, sqlalchemy
from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding

_PROVIDER_NAMES = frozenset(name.rpartition(".")[2] for name in resources.PROVIDERS)
_CLASSES = sqlalchemy.SESSIONS | sqlalchemy.ASYNC_SESSIONS


class SessionInRegistry(Rule):
    """A session, or what makes one, is registered in a service registry.

    ## Why

    `Container.resolve("db_session")` makes a session each time, and the registry closes none of
    them. Whoever resolves one would have to, and cannot be seen to. A session *object* in a
    registry is worse: every request and thread shares it, with its one transaction.

    ## Fix

    Register the engine or the session factory's owner, and open sessions where they are used:
    `with SessionLocal() as db:`, or `Depends(get_db)` in routes. With dependency-injector use
    `providers.Resource` on a generator.

    ## False alarms

    Registries that close what they gave, such as svcs and dishka, are left alone. One that the
    project has taught to do so is not recognised.
    """

    CODE = "MA605"
    CONSEQUENCE = "each resolve opens a session that nobody closes, until the pool runs dry"
    REMEDY = "take sessions from `Depends(get_db)` or a `with` block, not from the registry"
    EXAMPLES = (
        Example(
            "a session factory in a service registry",
            """\
from app.registry import Container
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()

Container.register("db_session", SessionLocal)  # error
Container.register_factory("db", lambda: SessionLocal())  # error
""",
        ),
        Example(
            "one session for everybody",
            """\
from app.registry import container
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def configure():
    container.register_instance("db", SessionLocal())  # error
""",
        ),
        Example(
            "a provider that closes nothing",
            """\
from dependency_injector import containers, providers
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


class Container(containers.DeclarativeContainer):
    session = providers.Factory(SessionLocal)  # error
""",
        ),
        Example(
            "a function that takes it from a registry of its own",
            """\
from dependency_injector import containers, providers
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker


def session_factory(engine) -> Session:
    return scoped_session(sessionmaker(bind=engine))()


class Container(containers.DeclarativeContainer):
    engine = providers.Singleton(create_engine, "postgresql:///shop")
    session = providers.Singleton(session_factory, engine)  # error
""",
        ),
        Example(
            "the factory is what is provided, not its sessions",
            """\
from dependency_injector import containers, providers
from sqlalchemy.orm import sessionmaker


class Container(containers.DeclarativeContainer):
    factory = providers.Singleton(sessionmaker, expire_on_commit=False)
""",
        ),
        Example(
            "svcs closes what it gave",
            """\
import svcs
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()
registry = svcs.Registry()
registry.register_factory(Session, SessionLocal)
""",
        ),
        Example(
            "something else is registered",
            """\
from app.registry import Container
from sqlalchemy import create_engine

engine = create_engine("postgresql:///shop")
Container.register("engine", engine)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for call in function.calls:
                what = _registered(call, view)
                if what:
                    message = f"a registry that closes nothing is given {what}"
                    yield self.finding(call.node, function, message)


def _registered(call: RawCall, view: View) -> str:
    values = call.node.values
    if call.name in resources.REGISTERING:
        if not isinstance(call.node.func, s.Attribute) or _closes(call, view):
            return ""
        values = values[1:] if len(values) > 1 else values
    elif not _is_provider(call, view):
        return ""
    return next(filter(None, (_given(value, call, view) for value in values)), "")


def _closes(call: RawCall, view: View) -> bool:
    func = call.node.func
    assert isinstance(func, s.Attribute)  # noqa: S101 - see the caller
    types = view.project.infer(func.value, call.scope)
    names = [s.dotted_name(func.value), *(getattr(item, "dotted", "") for item in types)]
    return any(name.startswith(resources.CLOSING_REGISTRIES) for name in names)


def _is_provider(call: RawCall, view: View) -> bool:
    types = view.project.infer(call.node.func, call.scope)
    return any(
        isinstance(item, t.External) and item.dotted in resources.PROVIDERS for item in types
    )


def _given(value: s.Expr, call: RawCall, view: View) -> str:
    """What `value` is, if it is a session or makes one."""
    types = view.project.infer(value, call.scope)
    if any(_makes_session(item, view) for item in types):
        return "a factory of sessions"
    return "a session" if _is_session(types, view) else ""


def _is_session(types: t.Types, view: View) -> bool:
    is_scoped = any(getattr(item, "dotted", "") == sqlalchemy.SCOPED_SESSION for item in types)
    return view.project.session_kind_of(types) is not None and not is_scoped


def _makes_session(item: t.Type, view: View) -> bool:
    if isinstance(item, t.SessionFactory):
        return True
    if isinstance(item, t.External):
        return item.dotted in _CLASSES
    return isinstance(item, t.FunctionObject) and _opens(item.fn, view)


def _opens(function: Function, view: View) -> bool:
    """Whether each call of `function` gives a session, of its own or of a registry of its own."""
    opened = view.analysis(Resources).fresh(function)
    if opened is not None:
        return opened.family == "session"
    is_plain = not function.is_generator and not function.decorator_names
    return is_plain and _is_session(view.project.returns(function), view)
