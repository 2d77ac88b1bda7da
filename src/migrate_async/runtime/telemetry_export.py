"""The counters of `telemetry` for Prometheus and OpenTelemetry, through their own libraries.

Both read the counters when they collect, so that requests pay nothing for them. Routes are
labelled by their template, never by the path of a request. File names stay on the status page:
as labels they would make a series of each line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from migrate_async.runtime.errors import MissingDependencyError
from migrate_async.runtime.leaks import leaks, open_connections
from migrate_async.runtime.legacy.deprecation import legacy_uses
from migrate_async.runtime.telemetry import migration_report, start_telemetry

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

Sample = tuple[dict[str, str], float]
Series = tuple[str, str, Callable[[], Iterator[Sample]]]


def _requests() -> Iterator[Sample]:
    for route in migration_report().routes:
        for mode, count in route.modes.items():
            yield {"method": route.method, "route": route.path, "mode": mode}, count


def _implicit_loads() -> Iterator[Sample]:
    for route in migration_report().routes:
        total = sum(load.count for load in route.implicit_loads)
        yield {"method": route.method, "route": route.path}, total


def _legacy_uses() -> Iterator[Sample]:
    totals: dict[str, int] = {}
    for use in legacy_uses():
        totals[use.name] = totals.get(use.name, 0) + use.count
    for name, count in totals.items():
        yield {"name": name}, count


def _leaks() -> Iterator[Sample]:
    totals: dict[tuple[str, str], int] = {}
    for leak in leaks():
        key = (leak.kind, leak.reason)
        totals[key] = totals.get(key, 0) + leak.count
    for (kind, reason), count in totals.items():
        yield {"kind": kind, "reason": reason}, count


def _open_connections() -> Iterator[Sample]:
    yield {}, len(open_connections())


COUNTERS: tuple[Series, ...] = (
    ("migrate_async_requests", "Requests by route and way to the database.", _requests),
    ("migrate_async_implicit_loads", "Queries run by reading an attribute.", _implicit_loads),
    ("migrate_async_legacy_uses", "Calls of the deprecated sync shim.", _legacy_uses),
    ("migrate_async_leaks", "Sessions and connections that were not returned.", _leaks),
)
GAUGE: Series = (
    "migrate_async_open_connections",
    "Connections checked out of their pools; 0 unless watch_leaks() was called.",
    _open_connections,
)


class PrometheusCollector:
    """A collector for a `prometheus_client` registry."""

    def collect(self) -> Iterable[Metric]:
        """The metrics now."""
        from prometheus_client.core import (  # noqa: PLC0415  optional
            CounterMetricFamily,
            GaugeMetricFamily,
        )

        for name, text, samples in COUNTERS:
            yield _family(CounterMetricFamily, name, text, samples)
        yield _family(GaugeMetricFamily, *GAUGE)


def register_prometheus(registry: CollectorRegistry | None = None) -> PrometheusCollector:
    """Expose the counters in a registry, by default that of the process.

    :raises MissingDependencyError: prometheus_client is not installed.
    """
    try:
        from prometheus_client import REGISTRY  # noqa: PLC0415  optional
    except ImportError as error:
        raise MissingDependencyError("prometheus_client", "prometheus") from error
    start_telemetry()
    collector = PrometheusCollector()
    (REGISTRY if registry is None else registry).register(collector)
    return collector


def register_opentelemetry(provider: MeterProvider | None = None) -> None:
    """Expose the counters as observable instruments of a meter provider, by default the global.

    :raises MissingDependencyError: opentelemetry-api is not installed.
    """
    try:
        from opentelemetry.metrics import get_meter_provider  # noqa: PLC0415  optional
    except ImportError as error:
        raise MissingDependencyError("opentelemetry-api", "otel") from error
    start_telemetry()
    meter = (get_meter_provider() if provider is None else provider).get_meter("migrate_async")
    for name, text, samples in COUNTERS:
        meter.create_observable_counter(_dotted(name), [_observe(samples)], description=text)
    name, text, samples = GAUGE
    meter.create_observable_gauge(_dotted(name), [_observe(samples)], description=text)


def _family(kind: Any, name: str, text: str, samples: Callable[[], Iterator[Sample]]) -> Metric:
    found = list(samples())
    labels = list(found[0][0]) if found else []
    family = kind(name, text, labels=labels)
    for sample, value in found:
        family.add_metric([sample[label] for label in labels], value)
    return family  # type: ignore[no-any-return]


def _observe(
    samples: Callable[[], Iterator[Sample]],
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        from opentelemetry.metrics import Observation  # noqa: PLC0415  optional

        return [Observation(value, attributes) for attributes, value in samples()]

    return observe


def _dotted(name: str) -> str:
    return name.replace("migrate_async_", "migrate_async.", 1)
