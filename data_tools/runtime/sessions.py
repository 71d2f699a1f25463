"""ONNX graphs ready to run on the processor."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.runtime.bundle import Bundle

Array = NDArray[Any]


class Graph:
    """One graph of a bundle.

    Args:
        bundle: that holds it.
        name: of the graph, without the ending.
        inputs, outputs: the names that it must have.

    Raises:
        InputError: the bundle lacks the graph, it is none that onnxruntime runs, or has other inputs or outputs.
    """

    def __init__(self, bundle: Bundle, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.place, self.outputs = f"{bundle.folder / name}.onnx", list(outputs)
        if name not in bundle.graphs:
            raise InputError(f"{self.place}: is not among the bundle's files; export the run again")
        runtime = _onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = _threads(), 1
        options.log_severity_level = 4  # what goes wrong is said once, by the error
        try:
            # from memory, so that no graph can have its weights read from a file that it names
            self._session = runtime.InferenceSession(bundle.graphs[name], options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a class of its own for each way in which a graph may be wrong
            raise InputError(f"{self.place}: onnxruntime cannot run it: {error}") from error
        has = [one.name for one in self._session.get_inputs()], [one.name for one in self._session.get_outputs()]
        if has != (list(inputs), list(outputs)):
            raise InputError(f"{self.place}: its inputs and outputs are {has}, not {(list(inputs), list(outputs))}")

    def __call__(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name, given the inputs by name."""
        return dict(zip(self.outputs, self._session.run(self.outputs, dict(values)), strict=True))


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


def float32(values: Any) -> NDArray[np.float32]:
    """Contiguous float32, as graphs take their inputs."""
    return np.ascontiguousarray(values, dtype=np.float32)
