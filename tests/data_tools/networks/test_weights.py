"""A file that holds no weights is refused in one sentence."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from data_tools.core.errors import InputError
from data_tools.networks.weights import _read_state


def reason(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        _read_state(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: not readable as weights: ")
    assert "\n" not in said
    return said


@pytest.mark.parametrize("name", ["a.pth", "a.txt", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"egg", b"some text\n" * 9, b"\x80\x02}q\x00"])
def test_other_content_is_named_as_such(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    said = reason(tmp_path / name)
    assert "damaged" in said
    assert ("torch.save" in said) != (name == "a.safetensors")


def test_a_picture_and_a_whole_network_are_no_weights(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "picture.pth")
    assert "torch.save" in reason(tmp_path / "picture.pth")
    torch.save(nn.Linear(2, 2), tmp_path / "network.pth")
    assert "state_dict alone" in reason(tmp_path / "network.pth")
    torch.save(OrderedDict(a=torch.ones(1)), tmp_path / "state.pth")
    assert _read_state(tmp_path / "state.pth")["a"].tolist() == [1.0]
