"""What a request goes through: limits, reading, the queue before the model, the answer, the log."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import HTTPException, Request

from data_tools.files.gray_levels import DarknessNotice
from data_tools.metrics.operating_threshold import Threshold
from detect.serving.answers import Answer, Model, answer_of
from detect.serving.batching import Batcher, WorkFailedError
from detect.serving.decision_log import DecisionLog
from detect.serving.examining import Examined, Order, Predictor, examine
from detect.serving.limits import Limits
from detect.serving.monitor import Monitor
from detect.serving.overlay import overlay_png
from detect.serving.uploads import Held, Part, Upload, read_upload

log = logging.getLogger(__name__)

_AGAIN = {"Retry-After": "1"}
_FAILED = "failed on this image; the service's own messages say how"


class Service:
    """A detector that answers requests.

    Args:
        detector: the model.
        model: its name and checksum.
        limits: see there.
        threshold: from which score on an image is a defect; None takes the model's own.
        decisions: where answers are logged; None for nowhere.
    """

    def __init__(
        self,
        detector: Predictor,
        model: Model,
        limits: Limits,
        threshold: float | None = None,
        decisions: DecisionLog | None = None,
    ) -> None:
        self.limits, self.model, self.is_draining, self.in_flight = limits, model, False, 0
        self.threshold = detector.threshold if threshold is None else Threshold(threshold)
        self._held, self._decisions, self._requests = Held(limits.most_held), decisions, 0
        self.monitor = Monitor(model, lambda: self._batcher.waiting)
        notice = DarknessNotice(log.warning)
        self._batcher: Batcher[Order, Examined] = Batcher(
            lambda orders: examine(detector, orders, notice), limits.batch, self.monitor.batch_done
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The model's thread is at work inside this."""
        task = asyncio.create_task(self._batcher.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def why_not_ready(self) -> str | None:
        """Why the service should be sent nothing now; None where it should."""
        if self.is_draining:
            return "shutting down"
        if self._batcher.busy_s > self.limits.timeout_s:
            return "the model has been at one batch for longer than a request may take"
        return None

    async def predict(self, request: Request, wants_overlay: bool) -> Answer:
        """The answer to a request, logged before it is given.

        Raises:
            HTTPException: there is none; the status says why.
        """
        begun = time.perf_counter()
        entry: dict[str, Any] = {}
        answer: Answer | None = None
        status, self.in_flight = 500, self.in_flight + 1
        try:
            answer = await self._answer(request, wants_overlay, begun, entry)
            entry |= {"status": 200, **answer.model_dump(mode="json", exclude={"overlay_png"})}
            self._log(entry)
            status = 200
            return answer
        except HTTPException as refusal:
            status = refusal.status_code
            if answer is None:  # else it is the log itself that has failed
                self._log(entry | {"status": status, "detail": refusal.detail})
            raise
        except Exception as error:
            log.error("a request failed", exc_info=error)
            self._log(entry | {"status": status, "detail": _FAILED})
            raise HTTPException(status, _FAILED) from None
        finally:
            self.in_flight -= 1
            self.monitor.answered(status, time.perf_counter() - begun, answer if status == 200 else None)

    def refuse(self, refusal: HTTPException, begun: float) -> HTTPException:
        """Log and count a request that is refused before it comes to `predict`; the refusal, or that of the log."""
        try:
            self._log({"status": refusal.status_code, "detail": refusal.detail})
        except HTTPException as unlogged:
            refusal = unlogged
        self.monitor.answered(refusal.status_code, time.perf_counter() - begun, None)
        return refusal

    async def _answer(self, request: Request, wants_overlay: bool, begun: float, entry: dict[str, Any]) -> Answer:
        if self.is_draining:
            raise HTTPException(503, "shutting down", {**_AGAIN, "Connection": "close"})
        if self.in_flight > self.limits.queue:
            raise HTTPException(429, f"{self.limits.queue} requests are being answered already; try again", _AGAIN)
        with self._held.part() as part:
            upload = await self._read(request, begun, part)
            entry |= {"file_name": upload.name, "bytes": len(upload.content)}
            entry["image_sha256"] = hashlib.sha256(upload.content).hexdigest()
            self._requests += 1
            try:
                async with asyncio.timeout(self._left(begun)):
                    examined = await self._batcher.answer(Order(self._requests, upload, wants_overlay))
                    if examined.prediction is None:
                        raise HTTPException(422, examined.reason)
                    overlay = None
                    if examined.pixels is not None:
                        overlay = await asyncio.to_thread(overlay_png, examined.pixels, examined.prediction)
            except TimeoutError:
                raise HTTPException(504, f"no answer within {self.limits.timeout_s:g} s", _AGAIN) from None
            except WorkFailedError:
                raise HTTPException(500, _FAILED) from None
        milliseconds = 1000 * (time.perf_counter() - begun)
        return answer_of(examined.prediction, self.threshold, self.model, milliseconds, overlay)

    async def _read(self, request: Request, begun: float, part: Part) -> Upload:
        try:
            async with asyncio.timeout(self._left(begun)):
                return await read_upload(request, self.limits, part)
        except TimeoutError:
            raise HTTPException(408, f"the image had not come within {self.limits.timeout_s:g} s") from None

    def _left(self, begun: float) -> float:
        return self.limits.timeout_s - (time.perf_counter() - begun)

    def _log(self, entry: dict[str, Any]) -> None:
        """Write an entry; an answer that cannot be shown afterwards is not given.

        Raises:
            HTTPException: 500, it could not be written.
        """
        if self._decisions is None:
            return
        try:
            self._decisions.add(entry)
        except OSError as error:
            log.error("the log of decisions cannot be written: %s", error.strerror)
            raise HTTPException(500, "the decision cannot be logged, so it is not given") from None
