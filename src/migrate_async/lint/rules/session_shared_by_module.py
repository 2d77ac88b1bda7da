"""A session that lives as long as the process."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.knowledge.boundaries import CACHE_DECORATORS
from migrate_async.knowledge.resources import SESSION_CLOSERS
from migrate_async.lint.hazards.scripts import Scripts
from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.resources.fate import Event, Fate, Handover, Resource
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.hazards.confidence import weakest


class SessionSharedByModule(Rule):
    """A session is kept in a module, a class attribute, a default value or a cache.

    ## Why

    One session for the process means one transaction and one identity map for all requests and
    threads: they read each other's uncommitted changes and stale objects, a failed flush stops
    everybody (`PendingRollbackError`), and two threads on one session corrupt its state.

    ## Fix

    Keep the *factory* in the module and open a session per request or job.

    ## False alarms

    Code under `if __name__ == "__main__"` and modules that close the session at their end are
    scripts and left alone. A module that nobody imports and that runs a function of its own may
    be a script: medium confidence. Sessions of test modules have low confidence.
    """

    CODE = "MA606"
    CONSEQUENCE = "all requests share one transaction; one failed flush breaks every later request"
    REMEDY = "keep the session factory there, and open a session for each request or job"
    EXAMPLES = (
        Example(
            "a session at the top level of a module",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()
db = SessionLocal()  # error


class Users:
    session = SessionLocal()  # error


def users(db=SessionLocal()):  # error
    return db.query("users").all()
""",
        ),
        Example(
            "a function puts it into a global",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()
_session = None


def get_session():
    global _session
    if _session is None:
        _session = SessionLocal()  # error
    return _session
""",
        ),
        Example(
            "a cache keeps it",
            """\
from functools import lru_cache

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()
_sessions = {}


@lru_cache
def get_session():
    return SessionLocal()  # error


def session_of(tenant):
    _sessions[tenant] = SessionLocal()  # error
    return _sessions[tenant]
""",
        ),
        Example(
            "the module of an application, which a server imports",
            """\
from fastapi import FastAPI
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()
app = FastAPI()
db = SessionLocal()  # error


def configure():
    app.title = "Shop"


configure()
""",
        ),
        Example(
            "a script without the usual guard",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()
db = SessionLocal()  # error: medium


def main():
    print(db.query("users").count())


main()
""",
        ),
        Example(
            "a registry of sessions, not one of them",
            """\
from sqlalchemy.orm import scoped_session, sessionmaker

SessionLocal = sessionmaker()
db = scoped_session(SessionLocal)


def done():
    db.remove()
""",
        ),
        Example(
            "a script",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()

if __name__ == "__main__":
    db = SessionLocal()
    print(db.query("users").count())
""",
        ),
        Example(
            "the module closes it at its end",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()
db = SessionLocal()
print(db.query("users").count())
db.close()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            if function.is_module:
                yield from self._of_module(function, view)
            else:
                yield from self._of_function(function, view)

    # --- at import -----------------------------------------------------------------------------

    def _of_module(self, body: Function, view: View) -> Iterator[Finding]:
        scripts = view.analysis(Scripts)
        for resource in view.analysis(Resources).opened(body):
            if resource.family != "session" or resource.via == "next":
                continue
            alone = Confidence.MEDIUM if scripts.is_script(body.module) else Confidence.HIGH
            name, where = _kept_as(resource, view.project)
            if name is None or _is_closed(name, body.module):
                continue
            yield self.finding(
                resource.node,
                body,
                f"this {resource.noun} is kept in {where} and shared by everything",
                confidence=weakest(_confidence(body), alone),
            )

    # --- in functions --------------------------------------------------------------------------

    def _of_function(self, function: Function, view: View) -> Iterator[Finding]:
        for fate in view.analysis(Resources).of(function):
            if fate.resource.family != "session":
                continue
            keeping, where = _kept_by(fate, function, view.project)
            if keeping is None:
                continue
            related = [place(keeping, function, "it is kept here")]
            yield self.finding(
                fate.resource.node,
                function,
                f"this {fate.resource.noun} is kept in {where} and shared by everything",
                confidence=Confidence.MEDIUM if fate.is_closed_somewhere else _confidence(function),
                related=related,
            )


def _kept_as(resource: Resource, project: Project) -> tuple[str | None, str]:
    """The name that keeps what a module's body opens, and what kind of place that is."""
    child: s.AnyNode = resource.node
    around = project.parent(child)
    while isinstance(around, s.Await | s.Conditional):
        child, around = around, project.parent(around)
    if isinstance(around, s.Parameter):
        return around.name, "a default value"
    if isinstance(around, s.FunctionDef):
        found = [param.name for param in around.params if param.default is child]
        return (found[0], "a default value") if found else (None, "")
    if not isinstance(around, s.Assign | s.AnnotatedAssign) or _is_guarded(around, project):
        return None, ""
    target = around.targets[0] if isinstance(around, s.Assign) else around.target
    where = "a class attribute" if resource.scope.kind == "class" else "a module"
    return (s.dotted_name(target) or "?"), where


def _is_guarded(node: s.AnyNode, project: Project) -> bool:
    """Whether `node` stands under `if __name__ == "__main__"`."""
    around = project.parent(node)
    while not isinstance(around, s.ModuleSyntax):
        if isinstance(around, s.If) and any(
            isinstance(found, s.Name) and found.id == "__name__" for found in s.walk(around.test)
        ):
            return True
        around = project.parent(around)
    return False


def _is_closed(name: str, module: Module) -> bool:
    """Whether the top level of `module` closes what `name` holds, or enters it."""
    for statement in module.syntax.body:
        for node in s.own_code(statement):
            if isinstance(node, s.Attribute) and node.attr in SESSION_CLOSERS:
                if s.dotted_name(node.value) == name:
                    return True
            elif isinstance(node, s.WithItem) and s.dotted_name(node.context) == name:
                return True
    return False


def _kept_by(fate: Fate, function: Function, project: Project) -> tuple[s.Node | None, str]:
    """Where a function keeps a session for good, and what kind of place that is."""
    if fate.has(Handover.RETURN) and function.decorator_names & CACHE_DECORATORS:
        return fate.resource.node, "a cache"
    for event in fate.events:
        if event.handover is Handover.STORE:
            where = _lasting(event, function, project)
            if where and isinstance(event.node, s.Node):
                return event.node, where
    return None, ""


def _lasting(event: Event, function: Function, project: Project) -> str:
    """`a global`, `a class attribute` or `a cache` where that is what is assigned to."""
    node = event.node
    if not isinstance(node, s.Assign | s.AnnotatedAssign):
        return ""
    scope = project.scope_of(node)
    for target in node.targets if isinstance(node, s.Assign) else (node.target,):
        if isinstance(target, s.Name) and target.id in scope.globals:
            is_module = scope.globals[target.id].kind == "module"
            return "a global" if is_module else ""
        if isinstance(target, s.Attribute) and _is_class(s.dotted_name(target.value), function):
            return "a class attribute"
        if isinstance(target, s.Subscript) and _is_of_module(target.value, function):
            return "a cache"
    return ""


def _is_class(name: str, function: Function) -> bool:
    if function.cls is None:
        return False
    is_own = function.is_classmethod and name == function.self_name
    return is_own or name in (function.cls.name, f"{function.self_name}.__class__")


def _is_of_module(expr: s.Expr, function: Function) -> bool:
    """Whether `expr` names something of the module that is no parameter or local name."""
    name = s.dotted_name(expr)
    return bool(name) and name in function.module.scope.names and name not in function.scope.names


def _confidence(function: Function) -> Confidence:
    return Confidence.LOW if function.module.is_test else Confidence.HIGH
