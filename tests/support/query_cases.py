"""Run query cases: legacy, converted, and converted for an `AsyncSession`, and compare.

A case file is a module of functions `case_<what>(db)`. Directives are comments in a function:

- `# sql: <reason>` says that the SQL differs, and why that is right;
- `# async-sql: <reason>` says so of the awaited form only;
- `# left: MA1xx` says that a chain stays as it is.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Engine, Row, event
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.orm.state import InstanceState
from sqlalchemy.sql import ClauseElement

from migrate_async.config import Settings
from migrate_async.index.project import CallSite, Function, Project, build
from migrate_async.model import syntax as s
from migrate_async.model.plan import AnyEdit, AwaitCall, FilePlan, MakeAsync
from migrate_async.plan.queries import QueryPlan, plan_queries
from migrate_async.rewrite.engine import rewrite_text
from support.corpus_models import Base
from support.projects import module_input

MODELS = Path(__file__).with_name("corpus_models.py")
CASES = Path(__file__).parents[1] / "codemods" / "cases" / "query_to_select"
_DIRECTIVE = re.compile(r"#\s*(sql|async-sql|left):\s*(.+)")
_PREFIX = "case_"
_TABLES = "|".join(Base.metadata.tables)


@dataclass(frozen=True)
class Case:
    """One function of a case file."""

    path: Path
    name: str
    directives: dict[str, str]

    @property
    def id(self) -> str:
        return f"{self.path.stem}:{self.name.removeprefix(_PREFIX)}"


def find_cases(folder: Path = CASES) -> list[Case]:
    """All cases, file by file."""
    found: list[Case] = []
    for path in sorted(folder.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith(_PREFIX):
                body = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                found.append(Case(path, node.name, dict(_DIRECTIVE.findall(body))))
    return found


# --- conversion --------------------------------------------------------------------------------


def index(text: str, path: str = "cases.py") -> Project:
    """The project of the corpus models and one module."""
    models = module_input("support/corpus_models.py", MODELS.read_text(encoding="utf-8"))
    return build([models, module_input(path, text)])


def plan(project: Project, *, awaited: bool = False, settings: Settings | None = None) -> QueryPlan:
    """The query plan when every function that can be a coroutine function is one, or none."""
    settings = settings or Settings()
    if not awaited:
        return plan_queries(project, settings, lambda _: False)
    coroutines = _coroutines(project, plan_queries(project, settings, lambda _: False))
    return plan_queries(project, settings, coroutines.__contains__)


def convert(text: str, *, awaited: bool = False, settings: Settings | None = None) -> str:
    """The module `text` with its queries translated; with `awaited`, for an `AsyncSession`."""
    project = index(text)
    found = plan(project, awaited=awaited, settings=settings)
    edits = [edit for item in found.functions.values() for edit in item.edits]
    if awaited:
        edits += _colour(project, found)
    imports = {change for item in found.functions.values() for change in item.imports}
    unneeded = {name for item in found.functions.values() for name in item.unneeded}
    file = FilePlan("cases.py", "", tuple(edits), tuple(sorted(imports)), tuple(sorted(unneeded)))
    return rewrite_text(file, text)


def _coroutines(project: Project, found: QueryPlan) -> set[Function]:
    """Functions that execute a query, and those that call such a function."""
    pending = [chain.function for chain in found.chains if chain.executes]
    pending += [fn for fn in project.functions if any(map(_is_awaited, project.calls(fn)))]
    coroutines: set[Function] = set()
    while pending:
        function = pending.pop()
        is_case = isinstance(function.node, s.FunctionDef) and function.module.name == "cases"
        if function in coroutines or not is_case:
            continue
        coroutines.add(function)
        pending += [site.function for site in project.callers(function)]
    return coroutines


def _colour(project: Project, found: QueryPlan) -> Iterator[AnyEdit]:
    """`async def`, and `await` on calls of functions of the module."""
    coroutines = _coroutines(project, plan_queries(project, Settings(), lambda _: False))
    for function in coroutines:
        assert function.node is not None
        yield MakeAsync(span=function.node.span, codemod="async-colour")
        for site in project.calls(function):
            targets = site.targets if site.kind == "call" else ()
            if _is_awaited(site) or any(target in coroutines for target in targets):
                yield AwaitCall(span=site.node.span, codemod="async-colour")


def _is_awaited(site: CallSite) -> bool:
    operation = site.operation
    return (
        site.kind == "call"
        and operation is not None
        and operation.owner == "session"
        and operation.name in ("execute", "scalars", "scalar", "flush", "refresh", "get")
    )


def load(text: str, name: str) -> ModuleType:
    """Execute the module `text`."""
    module = ModuleType(name)
    exec(compile(text, f"<{name}>", "exec"), module.__dict__)  # noqa: S102
    return module


# --- execution ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a run gave: a comparable value (or error), and the SQL that it emitted."""

    value: Any
    sql: tuple[str, ...]


def run(case: Callable[[Session], Any], engine: Engine) -> Outcome:
    """Run a sync case; everything is rolled back."""
    with Session(engine) as db, recorded(engine) as statements:
        value = _attempt(lambda: settle(case(db)))
        db.rollback()
    return Outcome(value, tuple(statements))


async def run_async(case: Callable[[AsyncSession], Any], engine: AsyncEngine) -> Outcome:
    """Run an awaited case (or a plain one, if nothing in it had to be awaited)."""
    async with AsyncSession(engine) as db:
        with recorded(engine.sync_engine) as statements:
            try:
                given = case(db)
                value = settle(await given if inspect.isawaitable(given) else given)
            except Exception as error:  # noqa: BLE001  what it raises is compared
                value = _error(error)
            await db.rollback()
    return Outcome(value, tuple(statements))


class recorded:  # noqa: N801  reads as a word in `with recorded(...)`
    """The SQL that an engine emits meanwhile, without the labels of columns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._statements: list[str] = []

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._record)
        return self._statements

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._record)

    def _record(
        self, _connection: Any, _cursor: Any, sql: str, parameters: Any, *_: object
    ) -> None:
        self._statements.append(f"{without_labels(sql)} {parameters!r}")


def without_labels(sql: str) -> str:
    """`sql` on one line without labels and the numbers of anonymous names."""
    flat = re.sub(r"\s+", " ", sql).strip()
    plain = re.sub(r"(?<=[a-z])_\d+\b", "", re.sub(r" AS \w+", "", flat))
    return re.sub(rf"\banon\.(?:{_TABLES})_", "anon.", plain)


def _attempt(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except Exception as error:  # noqa: BLE001  what it raises is compared
        return _error(error)


def _error(error: Exception) -> tuple[str, str]:
    return ("raises", type(error).__name__)


def settle(value: Any) -> Any:
    """`value` as plain data: entities with what is loaded of them, rows as tuples."""
    return _settle(value, 2)


def _settle(value: Any, depth: int) -> Any:
    state = sa_inspect(value, raiseerr=False)
    if isinstance(state, InstanceState):
        return _entity(value, state, depth)
    if isinstance(value, ClauseElement):
        return ("sql", without_labels(str(value)))
    if isinstance(value, dict):
        return {key: _settle(item, depth) for key, item in value.items()}
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        return value
    items = [_settle(item, depth) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(items, key=repr)
    return ("row", *items) if isinstance(value, Row) else items


def _entity(value: Any, state: InstanceState[Any], depth: int) -> Any:
    name = type(value).__name__
    if not depth:
        return (name, state.identity)
    loaded = {key: item for key, item in state.dict.items() if not key.startswith("_")}
    return (name, {key: _settle(item, depth - 1) for key, item in sorted(loaded.items())})
