"""Masks in a folder for each type, below that of masks, beside images without such folders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Told = dict[str, tuple[str, dict[str, tuple[float, ...]]]]


@pytest.fixture
def told(tmp_path: Path, save, read) -> Callable[..., Told]:
    """Status of each image, and its boxes by their types, of masks with one defect or none, by their paths."""

    def build(masks: dict[str, bool], images: str = "images/{}.png", names: str = "abc") -> Told:
        for name in names:
            save(tmp_path / images.format(name))
        for path, is_defect in masks.items():
            pixels = np.zeros((60, 80), dtype=np.uint8)
            if is_defect:
                pixels[10:30, 20:50] = 255
            save(tmp_path / path, pixels)
        samples, _ = read("mask", tmp_path)
        return {
            path: (s.status, dict(zip(s.box_types, map(tuple, s.boxes_xyxy.tolist()), strict=True)))
            for path, s in samples.items()
        }

    return build


BOX = (20, 10, 50, 30)


def test_a_folder_of_masks_for_each_type(told: Callable[..., Told]) -> None:
    samples = told({"masks/pit/a.png": True, "masks/scratch/a.png": True, "masks/pit/b_mask.png": True})
    assert samples == {
        "images/a.png": ("boxed", {"pit": BOX, "scratch": BOX}),
        "images/b.png": ("boxed", {"pit": BOX}),
    }


def test_empty_masks_of_all_types_say_that_an_image_is_good_and_of_some_do_not(told: Callable[..., Told]) -> None:
    masks = {f"masks/{kind}/{name}.png": name == "a" for name in "ab" for kind in ("pit", "scratch")}
    samples = told({**masks, "masks/pit/c.png": False})
    assert {path: one[0] for path, one in samples.items()} == {"images/a.png": "boxed", "images/b.png": "good"}


def test_an_empty_mask_among_those_of_good_images(told: Callable[..., Told]) -> None:
    samples = told({"masks/pit/a.png": True, "masks/good/b.png": False})
    assert {path: one[0] for path, one in samples.items()} == {"images/a.png": "boxed", "images/b.png": "good"}


def test_types_below_the_parts_of_a_split(told: Callable[..., Told]) -> None:
    samples = told({"masks/train/pit/a.png": True}, images="images/train/{}.png")
    assert samples["images/train/a.png"] == ("boxed", {"pit": BOX})


def test_numbered_folders_are_lots_and_no_types(told: Callable[..., Told]) -> None:
    samples = told({"masks/lot1/a.png": True, "masks/lot2/b.png": True, "masks/lot2/c.png": False})
    assert {path: [*boxes] for path, (_, boxes) in samples.items()} == {
        "images/a.png": ["defect"],
        "images/b.png": ["defect"],
        "images/c.png": [],
    }
    assert samples["images/c.png"][0] == "good"


@pytest.mark.parametrize(
    ("second", "kinds"),
    [({"wood": (1, 2), "tile": (2, 1)}, {"1", "2"}), ({"pit": (1, 1), "burn": (2, 2)}, {"pit", "burn"})],
)
def test_a_folder_with_several_types_by_value_is_none(
    tmp_path: Path, save, read, second: dict[str, tuple[int, int]], kinds: set[str]
) -> None:
    for folder, values in second.items():
        for i, value in enumerate(values):
            save(tmp_path / folder / f"images/{i}.png")
            save(
                tmp_path / folder / f"masks/{i}.png",
                np.pad(np.full((20, 30), value, dtype=np.uint8), ((10, 30), (20, 30))),
            )
    samples, _ = read("mask", tmp_path)
    assert {kind for sample in samples.values() for kind in sample.box_types} == kinds


@pytest.mark.parametrize(("empty", "kinds"), [(1, {"defect", "crack"}), (0, {"leather", "crack"})])
def test_a_folder_with_good_images_is_a_product(tmp_path: Path, save, read, empty: int, kinds: set[str]) -> None:
    for folder in ("leather", "crack"):
        for i in range(4):
            pixels = np.zeros((60, 80), dtype=np.uint8)
            pixels[10:30, 20:50] = 255 * (i >= empty)
            save(tmp_path / folder / f"images/{i}.png")
            save(tmp_path / folder / f"masks/{i}.png", pixels)
    samples, _ = read("mask", tmp_path)
    assert {kind for sample in samples.values() for kind in sample.box_types} == kinds
