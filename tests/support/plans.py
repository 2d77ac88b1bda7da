"""A plan with something of everything, and its call graph."""

from __future__ import annotations

from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.graph import CallEdge, CallGraph
from migrate_async.model.plan import AwaitCall, FilePlan, FunctionDecision, Plan, Reason

_SESSION = Reason("session-operation", "calls session.get()", "app/crud.py", 4)

FUNCTIONS = (
    FunctionDecision("app.crud.Users.get", "app/crud.py", 4, "convert", (_SESSION,)),
    FunctionDecision(
        "app.crud.total", "app/crud.py", 9, "bridge", (Reason("called-by-sync", "a task"), _SESSION)
    ),
    FunctionDecision("app.main.read", "app/main.py", 12, "convert", (_SESSION,), "GET /users/{id}"),
    FunctionDecision(
        "app.tasks.nightly", "app/tasks.py", 3, "keep", (Reason("boundary", 'a "task" <b>'),)
    ),
)
GRAPH = CallGraph(
    FUNCTIONS,
    (
        CallEdge(2, 0, "call", 13),
        CallEdge(2, 1, "call", 14),
        CallEdge(2, 3, "dependency", 12),
        CallEdge(3, 1, "call", 5),
    ),
)
PLAN = Plan(
    step="all",
    files=(
        FilePlan("app/crud.py", "", (AwaitCall(span=(4, 0, 4, 9), codemod="async-colour"),)),
        FilePlan("app/main.py", "", (AwaitCall(span=(13, 0, 13, 9), codemod="async-colour"),)),
    ),
    functions=FUNCTIONS,
    diagnostics=(
        Diagnostic(path="app/tasks.py", line=3, code="MA201", message="is told above"),
        Diagnostic(path="app/tasks.py", line=8, code="MA401", message="wants <hands>"),
        Diagnostic(
            path="app/main.py",
            line=13,
            code="MA420",
            message="a file",
            severity=Severity.NOTE.value,
        ),
    ),
    risk="medium",
    risk_reason="1 function run in bridges",
)
