from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.loading.batch import collate
from data_tools.loading.copy_paste import PasteConfig, Paster
from data_tools.loading.dataset import DefectDataset
from data_tools.loading.input_config import InputConfig, SliceConfig
from data_tools.loading.layout import Layout
from data_tools.loading.reference import Reference, Shown, build_reference, decide_reference, shown_of
from data_tools.loading.transforms import Augmentation, AugmentConfig

Gray = NDArray[np.uint8]
AS_IT_IS = Shown(0.0, 10.0)  # gray levels divided by ten


def device(seed: int = 0, side: int = 64) -> Gray:
    """A part with a body, two leads and its own faint noise."""
    image = np.full((side, side), 40.0)
    image[20:44, 16:50] = 120
    image[8:20, 22:27] = image[44:56, 38:44] = 220
    return (image + np.random.default_rng(seed).normal(0, 2, image.shape)).clip(0, 255).astype(np.uint8)


def devices(count: int = 12) -> list[tuple[Gray, Shown]]:
    return [(one, shown_of(one)) for one in map(device, range(count))]


def test_a_difference_by_hand() -> None:
    reference = Reference(np.zeros((1, 3, 3), np.float32), np.full((1, 3, 3), 0.5, np.float32))
    image = np.array([[0, 0, 0], [10, 20, 255], [0, 0, 5]], np.uint8)
    wanted = [[0, 0, 0], [2, 4, 8], [0, 0, 1]]  # spreads of half a unit, cut at 8
    assert (8 * reference.difference(image, AS_IT_IS)).tolist() == wanted
    below = Shown(20.0, 10.0)
    assert (8 * reference.difference(image, below))[1].tolist() == [-2, 0, 8]


def test_median_and_spread_by_hand() -> None:
    rows = [np.array([[0, 0, 0], [0, 10 * value, 0], [0, 0, 90]], np.uint8) for value in (1, 2, 3, 4, 8)]
    reference = build_reference([(row, AS_IT_IS) for row in rows])
    assert reference.median[0].tolist() == [[0, 0, 0], [0, 3, 0], [0, 0, 9]]
    spread = np.full((3, 3), 0.1)  # the floor, where all are alike
    spread[1, 1] = 1.4826  # absolute deviations 2, 1, 0, 1, 5
    assert np.allclose(reference.spread[0], spread)


@given(st.integers(-8, 8), st.integers(-8, 8))
def test_a_shifted_part_is_registered(down: int, right: int) -> None:
    reference = build_reference(devices())
    shifted = np.roll(device(99), (down, right), (0, 1))
    difference = reference.difference(shifted, shown_of(shifted))
    assert np.abs(difference).mean() < 0.15  # about one spread, which is what noise gives
    assert np.abs(difference).max() < 1
    edge = difference[:down] if down > 0 else difference[len(difference) + down :]
    assert not edge.any()  # nothing is known of what was not in the picture


def test_a_part_too_far_off_differs() -> None:
    shifted = np.roll(device(99), (0, 14), (0, 1))
    assert np.abs(build_reference(devices()).difference(shifted, shown_of(shifted))).max() == 1


def test_light_is_no_difference_and_a_defect_is() -> None:
    reference, image = build_reference(devices()), device(99)
    brighter = (image * 0.6 + 60).astype(np.uint8)
    assert np.abs(reference.difference(brighter, shown_of(brighter))).max() < 1
    scratched = image.copy()
    scratched[30, 20:40] += 40
    difference = reference.difference(scratched, shown_of(scratched))
    assert difference[30, 20:40].min() > 0.5
    assert np.abs(np.delete(difference, 30, axis=0)).mean() < 0.2


def test_a_window_is_compared_with_its_own_place() -> None:
    reference, image = build_reference(devices()), device(99)
    scratched = image.copy()
    scratched[30, 20:40] += 40
    window = (16, 20, 48, 44)
    part = np.asarray(Image.fromarray(scratched[20:44, 16:48]).resize((64, 48), Image.Resampling.BILINEAR))
    difference = reference.difference(part, shown_of(scratched, window))
    assert difference.shape == (48, 64)
    assert difference[20:22, 10:46].min() > 0.4
    assert np.abs(difference[30:]).mean() < 0.2


def test_two_products_have_a_median_each() -> None:
    others = [(one, shown_of(one)) for one in (np.rot90(device(seed)).copy() for seed in range(20, 32))]
    reference = build_reference([*devices(), *others])
    assert len(reference.median) == 2
    for image in (device(99), np.rot90(device(98)).copy()):
        assert np.abs(reference.difference(image, shown_of(image))).max() < 1
    moved = [
        (np.roll(one, (seed % 7 - 3, seed % 5 - 2), (0, 1)), shown) for seed, (one, shown) in enumerate(devices(40))
    ]
    assert len(build_reference(moved).median) == 1  # another place is no other product


def marked(product: int, seed: int) -> Gray:
    """The same body with leads of its own."""
    image = device(seed).astype(np.float64)
    image[8:20, 22:27] = image[44:56, 38:44] = 40
    column = 6 + 14 * product
    image[4:16, column : column + 10] = image[48:60, 54 - column : 64 - column] = 220
    return image.astype(np.uint8)


