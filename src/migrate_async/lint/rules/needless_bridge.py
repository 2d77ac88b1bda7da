"""`await db.run_sync(helper)` that could be a plain call or await."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.lint import patterns
from migrate_async.lint.library_calls import Use
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.loads.accesses import Accesses

_BRIDGES = frozenset(
    f"sqlalchemy.ext.asyncio.{owner}.run_sync" for owner in ("AsyncSession", "AsyncConnection")
) | {"sqlmodel.ext.asyncio.AsyncSession.run_sync"}
_TWINS = ("async_{}", "{}_async", "a{}")


class NeedlessBridge(Rule):
    """A helper is called through `run_sync()` although a plain call or `await` would do.

    ## Why

    `run_sync()` runs a sync function on the session of async code. While a migration is on its way
    it is the right thing; when the helper has migrated, or does not touch the database any more,
    it is a greenlet switch for nothing, and hides what is async.

    ## Fix

    Call a helper that does no I/O directly. Await the async twin of a helper. Make a helper whose
    callers are all async a coroutine: `migrate-async migrate PATH`.

    ## False alarms

    What a helper calls may not be known; then it is not said to do no I/O. That all callers are
    async, and that a twin does the same, has medium confidence.
    """

    CODE = "MA853"
    CONSEQUENCE = "each call pays a greenlet for nothing; a coroutine function is never awaited"
    REMEDY = "call the helper directly, or await it"
    PER_FILE = False
    EXAMPLES = (
        Example(
            "a helper without I/O, one that has migrated, and one with a twin",
            """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


def label(db: Session, name: str) -> str:
    return name


async def touch(db: AsyncSession) -> None:
    await db.execute(text("SELECT 1"))


def total(db: Session) -> int:
    return db.scalar(text("SELECT count(*) FROM users"))


async def async_total(db: AsyncSession) -> int:
    return await db.scalar(text("SELECT count(*) FROM users"))


async def users(db: AsyncSession):
    name = await db.run_sync(label, "a")  # error
    await db.run_sync(touch)  # error
    return name, await db.run_sync(total)  # error: medium
""",
        ),
        Example(
            "a helper whose callers are all async",
            """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


def count(db: Session) -> int:
    return db.scalar(text("SELECT count(*) FROM users"))


async def users(db: AsyncSession):
    return await db.run_sync(count)  # error: medium
""",
        ),
        Example(
            "a helper that sync code calls too",
            """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


def count(db: Session) -> int:
    return db.scalar(text("SELECT count(*) FROM users"))


def job(db: Session) -> int:
    return count(db)


async def users(db: AsyncSession):
    return await db.run_sync(count)
""",
        ),
        Example(
            "what it gets goes to a library",
            """\
from alembic import command, context
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection


def run_migrations(connection: Connection) -> None:
    context.configure(connection=connection)
    context.run_migrations()


def upgrade(connection, config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def main(connection: AsyncConnection, config):
    await connection.run_sync(run_migrations)
    await connection.run_sync(upgrade, config)
""",
        ),
        Example(
            "a function of a library",
            """\
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

metadata = MetaData()


async def create() -> None:
    async with create_async_engine("sqlite+aiosqlite://").begin() as connection:
        await connection.run_sync(metadata.create_all)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        accesses = view.project.shared(Accesses)
        for use in patterns.uses(view, _BRIDGES):
            helper = _helper(view, use)
            found = helper and _reason(view.project, accesses, helper)
            if helper is None or not found:
                continue
            message, sure = found
            related = [place(patterns.header(helper), helper, "the helper")]
            yield self.finding(use.node, use.function, message, confidence=sure, related=related)


def _helper(view: View, use: Use) -> Function | None:
    """The one project function that is bridged."""
    first = use.node.args[0] if use.node.args else None
    if first is None or isinstance(first, s.Lambda):
        return None
    found = [
        item.fn
        for item in view.project.infer(first, use.call.scope)
        if isinstance(item, t.FunctionObject)
    ]
    return found[0] if len(found) == 1 and isinstance(found[0].node, s.FunctionDef) else None


def _reason(
    project: Project, accesses: Accesses, helper: Function
) -> tuple[str, Confidence] | None:
    if helper.is_async:
        message = f"`{helper.name}` is a coroutine function: `run_sync()` never awaits it"
        return message, Confidence.HIGH
    is_lent = _hands_on(project, helper)
    if not is_lent and _is_pure(project, accesses, helper, set()):
        return f"`{helper.name}` does not touch the database", Confidence.HIGH
    twin = _twin(project, helper)
    if twin is not None:
        return f"`{twin.name}` is the async twin of `{helper.name}`", Confidence.MEDIUM
    if not is_lent and _only_bridged(project, helper):
        return f"all callers of `{helper.name}` are async: it can be awaited", Confidence.MEDIUM
    return None


def _hands_on(project: Project, helper: Function) -> bool:
    """Whether `helper` gives what it gets from `run_sync()` to anything but project functions."""
    params = helper.node.params if isinstance(helper.node, s.FunctionDef) else ()
    names = [param.name for param in params if param.name != helper.self_name][:1]
    return any(
        isinstance(reference.node, s.Name)
        and reference.node.id in names
        and not _stays(project, reference.node, reference.scope)
        for reference in helper.references
    )


def _stays(project: Project, node: s.Name, scope: Scope) -> bool:
    """Whether `node` is read, or passed to a project function, which is looked at itself."""
    around = project.parent(node)
    if isinstance(around, s.Keyword):
        around = project.parent(around)
    if not isinstance(around, s.Call):
        return isinstance(around, s.Attribute | s.Operation)
    return any(value is node for _, _, value in project.passes(around, scope))


def _is_pure(project: Project, accesses: Accesses, function: Function, seen: set[Function]) -> bool:
    """Whether nothing that `function` runs can touch the database, as far as all of it is known."""
    if function in seen:
        return True
    seen.add(function)
    if any(True for _ in accesses.of(function)):
        return False
    for site in project.calls(function):
        if site.operation is not None or (not site.targets and project.passes_session(site)):
            return False
        if not site.resolved:
            return False
        if not all(_is_pure(project, accesses, target, seen) for target in site.targets):
            return False
    return True


def _twin(project: Project, helper: Function) -> Function | None:
    prefix, _, name = helper.qualname.rpartition(".")
    for template in _TWINS:
        found = project.function(f"{prefix}.{template.format(name)}")
        if found is not None and found.is_async:
            return found
    return None


def _only_bridged(project: Project, helper: Function) -> bool:
    """Whether nothing but `run_sync()` in coroutines uses `helper`, which may be a coroutine."""
    is_plain = helper.boundary is None or helper.boundary.startswith("value:")
    if not is_plain or helper.is_generator or project.callers(helper):
        return False
    uses = project.value_uses(helper)
    return bool(uses) and all(use.kind == "arg:run_sync" and use.function.is_async for use in uses)
