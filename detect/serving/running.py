"""The service as a process: its socket, its signals, its end."""

import logging
import math
import signal
import socket
import time
from contextlib import closing, nullcontext
from pathlib import Path
from types import FrameType

import numpy as np
import uvicorn

from data_tools.commands.prediction import job_of
from data_tools.core.errors import InputError
from data_tools.core.printable import say
from data_tools.core.records import unlabelled
from data_tools.loading.input_config import PAIRED
from detect.opening import open_any
from detect.serving.answers import Model
from detect.serving.app import app_of
from detect.serving.decision_log import DecisionLog
from detect.serving.examining import Predictor
from detect.serving.limits import Limits
from detect.serving.service import Service

log = logging.getLogger(__name__)

_BACKLOG = 2048
_FIRST_SIDE = 64


def serve(
    run: Path, host: str, port: int, limits: Limits, threshold: float | None = None, decisions: Path | None = None
) -> int:
    """Answer requests until SIGTERM or Ctrl-C; prints the address once the model is ready; returns the exit status.

    Args:
        run: folder of a finished run or of a bundle.
        host, port: where to listen; port 0 takes a free one.
        limits: see there.
        threshold: from which score on an image is a defect; None takes the model's own.
        decisions: file that each answer is logged to; None for none.

    Raises:
        InputError: the address is taken, no model there, or the log cannot be written.
    """
    with listening(host, port) as at:
        detector = open_any(run)
        if detector.input.reference == PAIRED:
            raise InputError(
                f"{run}: it compares each image with its template, which a request does not bring; detect.predict "
                "--reference FOLDER judges images with theirs"
            )
        warm_up(detector)
        model = Model(run=run.resolve().name, sha256=job_of(run)["run_sha256"])
        with nullcontext() if decisions is None else closing(DecisionLog(decisions)) as records:
            service = Service(detector, model, limits, threshold, records)
            _say(service, at, host)
            Server(service).run(sockets=[at])
    return 0


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that nobody else can take the address while the model is read.

    Raises:
        InputError: the address is taken, not of this machine, or not ours to take.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        at = socket.socket(family, kind, protocol)
        try:
            at.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            at.bind(place)
            at.listen(_BACKLOG)
        except BaseException:
            at.close()
            raise
    except (OSError, OverflowError) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"--host {host} --port {port}: cannot listen there: {said}; give another --port") from error
    return at


class Server(uvicorn.Server):
    """A server that answers what it has begun before it ends, and refuses the rest in the meantime.

    Args:
        service: what it serves.
        grace_s: for how long it refuses at least, so that whoever asks /ready now and then sends nothing more.
    """

    def __init__(self, service: Service, grace_s: float = 1.0) -> None:
        self.service, self._grace_s, self._end = service, grace_s, math.inf
        config = uvicorn.Config(
            app_of(service),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="on",
            backlog=_BACKLOG,
            timeout_graceful_shutdown=math.ceil(service.limits.timeout_s) + 1,
        )
        super().__init__(config)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or Ctrl-C: end when no request is left; a second Ctrl-C ends at once."""
        if self.service.is_draining and sig == signal.SIGINT:
            self.force_exit = self.should_exit = True
        if not self.service.is_draining:
            self._end = time.monotonic() + self._grace_s
        self.service.is_draining = True

    async def on_tick(self, counter: int) -> bool:
        """Whether to end."""
        if time.monotonic() >= self._end and not self.service.in_flight:
            self.should_exit = True
        return await super().on_tick(counter)


def warm_up(detector: Predictor) -> None:
    """One prediction before the first request: a model that cannot predict is found out here, and buffers are made.

    The image is one as the run knows them, so that nothing is said of its size: that is said once, of a real one.
    """
    size = detector.notice.usual_hw or (_FIRST_SIDE, _FIRST_SIDE)
    sample = unlabelled(1, "blank", size)
    detector.predict_samples([sample], lambda _: np.zeros(size, dtype=np.uint8))


def _say(service: Service, at: socket.socket, host: str) -> None:
    if service.threshold.value is None:
        log.warning("WARNING: no decisions, only scores: %s; --threshold gives one", service.threshold.reason)
    else:
        log.info("an image with a score of %.4g or more is a defect", service.threshold.value)
    address, port = at.getsockname()[:2]
    if not (address == "::1" or address.startswith("127.")):
        log.warning("WARNING: %s is reached from other machines, without encryption or authentication", host)
    shown = f"[{address}]" if ":" in address else address
    say(f"http://{shown}:{port}")
