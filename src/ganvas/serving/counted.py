"""What Prometheus hears of a server."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32)


class Counts:
    """Requests, their seconds, samples, batches and queues of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        by_route, by_model = ("route", "status"), ("model",)
        self.requests = Counter("ganvas_requests", "Requests answered.", by_route, registry=self.registry)
        self.seconds = Histogram(
            "ganvas_request_seconds", "From a request to its answer.", ("route",), buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.running = Gauge("ganvas_requests_running", "Requests not yet answered.", registry=self.registry)
        self.samples = Counter("ganvas_samples", "Samples made.", by_model, registry=self.registry)
        self.batches = Histogram(
            "ganvas_batch_samples", "Samples made together.", by_model, buckets=SIZES, registry=self.registry
        )
        self.making = Counter("ganvas_making_seconds", "Time spent making samples.", by_model, registry=self.registry)
        self.waiting = Gauge("ganvas_samples_waiting", "Samples that wait.", by_model, registry=self.registry)

    def batch(self, model: str) -> Callable[[int, float], None]:
        """What hears of each batch of a model."""
        samples, making, batches = self.samples.labels(model), self.making.labels(model), self.batches.labels(model)

        def tell(count: int, seconds: float) -> None:
            samples.inc(count)
            batches.observe(count)
            making.inc(seconds)

        return tell

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request is answered."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
