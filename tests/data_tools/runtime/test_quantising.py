"""What is asked for computes in int8, within a step of its range; what else there is stays as it was."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from data_tools.runtime.engines import Engine, new_session
from data_tools.runtime.quantising import quantise


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """map = relu(conv(x)), of two channels whose weights differ a hundredfold; logit = conv(map)."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(2, 1, 3, 3)).astype(np.float32) * np.array([1, 100], np.float32).reshape(2, 1, 1, 1)
    weights = {"w": first, "v": rng.normal(size=(1, 2, 1, 1)).astype(np.float32)}
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["c"], name="first", pads=[1, 1, 1, 1]),
        onnx.helper.make_node("Relu", ["c"], ["map"], name="relu"),
        onnx.helper.make_node("Conv", ["map", "v"], ["logit"], name="second"),
    ]
    ends = {name: onnx.helper.make_tensor_value_info(name, 1, ["n", k, "h", "w"]) for name, k in (("x", 1), ("map", 2))}
    ends["logit"] = onnx.helper.make_tensor_value_info("logit", 1, ["n", 1, "h", "w"])
    kept = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    whole = onnx.helper.make_graph(nodes, "g", [ends["x"]], [ends["map"], ends["logit"]], kept)
    path = tmp_path / "g.onnx"
    onnx.save(onnx.helper.make_model(whole, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10), path)
    return path


@pytest.mark.parametrize("engine", ["onnx", "openvino"])
def test_the_map_is_in_int8_and_the_logit_is_not(graph: Path, engine: Engine) -> None:
    rng = np.random.default_rng(1)
    images = [{"x": rng.random((1, 1, 8, 9), dtype=np.float32)} for _ in range(8)]
    before = [new_session(engine, graph.read_bytes(), "g").run(one) for one in images]
    quantise(graph, ["map"], images)
    nodes = onnx.load(graph).graph.node
    made_by = {name: node.op_type for node in nodes for name in node.output}
    assert made_by[next(node for node in nodes if node.name == "first").input[1]] == "DequantizeLinear"
    assert next(node for node in nodes if node.name == "second").input[1] == "v"
    after = [new_session(engine, graph.read_bytes(), "g").run(one) for one in images]
    step = max(maps.max() for maps, _ in before) / 255
    assert max(np.abs(maps - others).max() for (maps, _), (others, _) in zip(before, after, strict=True)) < 3 * step
    assert any((maps != others).any() for (maps, _), (others, _) in zip(before, after, strict=True))
