"""The legacy applications under `fixtures/`: where they are and how they are started.

An application is a folder `fixtures/<name>/before` or `fixtures/small/<name>/before` with its own
`tests`. Beside `before`, `requests.json` holds HTTP requests that reach every route; only an
application without HTTP has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@dataclass(frozen=True)
class FixtureApp:
    """One legacy application.

    `name` is its folder below `fixtures/`; `app` the import path of the ASGI application, such as
    `shop.main:app`; `app` and `requests` are None when it has no HTTP.
    """

    name: str
    before: Path
    app: str | None
    requests: Path | None


def fixture_apps() -> tuple[FixtureApp, ...]:
    """All applications, by name."""
    found = sorted(FIXTURES.glob("**/before"))
    return tuple(_read(before) for before in found if (before / "tests").is_dir())


def fixture_app(name: str) -> FixtureApp:
    """The application called `name`; raises LookupError with the known names."""
    apps = {app.name: app for app in fixture_apps()}
    if name not in apps:
        raise LookupError(f"no fixture application {name!r}; there are {', '.join(apps)}")
    return apps[name]


def _read(before: Path) -> FixtureApp:
    name = before.parent.relative_to(FIXTURES).as_posix()
    requests = before.parent / "requests.json"
    if not requests.exists():
        return FixtureApp(name, before, None, None)
    [main] = before.glob("**/main.py")
    module = ".".join(main.relative_to(before).with_suffix("").parts)
    return FixtureApp(name, before, f"{module}:app", requests)
