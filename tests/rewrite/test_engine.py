"""The engine executes whole plans; one bad file never stops the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from migrate_async.errors import StalePlanError
from migrate_async.model.plan import (
    AwaitCall,
    FilePlan,
    ImportChange,
    MakeAsync,
    Plan,
    ReplaceExpression,
)
from migrate_async.rewrite import engine
from migrate_async.rewrite.engine import apply
from migrate_async.source.read import SourceFile, decode
from support.rewriting import span_of

TEXT = "from sqlalchemy.orm import Session\n\n\ndef f(db: Session):\n    return db.commit()\n"
AFTER = (
    "from sqlalchemy.ext.asyncio import AsyncSession\n\n\n"
    "async def f(db: AsyncSession):\n    return await db.commit()\n"
)


def source(path: str, text: str = TEXT) -> SourceFile:
    return decode(text.encode(), path)


def file_plan(path: str, text: str = TEXT) -> FilePlan:
    return FilePlan(
        path=path,
        digest=source(path, text).digest,
        edits=(
            MakeAsync(span=span_of(TEXT, "def f"), codemod="async-colour"),
            AwaitCall(span=span_of(TEXT, "db.commit()"), codemod="async-colour"),
            ReplaceExpression(
                span=span_of(TEXT, "Session", 1), codemod="session-injection", code="AsyncSession"
            ),
        ),
        imports=(ImportChange("session-injection", "sqlalchemy.ext.asyncio", "AsyncSession"),),
        unneeded=("Session",),
    )


def test_all_codemods_in_one_pass() -> None:
    """The change says which codemods had a part in it."""
    (change,) = apply(Plan(step="all", files=(file_plan("a.py"),)), {"a.py": source("a.py")})
    assert change.after == AFTER
    assert change.before == TEXT
    assert change.codemods == ("async-colour", "session-injection")
    assert change.diagnostics == ()


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_are_kept(newline: str) -> None:
    """Old lines keep their ends and new ones get the same."""
    text = TEXT.replace("\n", newline)
    plan = Plan(step="all", files=(file_plan("a.py", text),))
    (change,) = apply(plan, {"a.py": source("a.py", text)})
    assert change.after == AFTER.replace("\n", newline)


def test_a_file_that_does_not_fit_is_left_alone() -> None:
    """It comes back as it was, with the code of an internal error; the next file is done."""
    bad = FilePlan(
        path="bad.py",
        digest=source("bad.py").digest,
        edits=(AwaitCall(span=(1, 0, 1, 1), codemod="async-colour"),),
    )
    plan = Plan(step="all", files=(bad, file_plan("a.py")))
    left, done = apply(plan, {"bad.py": source("bad.py"), "a.py": source("a.py")})
    assert not left.changed
    assert [diagnostic.code for diagnostic in left.diagnostics] == ["MA901"]
    assert left.codemods == ()
    assert done.after == AFTER


def test_any_exception_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever our bug, the user's file is left and the run goes on."""

    def fail(*_: object) -> str:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(engine, "rewrite_text", fail)
    (change,) = apply(Plan(step="all", files=(file_plan("a.py"),)), {"a.py": source("a.py")})
    assert not change.changed
    assert "ZeroDivisionError: oops" in change.diagnostics[0].message


def test_stale_plan_is_refused() -> None:
    """Spans of another text would hit the wrong code."""
    plan = Plan(step="all", files=(file_plan("a.py"),))
    with pytest.raises(StalePlanError, match="changed"):
        apply(plan, {"a.py": source("a.py", TEXT + "\n")})
    with pytest.raises(StalePlanError, match="no longer there"):
        apply(plan, {})


def test_executor_gives_the_same_in_the_same_order() -> None:
    """Any `concurrent.futures.Executor` will do."""
    names = [f"m{number}.py" for number in range(40)]
    plan = Plan(step="all", files=tuple(file_plan(name) for name in names))
    sources = {name: source(name) for name in names}
    with ThreadPoolExecutor(4) as executor:
        assert apply(plan, sources, executor) == apply(plan, sources, 1)


def test_empty_plan_is_left_alone() -> None:
    """A file in the plan without edits does not change."""
    file = FilePlan(path="a.py", digest=source("a.py").digest)
    (change,) = apply(Plan(step="all", files=(file,)), {"a.py": source("a.py")})
    assert change.after is change.before
