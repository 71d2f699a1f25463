from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.errors import InputError
from data_tools.images import read_gray, read_size, resolve_under

RAMP = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_8_bit_gray_is_read_as_it_is(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(RAMP).save(tmp_path / f"a{suffix}")
    assert np.array_equal(read_gray(tmp_path / f"a{suffix}"), RAMP)
    assert read_size(tmp_path / f"a{suffix}") == (12, 20)


def test_16_bit_gray_is_scaled_and_not_white(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "a.png")
    assert np.array_equal(read_gray(tmp_path / "a.png"), RAMP)


def test_rgb_palette_and_alpha(tmp_path: Path) -> None:
    Image.fromarray(np.stack([RAMP] * 3, axis=-1)).save(tmp_path / "rgb.png")
    Image.fromarray(RAMP).convert("P").save(tmp_path / "palette.png")
    opaque = np.full_like(RAMP, 255)
    opaque[:, :10] = 0
    Image.fromarray(np.stack([RAMP] * 3 + [opaque], axis=-1)).save(tmp_path / "alpha.png")
    assert np.array_equal(read_gray(tmp_path / "rgb.png"), RAMP)
    assert np.abs(read_gray(tmp_path / "palette.png").astype(int) - RAMP).max() <= 1
    assert np.array_equal(read_gray(tmp_path / "alpha.png"), np.where(opaque > 0, RAMP, 0))


def test_exif_rotation_is_applied_to_pixels_and_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RAMP).save(tmp_path / "a.jpg", exif=exif, quality=100)
    assert read_gray(tmp_path / "a.jpg").shape == (20, 12) == read_size(tmp_path / "a.jpg")


def test_truncated_not_an_image_and_missing_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (80, 80), dtype=np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:1000])
    (tmp_path / "text.png").write_text("hello")
    for name in ("cut.png", "text.png", "nowhere.png"):
        with pytest.raises(InputError, match=name):
            read_gray(tmp_path / name)


def test_the_pixel_limit_is_checked_before_decoding(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="limit"):
        read_gray(tmp_path / "a.png", pixel_limit=100)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/../../b.png", "..\\b.png"])
def test_names_that_leave_the_root_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        resolve_under(tmp_path, name)


def test_a_link_that_leaves_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside.png").write_bytes(b"")
    (tmp_path / "root" / "link.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(InputError, match="link"):
        resolve_under(tmp_path / "root", "link.png")
    assert resolve_under(tmp_path / "root", "sub/a.png") == (tmp_path / "root" / "sub" / "a.png").resolve()
