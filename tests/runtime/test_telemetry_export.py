"""The counters, as Prometheus and OpenTelemetry see them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, generate_latest

from migrate_async.runtime.database import Database
from migrate_async.runtime.leaks import detector, watch_leaks
from migrate_async.runtime.legacy.deprecation import forget_legacy_uses
from migrate_async.runtime.legacy.install import install, uninstall
from migrate_async.runtime.legacy.sessions import legacy_sessionmaker
from migrate_async.runtime.telemetry import telemetry
from migrate_async.runtime.telemetry_export import register_opentelemetry, register_prometheus
from support.legacy_books import Author, client_of, fill

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    telemetry.stop()
    forget_legacy_uses()
    watch_leaks()
    yield
    detector.stop()
    telemetry.stop()
    uninstall()


async def call_twice(tmp_path: Path) -> None:
    """Two requests to a route which loads lazily, and never closes its session."""
    database = Database(f"sqlite:///{tmp_path}/books.db")
    await fill(database.engine)
    factory = legacy_sessionmaker(database)
    app = FastAPI()

    @app.get("/authors/{number}")
    def find(number: int) -> int:
        return len(factory().get_one(Author, number).books)

    install(app)
    async with client_of(app) as client:
        for _ in range(2):
            assert (await client.get("/authors/1")).json() == 2


async def test_prometheus(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    register_prometheus(registry)
    assert b"migrate_async_open_connections 0.0" in generate_latest(registry)
    await call_twice(tmp_path)
    text = generate_latest(registry).decode()
    labels = 'method="GET",route="/authors/{number}"'
    for line in (
        f'migrate_async_requests_total{{{labels},mode="hop"}} 2.0',
        f"migrate_async_implicit_loads_total{{{labels}}} 2.0",
        'migrate_async_legacy_uses_total{name="SessionLocal()"} 2.0',
        'migrate_async_leaks_total{kind="session",reason="request ended"} 2.0',
    ):
        assert _sorted_labels(line) in map(_sorted_labels, text.splitlines()), text


async def test_opentelemetry(tmp_path: Path) -> None:
    reader = InMemoryMetricReader()
    register_opentelemetry(MeterProvider([reader]))
    await call_twice(tmp_path)
    points = {
        (metric.name, tuple(sorted(point.attributes.items()))): point.value
        for metric, point in _points(reader)
    }
    route = (("method", "GET"), ("route", "/authors/{number}"))
    assert points["migrate_async.requests", tuple(sorted((*route, ("mode", "hop"))))] == 2
    assert points["migrate_async.implicit_loads", route] == 2
    assert points["migrate_async.legacy_uses", (("name", "SessionLocal()"),)] == 2
    assert points["migrate_async.open_connections", ()] == 0


def _points(reader: InMemoryMetricReader) -> Iterator[tuple[Any, Any]]:
    data = reader.get_metrics_data()
    assert data is not None
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    yield metric, point


def _sorted_labels(line: str) -> tuple[str, ...]:
    name, _, rest = line.partition("{")
    labels, _, value = rest.rpartition("}")
    return (name, *sorted(labels.split(",")), value)
