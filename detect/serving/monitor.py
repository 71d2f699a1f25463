"""Counts and times of the service for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from detect.serving.answers import Answer, Model

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SCORES = tuple(i / 10 for i in range(1, 11))


class Monitor:
    """The service's own registry, so that several services may live in one process.

    Args:
        model: which model answers.
        waiting: tells how many images wait for the model.
    """

    def __init__(self, model: Model, waiting: Callable[[], int]) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter("defects_requests", "Requests for a prediction", ["status"], registry=registry)
        self._decisions = Counter("defects_decisions", "Answers by decision", ["decision"], registry=registry)
        self._seconds = Histogram(
            "defects_request_seconds", "From arrival to answer", buckets=_SECONDS, registry=registry
        )
        self._batch_images = Histogram(
            "defects_batch_images", "Images a batch", buckets=(1, 2, 4, 8, 16, 32), registry=registry
        )
        self._batch_seconds = Histogram(
            "defects_batch_seconds", "Decoding and predicting a batch", buckets=_SECONDS, registry=registry
        )
        # a shift of the scores is the first sign that the line no longer shows what the model was trained on
        self._scores = Histogram("defects_score", "Scores of images", buckets=_SCORES, registry=registry)
        Gauge("defects_waiting_images", "Images that wait for the model", registry=registry).set_function(waiting)
        info = Gauge("defects_model_info", "The model that answers", ["run", "sha256"], registry=registry)
        info.labels(model.run, model.sha256 or "").set(1)

    def answered(self, status: int, seconds: float, answer: Answer | None) -> None:
        """A request for a prediction has come to its end."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)
        if answer is not None:
            self._decisions.labels(answer.decision or "none").inc()
            self._scores.observe(answer.score)

    def batch_done(self, images: int, seconds: float) -> None:
        """A batch has gone through the model."""
        self._batch_images.observe(images)
        self._batch_seconds.observe(seconds)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)
