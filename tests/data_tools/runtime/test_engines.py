"""A graph that a reader can compute by hand, in each engine; what no engine may do."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest

from data_tools.core.errors import InputError
from data_tools.runtime.engines import Engine, new_session

ENGINES = get_args(Engine)


def graph(weights: onnx.TensorProto) -> bytes:
    """y = x + w, for any number of rows of 4."""
    ends = [onnx.helper.make_tensor_value_info(name, 1, ["n", 4]) for name in ("x", "y")]
    node = onnx.helper.make_node("Add", ["x", "w"], ["y"])
    whole = onnx.helper.make_graph([node], "g", ends[:1], ends[1:], [weights])
    opsets = [onnx.helper.make_opsetid("", 18)]
    content: bytes = onnx.helper.make_model(whole, opset_imports=opsets, ir_version=10).SerializeToString()
    return content


ADDS = graph(onnx.helper.make_tensor("w", 1, [4], [0.0, 1.0, 2.0, 3.0]))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_sum_of_any_number_of_rows(engine: Engine) -> None:
    session = new_session(engine, ADDS, "g.onnx")
    assert (session.inputs, session.outputs) == (["x"], ["y"])
    for rows in (1, 3, 0):
        x = np.full((rows, 4), 10, np.float32)
        (y,) = session.run({"x": x})
        np.testing.assert_array_equal(y, x + np.arange(4))
        assert (x == 10).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_is_the_callers_own_in_any_thread(engine: Engine) -> None:
    session = new_session(engine, ADDS, "g.onnx")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda k: session.run({"x": np.full((50, 4), k, np.float32)})[0], range(100)))
    for k, y in enumerate(answers):
        np.testing.assert_array_equal(y, np.tile(k + np.arange(4), (50, 1)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("padded_length", [b"\x08", b"\x88\x00", b"\x88\x80\x00"])
def test_no_other_file_is_read_for_weights(engine: Engine, padded_length: bytes, tmp_path: Path) -> None:
    """Also where the length of the key is written in more bytes than it needs, as protobuf allows."""
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.arange(4, dtype=np.float32).tobytes())
    weights = onnx.TensorProto(name="w", dims=[4], data_type=1, data_location=onnx.TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value=str(secret))
    content = graph(weights)
    assert content.count(b"\x08location") == 1
    with pytest.raises(InputError, match=r"g\.onnx: names another file"):
        new_session(engine, content.replace(b"\x08location", padded_length + b"location"), "g.onnx")


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_no_graph_is_refused_with_its_name(engine: Engine) -> None:
    for content in (b"", b"not a graph", ADDS[: len(ADDS) // 2]):
        with pytest.raises(InputError, match=r"g\.onnx: .* cannot run it"):
            new_session(engine, content, "g.onnx")


@pytest.mark.parametrize(("engine", "package"), [("onnx", "onnxruntime"), ("openvino", "openvino")])
def test_an_engine_that_is_not_installed_is_named(
    engine: Engine, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"{package} is not installed; pip install {package}"):
        new_session(engine, ADDS, "g.onnx")
