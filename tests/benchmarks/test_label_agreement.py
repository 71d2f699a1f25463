"""Agreement of boxes between shots: where a shot is found again, and what its boxes then overlap."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from data_tools.core.records import Dataset, Sample
from data_tools.files.dataset_folder import write_dataset
from tests.benchmarks.bench_label_agreement import STEP, agreements, best_shift, describe, main, texture

MakeSample = Callable[..., Sample]


@pytest.fixture
def part() -> np.ndarray:
    """A surface of 160 x 200 pixels that looks the same nowhere twice."""
    rough = gaussian_filter(np.random.default_rng(0).normal(size=(160, 200)), 2.0)
    gray: np.ndarray = np.clip(128 + 60 * rough / rough.std(), 0, 255).astype(np.uint8)
    return gray


def test_a_crop_under_another_light_is_found_where_it_was_cut(part: np.ndarray) -> None:
    crop = (0.5 * part[20:140, 30:180] + np.linspace(0, 80, 150)).astype(np.uint8)
    x, y, correlation = best_shift(texture(part), texture(crop))
    assert (STEP * x, STEP * y) == (30, 20)
    assert correlation > 0.9
    x, y, _ = best_shift(texture(crop), texture(part))
    assert (STEP * x, STEP * y) == (-30, -20)


def test_overlaps_of_moved_boxes(part: np.ndarray, make_sample: MakeSample, tmp_path: Path) -> None:
    """The second shot is cut 20 px further right and 10 px lower; its box lies half a box beside the first one's."""
    for name, shot in (("1.png", part[:140, :170]), ("2.png", part[10:150, 20:190]), ("3.png", part)):
        Image.fromarray(shot).save(tmp_path / name)
    samples = [
        make_sample(1, [[60.0, 50.0, 80.0, 70.0]], size_hw=(140, 170), group="one"),
        make_sample(2, [[50.0, 40.0, 70.0, 60.0]], size_hw=(140, 170), group="one"),
        make_sample(3, [[0.0, 0.0, 9.0, 9.0]], size_hw=part.shape, group="alone"),
    ]
    found = list(agreements(samples, tmp_path))
    assert [one.group for one in found] == ["one", "one"]
    assert [one.overlap for one in found] == pytest.approx([1 / 3, 1 / 3])
    row = describe(found).splitlines()[2]
    assert row.startswith("| all | 1 | ")
    assert row.endswith("| 0.000 (0.000..0.000) | 0.000 (0.000..0.000) |")


def test_the_command(
    part: np.ndarray, make_sample: MakeSample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = []
    for number in (1, 2):
        Image.fromarray(part).save(tmp_path / f"{number}.png")
        samples.append(make_sample(number, [[60.0, 50.0, 80.0, 70.0]], size_hw=part.shape, group="one"))
    write_dataset(tmp_path / "data", Dataset(tuple(samples), ("scratch",), tmp_path))
    assert main(["--data", str(tmp_path / "data")]) == 0
    printed = capsys.readouterr().out
    assert "groups with boxes: 1, with boxes in two shots or more: 1" in printed
    assert "| scratch | 1 | 1.00 | 1.000 (1.000..1.000) | 1.000 (1.000..1.000) |" in printed
    assert main(["--data", str(tmp_path / "absent")]) == 2
