"""What a process has seen of requests and sockets, counted for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Seen:
    """The counts of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "keepwell_http_requests",
            "Answers by the route's template.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "keepwell_http_request_seconds",
            "How long answers took, in seconds.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._sockets = Gauge(
            "keepwell_sockets_open", "WebSockets that are open.", ("route",), registry=self.registry
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer."""
        # Whoever asks chooses the method; each new one would be kept for good.
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def socket_opened(self, route: str) -> None:
        """A WebSocket was accepted."""
        self._sockets.labels(route).inc()

    def socket_closed(self, route: str) -> None:
        """One of them has ended."""
        self._sockets.labels(route).dec()
