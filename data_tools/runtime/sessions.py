"""Graphs of a bundle, ready to run on the processor."""

from collections.abc import Mapping, Sequence

from data_tools.core.errors import InputError
from data_tools.runtime.bundle import Bundle
from data_tools.runtime.engines import Array, Engine, new_session


class Graph:
    """One graph of a bundle.

    Args:
        bundle: that holds it.
        name: of the graph, without the ending.
        inputs, outputs: the names that it must have.
        engine: what carries it out.

    Raises:
        InputError: the bundle lacks the graph, the engine is not installed or cannot run it, or the graph has other
            inputs or outputs.
    """

    def __init__(
        self, bundle: Bundle, name: str, inputs: Sequence[str], outputs: Sequence[str], engine: Engine = "onnx"
    ) -> None:
        self.place, self.outputs, self.engine = f"{bundle.folder / name}.onnx", list(outputs), engine
        if name not in bundle.graphs:
            raise InputError(f"{self.place}: is not among the bundle's files; export the run again")
        self._session = new_session(engine, bundle.graphs[name], self.place)
        has = self._session.inputs, self._session.outputs
        if has != (list(inputs), list(outputs)):
            raise InputError(f"{self.place}: its inputs and outputs are {has}, not {(list(inputs), list(outputs))}")

    def __call__(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs by name, given the inputs by name."""
        return dict(zip(self.outputs, self._session.run(values), strict=True))
