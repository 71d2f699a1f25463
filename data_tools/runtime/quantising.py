"""Graphs in fp32 -> graphs that compute partly in int8, by onnxruntime's static quantisation."""

import contextlib
import logging
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.quiet import quiet
from data_tools.runtime.engines import Array

# what stands between two convolutions is quantised with them, else each border costs two conversions
_KINDS = ["Conv", "Add", "Mul", "Clip", "Relu", "MaxPool", "Resize"]


def quantise(graph: Path, outputs: Sequence[str], examples: Iterable[Mapping[str, Array]]) -> None:
    """Have all that leads to some outputs of a graph compute in int8; what leads to others alone stays in fp32.

    Weights are scaled for each channel, activations for each tensor by the least and the highest value of the examples
    (Krishnamoorthi, arXiv 1806.08342, sec. 3.1).

    Args:
        graph: file, which is replaced; what is temporary lies in its folder.
        outputs: names.
        examples: of the inputs by name, for which the ranges of values are taken.

    Raises:
        InputError: the packages are not installed.
    """
    try:
        import onnx
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise InputError(f"{error}; int8 needs the extra: pip install '.[export]'") from error
    waiting = iter(examples)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, Array] | None:
            one = next(waiting, None)
            return None if one is None else dict(one)

    with (
        tempfile.TemporaryDirectory(dir=graph.parent) as temporary,
        _temporary_files_in(temporary),
        quiet(logging.ERROR, ""),  # of advice to call what has just been called
    ):
        prepared = Path(temporary) / "prepared.onnx"
        quant_pre_process(graph, prepared, skip_symbolic_shape=True)
        nodes = onnx.load(prepared).graph.node
        wanted = _leading_to(outputs, nodes)
        quantization.quantize_static(
            prepared,
            graph,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=_KINDS,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=[node.name for node in nodes if node.name not in wanted],
        )


def _leading_to(outputs: Sequence[str], nodes: Sequence[Any]) -> set[str]:
    """The names of the nodes that the outputs depend on."""
    makers = {name: node for node in nodes for name in node.output}
    names: set[str] = set()
    waiting = list(outputs)
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and node.name not in names:
            names.add(node.name)
            waiting += node.input
    return names


@contextlib.contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
    """Of onnxruntime's, too: in the system's place they would stay after a kill."""
    before = tempfile.tempdir
    tempfile.tempdir = folder
    try:
        yield
    finally:
        tempfile.tempdir = before
