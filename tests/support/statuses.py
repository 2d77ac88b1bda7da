"""A project half-way through its migration, in numbers."""

from __future__ import annotations

from migrate_async.model.status import (
    Blocker,
    ModuleStatus,
    RouteStatus,
    Snapshot,
    Status,
    Use,
    snapshot,
)

STATUS = Status(
    project="shop & <sons>",
    routes=(
        RouteStatus("app/api/users.py", 12, "app.api.users.read", "/users/{id}", ("GET",), "async"),
        RouteStatus("app/api/users.py", 30, "app.api.users.add", "/users", ("POST",), "bridged"),
        RouteStatus("app/api/orders.py", 9, "app.api.orders.read", "/orders", ("GET",), "sync"),
        RouteStatus("app/api/orders.py", 20, "app.api.orders.add", "/orders", ("POST",), "mixed"),
        RouteStatus("app/main.py", 5, "app.main.health", "/health", ("GET",), "plain"),
    ),
    modules=(
        ModuleStatus("app/api/orders.py", 0, 0, 4, 3),
        ModuleStatus("app/api/users.py", 4, 1, 0, 0),
        ModuleStatus("app/crud.py", 3, 1, 2, 1),
        ModuleStatus("app/models.py", 0, 0, 1, 0),
        ModuleStatus("app/reports.py", 1, 0, 2, 2),
        ModuleStatus("app/search.py", 9, 0, 1, 0),
    ),
    bridges=(Use("app/api/users.py", 31, "run_sync", "app.api.users.add", "app.crud.add_user"),),
    shims=(Use("app/api/orders.py", 3, "get_sync_db", "app.api.orders.<module>"),),
    blockers=(
        Blocker(
            routes=2,
            path="app/tasks.py",
            line=8,
            function="app.tasks.nightly",
            reason="a task: its worker does not await it",
        ),
    ),
    lint={"MA701": 2},
)

HISTORY = (
    Snapshot(date="2026-09-01", functions=28, functions_left=28, routes=4, routes_left=4),
    Snapshot(
        date="2026-09-20", functions=28, functions_left=21, routes=4, routes_left=3, done=25.0
    ),
    Snapshot(
        date="2026-10-30", functions=28, functions_left=12, routes=4, routes_left=2, done=57.1
    ),
    snapshot(STATUS, "2026-11-28", "0123456789ab"),
)
