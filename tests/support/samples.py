"""A small scan, plan and run, as values: what the reports and commands are tested with."""

from __future__ import annotations

from migrate_async.model.change import FileChange
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.journal import JournalFile, JournalRecord
from migrate_async.model.plan import (
    AwaitCall,
    FilePlan,
    FunctionDecision,
    MakeAsync,
    Plan,
    Reason,
    Verdict,
)
from migrate_async.model.scan import Definition, FileFacts, RouteFacts, ScanResult
from migrate_async.model.summary import ChangedFile, Mode, RunSummary

LONG_PATH = "application/services/reporting/quarterly/aggregation/revenue_by_region.py"

UNREADABLE = Diagnostic(
    path="app/broken.py",
    line=3,
    column=4,
    code="MA001",
    message="invalid syntax",
    next_step="Fix the syntax or exclude the file.",
    severity="error",
)

READ_USER = FunctionDecision(
    function="app.api.read_user",
    path="app/api.py",
    line=12,
    verdict=Verdict.CONVERT.value,
    route="GET /users/{id}",
    reasons=(Reason("calls", "it calls CRUDUser.get", "app/api.py", 14, "app.crud.CRUDUser.get"),),
)
CRUD_GET = FunctionDecision(
    function="app.crud.CRUDUser.get",
    path="app/crud.py",
    line=5,
    verdict=Verdict.CONVERT.value,
    reasons=(
        Reason("session-operation", "it runs a query on a session", "app/crud.py", 6),
        Reason("called-by", "read_user calls it", "app/api.py", 14, "app.api.read_user"),
    ),
)
KEPT = FunctionDecision(
    function="app.models.User.orders_total",
    path="app/models.py",
    line=40,
    verdict=Verdict.KEEP.value,
    reasons=(Reason("boundary", "a property cannot be a coroutine", "app/models.py", 40),),
)

PLAN = Plan(
    step="all",
    files=(
        FilePlan(
            path="app/api.py",
            digest="0" * 64,
            edits=(
                MakeAsync(span=(12, 0, 16, 0), codemod="async-colour"),
                AwaitCall(span=(14, 8, 14, 30), codemod="async-colour"),
            ),
        ),
        FilePlan(path="app/untouched.py", digest="1" * 64),
    ),
    functions=(READ_USER, CRUD_GET, KEPT),
    diagnostics=(UNREADABLE,),
    counts={"chains": 3, "chains-left": 1, "functions": 2, "functions-kept": 1, "awaits": 4},
)

EMPTY_PLAN = Plan(step="queries")

SCAN = ScanResult(
    root="/work/shop",
    files_found=12,
    files_read=7,
    functions=30,
    functions_async=2,
    files=(
        FileFacts(path="app/api.py", operations=2, sessions=1, routes=2),
        FileFacts(path=LONG_PATH, queries=11, operations=25),
        FileFacts(path="app/models.py", models=2),
    ),
    routes=(
        RouteFacts(
            path="app/api.py", line=12, function="read_user", url="/users/{id}", methods=("GET",)
        ),
    ),
    definitions=(Definition(path="app/models.py", line=4, kind="model", name="User"),),
    diagnostics=(UNREADABLE,),
)

CHANGE = FileChange(
    path="app/api.py",
    before="def read(db):\n    return db.get(User, 1)\n",
    after="async def read(db):\n    return await db.get(User, 1)\n",
    codemods=("async-colour",),
)

SUMMARY = RunSummary(
    step="all",
    mode=Mode.CHECK.value,
    files_read=7,
    changed=(
        ChangedFile(path="app/api.py", added=2, removed=2, codemods=("async-colour",)),
        ChangedFile(path=LONG_PATH, added=31, removed=28, codemods=("query-to-select",)),
    ),
    counts={"chains": 3, "functions": 2},
    kept=(KEPT,),
    diagnostics=(UNREADABLE,),
)

HISTORY = [
    JournalRecord(
        3, "interrupted", (JournalFile("app/api.py", "new"), JournalFile("app/crud.py", "old"))
    ),
    JournalRecord(2, "undone", (JournalFile("app/api.py", "old"),)),
    JournalRecord(1, "written", (JournalFile("app/api.py", "new"),)),
]
