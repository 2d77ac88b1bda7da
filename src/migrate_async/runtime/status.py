"""The migration's status over HTTP: `app.include_router(status_router())`.

`GET /migrate-async/status` answers with JSON, or with a small page to a browser. It names files
and routes: protect it as any other internal page, for instance with
`include_router(status_router(), dependencies=[Depends(require_admin)])`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from html import escape
from typing import Any

from migrate_async.runtime.errors import MissingDependencyError
from migrate_async.runtime.leaks import leaks, open_connections
from migrate_async.runtime.legacy.deprecation import legacy_uses
from migrate_async.runtime.telemetry import (
    MigrationReport,
    RouteReport,
    migration_report,
    never_called,
    start_telemetry,
)

try:
    from fastapi import APIRouter
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, Response
except ImportError as error:
    raise MissingDependencyError("fastapi", "fastapi") from error

STATUS_PATH = "/migrate-async/status"

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: left }
td.number { text-align: right } tr.native td:first-child { border-left: 4px solid #2a7 }
tr.legacy td:first-child { border-left: 4px solid #c62 } code { font-size: 13px }
"""


def status_router(path: str = STATUS_PATH) -> APIRouter:
    """A router with the status page; starts the telemetry of this process."""
    start_telemetry()
    router = APIRouter()

    async def migration_status(request: Request) -> Response:
        status = status_of(request.app.routes)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(render_page(migration_report(), status))
        return JSONResponse(status)

    router.add_api_route(path, migration_status, include_in_schema=False)
    return router


def status_of(routes: Iterable[Any] = ()) -> dict[str, Any]:
    """Everything there is to show, as plain values.

    :param routes: of the application, to list those that were not called yet.
    """
    report = migration_report()
    return {
        **report.as_dict(),
        "not_called": never_called(routes, report),
        "legacy_uses": [
            {"name": use.name, "use": use.replacement, "at": str(use.location), "count": use.count}
            for use in legacy_uses()
        ],
        "leaks": [{**asdict(leak), "location": str(leak.location)} for leak in leaks()],
        "open_connections": len(open_connections()),
    }


def render_page(report: MigrationReport, status: dict[str, Any]) -> str:
    """The status as one HTML page without scripts."""
    share = 100 * report.native_requests / report.requests if report.requests else 0.0
    return "\n".join(
        [
            f"<!doctype html><meta charset=utf-8><title>Migration status</title><style>{_STYLE}",
            "</style><h1>Migration status</h1>",
            f"<p>{report.native_routes} of {len(report.routes)} called routes are native; ",
            f"{share:.1f} % of {report.requests} requests. {report.implicit_loads} implicit loads.",
            "<table><tr><th>Route<th>Requests<th>Database access<th>Implicit loads<th>Leaked</tr>",
            *map(_row, report.routes),
            "</table>",
            *_list("Not called yet", status["not_called"]),
            *_list(
                "Deprecated calls",
                [f"{use['at']}: {use['name']} ({use['count']})" for use in status["legacy_uses"]],
            ),
            *_list(
                "Leaks",
                [
                    f"{leak['location']}: {leak['kind']}, {leak['reason']} ({leak['count']})"
                    for leak in status["leaks"]
                ],
            ),
        ]
    )


def _row(route: RouteReport) -> str:
    modes = ", ".join(f"{mode}: {count}" for mode, count in sorted(route.modes.items()))
    loads = "<br>".join(
        f"<code>{escape(load.location)}</code> {escape(load.what)} ({load.count})"
        for load in route.implicit_loads
    )
    kind = "native" if route.native else "legacy"
    return (
        f"<tr class={kind}><td>{escape(route.method)} {escape(route.path)}"
        f"<td class=number>{route.requests}<td>{escape(modes)}<td>{loads}"
        f"<td class=number>{route.leaked_sessions}</tr>"
    )


def _list(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    items = [f"<li><code>{escape(line)}</code></li>" for line in lines]
    return [f"<h2>{escape(title)}</h2><ul>", *items, "</ul>"]
