from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.converting.gray_range import stretched_copies, warning_about_levels
from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, Sample, empty_boxes, empty_labels
from data_tools.files.images import read_gray
from data_tools.formats.registry import Findings


def samples_of(root: Path, **levels: np.ndarray) -> list[Sample]:
    """Good images of the given gray levels, saved with their own depth under their names."""
    root.mkdir(exist_ok=True)
    made = []
    for number, (name, pixels) in enumerate(levels.items(), start=1):
        Image.fromarray(pixels).save(root / f"{name}.tif")
        shape = pixels.shape[0], pixels.shape[1]
        made.append(Sample(number, f"{name}.tif", shape, empty_boxes(), empty_labels(), GOOD, "", GOOD, evidence="x"))
    return made


def ramp(low: int, high: int, kind: type) -> np.ndarray:
    return np.linspace(low, high, 48).reshape(6, 8).astype(kind)


def test_12_of_16_bits_are_said_with_the_range_of_the_set(tmp_path: Path) -> None:
    samples = samples_of(tmp_path, a=ramp(100, 900, np.uint16), b=ramp(40, 3000, np.uint16))
    said = warning_about_levels(samples, tmp_path)
    assert said is not None
    assert "12 of 16 bits" in said
    assert "--gray_range 40,3000" in said


def test_8_bits_and_full_16_bits_are_not_worth_a_word(tmp_path: Path) -> None:
    samples = samples_of(tmp_path, a=ramp(0, 255, np.uint8), b=ramp(0, 65535, np.uint16))
    assert warning_about_levels(samples, tmp_path) is None


def test_floating_point_images_ask_for_their_range(tmp_path: Path) -> None:
    samples = samples_of(tmp_path, a=ramp(-2, 5, np.float32))
    with pytest.raises(InputError, match="--gray_range -2,5"):
        warning_about_levels(samples, tmp_path)


def test_all_images_are_stretched_by_one_range(tmp_path: Path) -> None:
    """By hand: 0..4000 to 0..255, so that 2000 is 127.5, rounded to even 128; 8 bits stay as they are."""
    dark, bright = np.full((6, 8), 1000, np.uint16), np.full((6, 8), 2000, np.uint16)
    samples = samples_of(tmp_path / "raw", dark=dark, bright=bright, flat=np.full((6, 8), 77, np.uint8))
    findings = Findings()
    copies = stretched_copies(samples, tmp_path / "raw", (0, 4000), tmp_path / "out", findings)
    assert [copy.path for copy in copies] == ["dark.png", "bright.png", "flat.png"]
    grays = [np.unique(read_gray(tmp_path / "out" / copy.path)).tolist() for copy in copies]
    assert grays == [[64], [128], [77]]
    assert not findings.rejects
    assert not findings.warnings


@pytest.mark.parametrize(
    ("gray_range", "said"),
    [((0.0, 500.0), "lies outside of --gray_range"), ((0.0, 65535.0), "less than a quarter of --gray_range")],
)
def test_a_range_that_does_not_fit_is_warned_about(tmp_path: Path, gray_range: tuple[float, float], said: str) -> None:
    samples = samples_of(tmp_path / "raw", a=ramp(0, 4000, np.uint16))
    findings = Findings()
    stretched_copies(samples, tmp_path / "raw", gray_range, tmp_path / "out", findings)
    assert [said in text for text in findings.warnings] == [True]


def test_a_range_for_8_bits_is_warned_about(tmp_path: Path) -> None:
    samples = samples_of(tmp_path / "raw", a=ramp(0, 255, np.uint8))
    findings = Findings()
    stretched_copies(samples, tmp_path / "raw", (0, 100), tmp_path / "out", findings)
    assert any("changes no gray value" in text for text in findings.warnings)


def test_what_cannot_be_stretched_is_listed(tmp_path: Path) -> None:
    broken = ramp(0, 1, np.float32)
    broken[0, 0] = np.nan
    samples = samples_of(tmp_path / "raw", a=broken, b=ramp(0, 1, np.float32))
    findings = Findings()
    copies = stretched_copies(samples, tmp_path / "raw", (0, 1), tmp_path / "out", findings)
    assert [copy.path for copy in copies] == ["b.png"]
    assert [(reject.image, reject.reason) for reject in findings.rejects] == [
        ("a.tif", "holds values that are not finite")
    ]
