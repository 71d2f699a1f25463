from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.commands.prediction import select
from data_tools.core.errors import InputError


def arguments(folder: Path) -> Namespace:
    return Namespace(data=None, images=[str(folder)], split="test")


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG")


def test_what_is_left_out_of_a_folder_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "a.png", np.zeros((6, 8), np.uint8))
    save(tmp_path / "runs" / "b.png", np.zeros((6, 8), np.uint8))
    (tmp_path / "c.heic").write_bytes(b"")
    chosen = select(arguments(tmp_path))  # type: ignore[arg-type]
    assert [(sample.path, sample.size_hw) for sample in chosen.samples] == [("a.png", (6, 8))]
    said = capsys.readouterr().err
    assert "2 left out" in said
    assert ".heic images are not read" in said


def test_a_folder_of_other_images_names_their_suffix(tmp_path: Path) -> None:
    (tmp_path / "c.heic").write_bytes(b"")
    with pytest.raises(InputError, match=r"\.heic images are not read"):
        select(arguments(tmp_path))  # type: ignore[arg-type]


@pytest.mark.parametrize(("brightest", "said"), [(4095, "12 of 16 bits"), (65535, "")])
def test_12_bits_in_16_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], brightest: int, said: str) -> None:
    save(tmp_path / "a.png", np.linspace(0, brightest, 48).reshape(6, 8).astype(np.uint16))
    select(arguments(tmp_path))  # type: ignore[arg-type]
    written = capsys.readouterr().err
    assert said in written
    assert bool(said) == bool(written)
