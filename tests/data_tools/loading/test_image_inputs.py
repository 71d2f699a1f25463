from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.files.images import read_gray
from data_tools.loading.image_inputs import chunks_of

GRAY = np.arange(35, dtype=np.uint8).reshape(5, 7) * 7
RGB = np.stack([GRAY, GRAY[::-1], 255 - GRAY], axis=-1)


def pixels_of(images: Any) -> list[np.ndarray]:
    return [chunk.read(sample) for chunk in chunks_of(images, "test") for sample in chunk.samples]


@pytest.mark.parametrize(
    "one", [GRAY, RGB, GRAY[..., None], torch.tensor(GRAY), torch.tensor(RGB), Image.fromarray(RGB)]
)
def test_a_single_image_is_one_image(one: Any) -> None:
    (alone,), (listed,) = pixels_of(one), pixels_of([one])
    np.testing.assert_array_equal(alone, listed)
    assert alone.shape == (5, 7)


@pytest.mark.parametrize(
    "many", [np.stack([GRAY] * 2), np.stack([GRAY] * 5), np.stack([RGB] * 3), (GRAY, RGB), iter([GRAY])]
)
def test_several_are_several(many: Iterable[Any]) -> None:
    shapes = {one.shape for one in pixels_of(many)}
    assert shapes == {(5, 7)}


def test_an_array_of_names_is_a_list_of_them(tmp_path: Path) -> None:
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    for names in (np.array([str(tmp_path / "a.png")] * 2), np.array([[str(tmp_path / "a.png")]], dtype=object)[0]):
        assert len(pixels_of(names)) == len(names)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (RGB.transpose(2, 0, 1), "may be one image with its channels first, or 3 gray ones"),
        (torch.tensor(RGB).permute(2, 0, 1), "channels first"),
        (np.zeros((5, 7, 4), np.uint8), r"image 1: an array of uint8 with shape \(5, 7, 4\)"),
        (GRAY.astype(float), "image 1: an array of float64"),
        (np.uint8(3), r"shape \(\)"),
        (None, "images: NoneType is no image and holds none"),
        (3, "images: int is no image"),
        (b"a.png", "images: bytes is no image"),
        ({"a.png": 1}, "images: dict is no image"),
        ([None], "image 1: an array of object"),
        ([[[1, 2], [3]]], "image 1: list cannot be taken for an array"),
        ([torch.zeros(5, 7, requires_grad=True)], "image 1: Tensor cannot be taken for an array"),
        ([Image.fromarray(GRAY.astype(np.float32))], "image 1: floating-point pixels"),
    ],
)
def test_what_is_no_image_is_refused_in_one_sentence(images: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        pixels_of(images)


def palette() -> Image.Image:
    image = Image.fromarray((GRAY // 128).astype(np.uint8), "P")
    image.putpalette([200, 100, 50, 7, 7, 90])
    return image


def turned() -> Image.Image:
    image = Image.fromarray(RGB)
    image.getexif()[0x0112] = 6
    return image


def transparent() -> Image.Image:
    return Image.fromarray(np.dstack([RGB, GRAY]), "RGBA")


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        (Image.fromarray(RGB), "png"),
        (Image.fromarray(GRAY.astype(np.uint16) * 100), "png"),
        (Image.fromarray(GRAY > 90), "png"),
        (palette(), "png"),
        (transparent(), "png"),
        (turned(), "png"),
        (Image.fromarray(RGB).convert("CMYK"), "tif"),
        (Image.fromarray(RGB).convert("YCbCr"), "tif"),
    ],
)
def test_a_pil_image_is_read_as_its_file_is(tmp_path: Path, image: Image.Image, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    image.save(path, exif=image.getexif())
    before = image.copy()
    (made,), (opened, again) = pixels_of(image), pixels_of([Image.open(path)] * 2)
    for one in (made, opened, again):
        np.testing.assert_array_equal(one, read_gray(path))
    assert image == before


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "LAB"])
def test_no_mode_is_taken_for_another(mode: str) -> None:
    image = Image.new("LAB", (7, 5), (150, 20, 90)) if mode == "LAB" else Image.fromarray(RGB).convert(mode)
    (made,) = pixels_of(image)
    np.testing.assert_array_equal(made, np.asarray(image.convert("RGB").convert("L")))


def test_an_array_of_colors_is_read_as_its_file_is(tmp_path: Path) -> None:
    """One color in two thousand lies so near to half a level that other arithmetic rounds it elsewhere."""
    colors = np.random.default_rng(0).integers(0, 256, (200, 210, 3)).astype(np.uint8)
    Image.fromarray(colors).save(tmp_path / "a.png")
    for array in (colors, colors[:, ::-1][:, ::-1], np.asfortranarray(colors), torch.tensor(colors)):
        np.testing.assert_array_equal(pixels_of(array)[0], read_gray(tmp_path / "a.png"))


def test_several_pages_are_refused(tmp_path: Path) -> None:
    Image.fromarray(GRAY).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(GRAY)])
    with pytest.raises(InputError, match="image 1: holds 2 pages"):
        pixels_of(Image.open(tmp_path / "a.tif"))


def test_12_bits_in_16_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    image = Image.fromarray(np.full((5, 7), 4095, np.uint16))
    image.save(tmp_path / "a.png")
    for one, name in ((tmp_path / "a.png", "a.png"), (str(tmp_path / "a.png"), "a.png"), (image, "array 1")):
        caplog.clear()
        pixels_of([one])
        assert f"{name} uses 12 of 16 bits" in caplog.text
