"""Exported convolutions with TensorFlow's padding, against timm's own, on maps of any size."""

from pathlib import Path

import onnxruntime
import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn
from torch.export import Dim

from data_tools.core.errors import InputError
from data_tools.networks.onnx_graphs import OnnxSame, StaticSame, for_export, write_graph


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Kernels of 3 and 5, strides of 1, 2 and 3, a dilation, groups, with and without bias."""
    torch.manual_seed(0)
    return nn.Sequential(
        Conv2dSame(1, 4, 3, stride=2, bias=False),
        nn.ReLU(),
        Conv2dSame(4, 4, 5, stride=2, groups=4),
        Conv2dSame(4, 4, 3, stride=1, dilation=2),
        Conv2dSame(4, 2, 3, stride=3),
    ).eval()


def test_any_size_is_padded_as_timm_pads(network: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    sizes = {axis: Dim(name, min=1, max=1 << 20) for axis, name in ((0, "n"), (2, "h"), (3, "w"))}
    write_graph(for_export(network, OnnxSame), {"x": torch.rand(2, 1, 37, 50)}, [sizes], ["y"], path)
    session = onnxruntime.InferenceSession(path)
    for height, width in [(37, 50), (1, 1), (2, 3), (31, 32), (33, 64), (12, 95), (97, 5)]:
        x = torch.rand(3, 1, height, width)
        with torch.no_grad():
            expected = network(x)
        (y,) = session.run(None, {"x": x.numpy()})
        torch.testing.assert_close(torch.from_numpy(y), expected)


def test_sizes_that_are_multiples_of_the_stride_have_one_padding(network: nn.Module) -> None:
    fixed = for_export(network, StaticSame)
    for height, width in [(12, 24), (48, 12)]:
        x = torch.rand(2, 1, height, width)
        with torch.no_grad():
            torch.testing.assert_close(fixed(x), network(x))
    assert isinstance(network[0], Conv2dSame)  # a copy was changed


def test_what_no_runtime_has_is_refused() -> None:
    with pytest.raises(InputError, match="dilated"):
        for_export(nn.Sequential(Conv2dSame(1, 1, 3, stride=2, dilation=2)), OnnxSame)
