from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.files.gray_levels import DarknessNotice, GrayLevels, gray_levels, range_text, used_bits
from data_tools.files.images import read_gray


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.array([[7, 4000]], np.uint16), GrayLevels(7, 4000, "gray")),
        (np.array([[7, 70000]], np.int32), GrayLevels(7, 70000, "wide")),
        (np.array([[-0.5, 1.5]], np.float32), GrayLevels(-0.5, 1.5, "wide")),
        (np.array([[7, 200]], np.uint8), None),
        (np.array([[0, np.inf]], np.float32), None),
    ],
)
def test_levels_by_hand(tmp_path: Path, pixels: np.ndarray, expected: GrayLevels | None) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    assert gray_levels(tmp_path / "a.tif") == expected


def test_what_cannot_be_read_has_no_levels(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    assert gray_levels(tmp_path / "a.tif") is None


@pytest.mark.parametrize(("high", "bits"), [(0, 0), (1, 1), (255, 8), (256, 9), (4095, 12), (65535, 16), (-3, 0)])
def test_used_bits_are_those_of_the_brightest(high: float, bits: int) -> None:
    assert used_bits([GrayLevels(-5, -4, "gray"), GrayLevels(-4, high, "gray")]) == bits


def test_the_range_is_the_set_s() -> None:
    levels = [GrayLevels(3, 8, "gray"), GrayLevels(5, 4000.5, "gray")]
    assert range_text(levels, ",") == "3,4000.5"
    assert used_bits([]) == 16


def notice_of(tmp_path: Path, brightest: list[int]) -> list[str]:
    said: list[str] = []
    notice = DarknessNotice(said.append)
    for number, level in enumerate(brightest, start=1):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.array([[0, level]], np.uint16)).save(path)
        notice.look(path.name, read_gray(path), path)
    notice.close()
    return said


def test_a_bright_image_hides_no_dark_one(tmp_path: Path) -> None:
    (said,) = notice_of(tmp_path, [65535, 4095, 32768])
    assert said.startswith("WARNING: 2.png uses 12 of 16 bits (gray values 0 to 4095); if the run learned from a set")


def test_many_are_counted_and_some_are_named(tmp_path: Path) -> None:
    first, tenth, all_of_them = notice_of(tmp_path, [32767] + [65535] * 3 + [1023] * 12)
    assert "1.png uses 15 of 16 bits" in first
    assert "10 of 13 images use few of their 16 bits; the last, 13.png, uses 10 of 16 bits" in tenth
    assert all_of_them == "WARNING: 13 of 16 images use few of their 16 bits"


@pytest.mark.parametrize("form", ["path", "content", "pil"])
def test_files_contents_and_pil_images_are_alike(tmp_path: Path, form: str) -> None:
    path, said = tmp_path / "a.png", list[str]()
    for pixels in (np.array([[9, 4000]], np.uint16), np.array([[9, 40]], np.uint8)):
        Image.fromarray(pixels).save(path)
        source = {"path": path, "content": path.read_bytes(), "pil": Image.open(path)}[form]
        DarknessNotice(said.append).look("a.png", read_gray(path), source)
    assert len(said) == 1
    assert "12 of 16 bits (gray values 9 to 4000)" in said[0]
