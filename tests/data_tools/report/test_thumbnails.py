import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.report.thumbnails import make_thumbnails, read_sample


def opened(jpeg: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(jpeg)))


def save(root: Path, name: str, size_hw: tuple[int, int]) -> None:
    pixels = np.zeros(size_hw, dtype=np.uint8)
    pixels[: size_hw[0] // 2] = 200  # bright above
    Image.fromarray(pixels).save(root / name)


def test_pictures_are_small_gray_and_upright(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    save(tmp_path, "1.png", (50, 200))
    save(tmp_path, "2.png", (40, 30))
    samples = [make_sample(1, size_hw=(50, 200)), make_sample(2, size_hw=(40, 30))]
    found = make_thumbnails(samples, tmp_path, 100)
    wide, small = (opened(jpeg) for jpeg in found.jpegs)
    assert found.side == 100
    assert (wide.size, wide.mode, wide.format) == ((100, 25), "L", "JPEG")
    assert small.size == (30, 40)  # never enlarged
    pixels = np.asarray(wide)
    assert abs(int(pixels[2, 50]) - 200) < 8
    assert int(pixels[-3, 50]) < 8


@pytest.mark.parametrize(
    ("size_hw", "shown_wh"),
    [((40, 1200), (400, 13)), ((1200, 40), (13, 400)), ((10, 150), (150, 10)), ((90, 450), (125, 25))],
)
def test_a_strip_keeps_what_can_be_seen(
    tmp_path: Path, make_sample: Callable[..., Sample], size_hw: tuple[int, int], shown_wh: tuple[int, int]
) -> None:
    save(tmp_path, "1.png", size_hw)
    (jpeg,) = make_thumbnails([make_sample(1, size_hw=size_hw)], tmp_path, 100).jpegs
    assert opened(jpeg).size == shown_wh


def test_many_images_get_smaller_pictures_that_fit_the_budget(
    tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    rng = np.random.default_rng(0)
    samples = [make_sample(number, size_hw=(300, 300)) for number in range(1, 21)]
    for sample in samples:
        Image.fromarray(rng.integers(0, 255, (300, 300), dtype=np.uint8)).save(tmp_path / sample.path)
    roomy, tight = make_thumbnails(samples, tmp_path, 320), make_thumbnails(samples, tmp_path, 320, budget=300_000)
    assert roomy.side == 320
    assert 96 <= tight.side < 320
    assert sum(map(len, tight.jpegs)) <= 310_000


def test_no_images_no_pictures(tmp_path: Path) -> None:
    assert make_thumbnails([], tmp_path, 320).jpegs == ()


def test_another_size_than_annotated_is_refused(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    save(tmp_path, "1.png", (50, 60))
    with pytest.raises(InputError, match=r"1\.png \(image 1\): is 60 x 50 pixels, but annotated as 100 x 100"):
        read_sample(make_sample(1), tmp_path)
