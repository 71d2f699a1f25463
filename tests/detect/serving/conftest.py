"""A service with a detector whose answers can be told by hand: an image's score is its mean gray level."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from data_tools.core.records import Prediction, Sample
from data_tools.loading.learned_sizes import ScaleNotice
from data_tools.metrics.operating_threshold import Threshold
from detect.serving.answers import Model
from detect.serving.app import app_of
from detect.serving.decision_log import DecisionLog
from detect.serving.limits import Limits
from detect.serving.service import Service

BAD_GRAY = 13
"""The gray level of images on which the model fails."""


class MeanGray:
    """The score is the mean gray level in 0..1, the one box the right lower quarter of the image.

    Attributes:
        threshold: as of a run.
        notice: as of a run that keeps no sizes.
        hold: calls wait until it is set.
        seconds: that a call takes.
        sizes: how many images each call had.
    """

    def __init__(self, threshold: float | None = 0.5, seconds: float = 0.0) -> None:
        self.threshold = Threshold(threshold, "" if threshold is not None else "none at /secret/place")
        self.notice = ScaleNotice()
        self.hold, self.seconds, self.sizes = threading.Event(), seconds, list[int]()
        self.hold.set()

    def predict_samples(self, samples: Sequence[Sample], pixels: Callable[[Sample], np.ndarray], /) -> list[Prediction]:
        assert self.hold.wait(20)
        time.sleep(self.seconds)
        self.sizes.append(len(samples))
        return [self._one(sample, pixels(sample)) for sample in samples]

    def _one(self, sample: Sample, gray: np.ndarray) -> Prediction:
        if (gray == BAD_GRAY).all():
            raise RuntimeError("out of memory at /secret/place")
        height, width = gray.shape
        box = np.array([[width / 2, height / 2, width, height]])
        score = float(gray.mean() / 255)
        peak = (width * 0.75, height * 0.75)
        return Prediction(
            sample.image_id, sample.path, sample.size_hw, score, box, np.array([score]), np.array([1]), peak
        )


def png(gray: int, size_hw: tuple[int, int] = (40, 60)) -> bytes:
    """A PNG file of one gray level."""
    out = BytesIO()
    Image.fromarray(np.full(size_hw, gray, dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def make_service() -> Callable[..., Service]:
    def build(
        detector: MeanGray | None = None,
        threshold: float | None = None,
        decisions: DecisionLog | None = None,
        **limits: Any,
    ) -> Service:
        return Service(detector or MeanGray(), Model(run="r", sha256="0"), Limits(**limits), threshold, decisions)

    return build


Talk = Callable[[httpx.AsyncClient], Awaitable[Any]]


def talk(service: Service, with_client: Talk) -> Any:
    """The result of a conversation with a service."""

    async def run() -> Any:
        app = app_of(service)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://service", timeout=30)
        async with app.router.lifespan_context(app), client:
            return await with_client(client)

    return asyncio.run(run())


def ask(service: Service, content: bytes, kind: str = "image/png", **named: Any) -> httpx.Response:
    """The response to one image as the body."""
    answer: httpx.Response = talk(
        service, lambda client: client.post("/predict", content=content, headers={"Content-Type": kind}, **named)
    )
    return answer
