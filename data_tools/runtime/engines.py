"""What carries out a graph on the processor: onnxruntime, or OpenVINO, each imported when it is asked for."""

import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from data_tools.core.errors import InputError

Array = NDArray[Any]
Engine = Literal["onnx", "openvino"]
# the key of ONNX's `external_data`, as protobuf writes a string: its length, which may be padded, and its bytes
_WEIGHTS_ELSEWHERE = re.compile(rb"(?:\x08|\x88\x80*\x00)location")


class Session(Protocol):
    """One graph ready to run, from any thread.

    Attributes:
        inputs, outputs: their names, in order.
    """

    inputs: list[str]
    outputs: list[str]

    def run(self, values: Mapping[str, Array]) -> Sequence[Array]:
        """The outputs in order, given the inputs by name."""


class OnnxSession:
    """A graph run by onnxruntime."""

    def __init__(self, content: bytes) -> None:
        runtime = _onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = _threads(), 1
        options.log_severity_level = 4  # what goes wrong is said once, by the error
        self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.inputs = [one.name for one in self._session.get_inputs()]
        self.outputs = [one.name for one in self._session.get_outputs()]

    def run(self, values: Mapping[str, Array]) -> Sequence[Array]:
        """See `Session.run`."""
        answer: Sequence[Array] = self._session.run(self.outputs, dict(values))
        return answer


class OpenVinoSession:
    """A graph run by OpenVINO, in fp32 also where the processor has bf16."""

    def __init__(self, content: bytes) -> None:
        core = _openvino().Core()
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": _threads(),
            "ENABLE_CPU_PINNING": False,  # pinned threads of two processes would wait for one core
        }
        model = core.read_model(content, b"")
        # before the model is compiled, which gives tensors further names
        self.inputs = [one.get_any_name() for one in model.inputs]
        self.outputs = [one.get_any_name() for one in model.outputs]
        self._model = core.compile_model(model, "CPU", settings)
        self._one_at_a_time = threading.Lock()  # a compiled model keeps one request

    def run(self, values: Mapping[str, Array]) -> Sequence[Array]:
        """See `Session.run`."""
        with self._one_at_a_time:
            answer = self._model(dict(values), share_inputs=True)
            return [answer[place] for place in range(len(self.outputs))]


def new_session(engine: Engine, content: bytes, place: str) -> Session:
    """A graph's content as a session; `place` names it in errors.

    Raises:
        InputError: the engine is not installed, cannot run the graph, or would have to read another file for it.
    """
    if _WEIGHTS_ELSEWHERE.search(content):  # OpenVINO would read whatever file is named there
        raise InputError(f"{place}: names another file for its weights, which no graph of a bundle does")
    kind, name = _ENGINES[engine]
    try:
        return kind(content)
    except InputError:
        raise
    except Exception as error:  # each engine has classes of its own for the ways in which a graph may be wrong
        raise InputError(f"{place}: {name} cannot run it: {error}") from error


_ENGINES: dict[Engine, tuple[Callable[[bytes], Session], str]] = {
    "onnx": (OnnxSession, "onnxruntime"),
    "openvino": (OpenVinoSession, "OpenVINO"),
}


def _threads() -> int:
    """As many as the process may use, or as OMP_NUM_THREADS says, as torch does."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) else len(os.sched_getaffinity(0))


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("onnxruntime is not installed; pip install onnxruntime, or '.[runtime]' here") from error
    return onnxruntime


def _openvino() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise InputError("openvino is not installed; pip install openvino, or '.[openvino]' here") from error
    return openvino
