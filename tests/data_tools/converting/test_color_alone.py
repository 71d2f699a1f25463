"""Sets whose defects show in colour, in gray, or in both."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.converting.color_alone import warning_about_color
from data_tools.core.records import Sample
from data_tools.files.images import read_color

GROUND = (150, 110, 100)  # gray 121
GREEN = (60, 155, 105)  # gray 121
DARK = (90, 50, 40)  # gray 61


def saved(path: Path, color: tuple[int, int, int], mode: str = "RGB") -> None:
    pixels = np.full((40, 40, 3), GROUND, dtype=np.uint8)
    pixels[10:20, 10:20] = color
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.mark.parametrize(
    ("colors", "mode", "warned"),
    [
        ([GREEN, GREEN, DARK], "RGB", "2 of 3 boxes"),
        ([GREEN, GREEN, DARK], "P", "2 of 3 boxes"),
        ([DARK] * 4 + [GREEN], "RGB", None),  # a fifth is not more than a fifth
        ([GREEN, GREEN], "L", None),
    ],
)
def test_boxes_that_colour_alone_shows_are_counted(
    colors: list[tuple[int, int, int]],
    mode: str,
    warned: str | None,
    tmp_path: Path,
    make_sample: Callable[..., Sample],
) -> None:
    samples = [make_sample(i, [(10, 10, 20, 20)], (40, 40)) for i in range(1, len(colors) + 1)]
    for sample, color in zip(samples, colors, strict=True):
        saved(tmp_path / sample.path, color, mode)
    said = warning_about_color([*samples, make_sample(9, [], (40, 40))], tmp_path)
    assert said is None if warned is None else said is not None and warned in said


def test_a_box_that_fills_its_image_and_an_unreadable_image_say_nothing(
    tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    whole, gone = make_sample(1, [(0, 0, 40, 40)], (40, 40)), make_sample(2, [(0, 0, 4, 4)], (40, 40))
    saved(tmp_path / whole.path, GREEN)
    assert warning_about_color([whole, gone], tmp_path) is None
    assert warning_about_color([], tmp_path) is None


def test_a_file_of_colours_that_are_all_gray_is_gray(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (7, 7, 7)).save(tmp_path / "gray.png")
    assert read_color(tmp_path / "gray.png") is None
    saved(tmp_path / "green.png", GREEN)
    pixels = read_color(tmp_path / "green.png")
    assert pixels is not None
    assert pixels[15, 15].tolist() == list(GREEN)