@pytest.mark.parametrize("products", [2, 3, 4])
def test_products_that_differ_alike_have_a_median_each(products: int) -> None:
    """Any two of three or four keep half of the variance or more, so that none is found by halving alone."""
    images = [marked(product, seed) for seed in range(9) for product in range(products)]
    reference = build_reference([(one, shown_of(one)) for one in images])
    assert len(reference.median) == products
    for product in range(products):
        image = marked(product, 99)
        assert np.abs(reference.difference(image, shown_of(image))).max() < 1


def test_another_size_is_compared_too() -> None:
    large = np.asarray(Image.fromarray(device(99)).resize((80, 96), Image.Resampling.BILINEAR))
    difference = build_reference(devices()).difference(large, shown_of(device(99)))
    assert difference.shape == (96, 80)
    assert np.abs(difference).mean() < 0.2


def test_damaged_arrays_and_unlike_images_are_refused() -> None:
    ones = np.ones((1, 4, 4), np.float32)
    for median, spread in ((ones, ones[:, :3]), (ones, 0 * ones), (ones * np.nan, ones), (ones[:0], ones[:0])):
        with pytest.raises(ValueError, match="median"):
            Reference(median, spread)
    with pytest.raises(ValueError, match="one size"):
        build_reference([*devices(1), (np.zeros((3, 3), np.uint8), AS_IT_IS)])


def test_when_a_reference_says_something() -> None:
    aligned, surface = Layout(0.8, {}), Layout(0.1, {})
    assert decide_reference(aligned, 50, in_windows=False)[0] == "on"
    for layout, good, in_windows, why in (
        (surface, 50, False, "share 10% of their variance"),
        (aligned, 3, False, "3 good training images"),
        (aligned, 50, True, "windows"),
    ):
        assert decide_reference(layout, good, in_windows)[0] == "off"
        assert why in decide_reference(layout, good, in_windows)[1]
    with pytest.raises(InputError, match=r"input\.reference must be off beside input\.slices"):
        InputConfig(reference="on", slices=SliceConfig(side_px=64))


def write(folder: Path, make_sample: Callable[..., Sample]) -> list[Sample]:
    """A good device, and one with a bright square."""
    defect = device(51)
    defect[30:36, 30:36] = 255
    for number, image in enumerate((device(50), defect), start=1):
        Image.fromarray(image).save(folder / f"{number}.png")
    return [make_sample(1, size_hw=(64, 64)), make_sample(2, [(30, 30, 36, 36)], size_hw=(64, 64))]


def test_the_difference_is_mirrored_with_the_image_and_keeps_its_values(
    make_sample: Callable[..., Sample], tmp_path: Path
) -> None:
    samples, reference = write(tmp_path, make_sample), build_reference(devices())
    plain = DefectDataset(samples, tmp_path, reference=reference)[0, 1].image
    assert plain.shape == (2, 64, 64)
    assert (plain[1, 30:36, 30:36] == 1).all()
    augment = AugmentConfig("d4", photometry=1.0)
    data = DefectDataset(samples, tmp_path, InputConfig(augment=augment), Augmentation(augment), reference=reference)
    places = set()
    for epoch in range(12):
        item = data[epoch, 1]
        x1, y1, x2, y2 = item.boxes_xyxy[0].int().tolist()
        assert (item.image[1, y1:y2, x1:x2] == 1).all()  # whatever the light, and where the box is
        assert sorted(item.image[1].flatten().tolist()) == sorted(plain[1].flatten().tolist())
        places.add((x1, y1))
    assert len(places) > 1


def test_a_zoomed_image_and_a_pasted_defect_differ_where_the_box_is(
    make_sample: Callable[..., Sample], tmp_path: Path
) -> None:
    samples, reference = write(tmp_path, make_sample), build_reference(devices())
    augment = AugmentConfig("hflip", photometry=0, zoom=0.5, zoom_share=1.0)
    config, paster = InputConfig(augment=augment), Paster(samples, PasteConfig(1.0, jitter=0.03))
    data = DefectDataset(samples, tmp_path, config, Augmentation(augment), paster=paster, reference=reference)
    items = [data[epoch, index] for epoch in range(10) for index in (0, 1)]
    assert sum(len(item.boxes_xyxy) for item in items) > 15
    for item in items:
        away = np.ones((64, 64), dtype=bool)
        for x1, y1, x2, y2 in item.boxes_xyxy.round().int().tolist():
            assert item.image[1, y1 + 1 : y2 - 1, x1 + 1 : x2 - 1].mean() > 0.9
            away[max(y1 - 16, 0) : y2 + 16, max(x1 - 16, 0) : x2 + 16] = False  # the margin of a pasted patch
        assert np.abs(item.image[1].numpy()[away]).mean() < 0.35


def test_a_batch_has_the_difference_as_its_last_channel(make_sample: Callable[..., Sample], tmp_path: Path) -> None:
    samples, reference = write(tmp_path, make_sample), build_reference(devices())
    with_it, without = (DefectDataset(samples, tmp_path, reference=one) for one in (reference, None))
    both = [collate([data[0, 0], data[0, 1]]).padded_to(70, 70).images for data in (with_it, without)]
    assert [tuple(images.shape) for images in both] == [(2, 4, 70, 70), (2, 3, 70, 70)]
    assert (both[0][:, :3] == both[1]).all()
    assert (both[0][:, 3, :64, :64] == with_it[0, 0].image[1]).all(dim=(1, 2))[0]
    assert not both[0][:, 3, 64:].any()  # padding differs from nothing
