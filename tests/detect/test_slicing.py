"""Large images: what slices see comes out in the image's own pixels, once; training windows show their boxes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import detect
from data_tools.core.records import Dataset, Sample, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import read_predictions
from data_tools.loading.batch import Item
from data_tools.loading.copy_paste import PasteConfig, Paster
from data_tools.loading.dataset import DefectDataset
from data_tools.loading.image_inputs import PixelReader
from data_tools.loading.input_config import InputConfig, SliceConfig
from data_tools.loading.transforms import Augmentation, AugmentConfig, PreprocessConfig
from data_tools.training.experiment import Experiment
from data_tools.training.fit_config import FitConfig
from detect.detections import Detections, SizedDetections
from detect.looking import look_everywhere
from detect.preparing import looks_of, training_boxes
from detect.slicing import join_with_slices
from detect.to_prediction import to_prediction

CONFIG = InputConfig(max_pixels=64 * 64, slices=SliceConfig(side_px=100, seen_px=64))


def raw(boxes: Sequence[Sequence[float]], logit: float) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, dtype=np.float32).reshape(-1, 4),
        np.full(count, 0.9, dtype=np.float32),
        np.ones(count, dtype=np.int64),
        logit,
    )


@pytest.mark.parametrize("crop", [0, 20])
def test_boxes_of_slices_come_out_in_the_images_own_pixels(make_sample: Callable[..., Sample], crop: int) -> None:
    """A finder of white pixels looks at the slices; the squeezed whole shows it nothing."""
    truth = [[30.0, 40, 42, 52], [200, 90, 210, 130], [330, 260, 345, 275]]
    sample = make_sample(7, truth, (300, 400))
    pixels = np.zeros((300, 400), dtype=np.uint8)
    for x1, y1, x2, y2 in np.array(truth, dtype=int):
        pixels[y1:y2, x1:x2] = 255
    config = replace(CONFIG, preprocess=PreprocessConfig(crop_px=crop))

    def find(parts: Sequence[Sample], read: PixelReader, side: int) -> list[SizedDetections]:
        detections = []
        for part in parts:
            image, size = read(part), config.window_hw(part.size_hw, side)
            assert image.shape == part.size_hw
            scale = np.array([size[1] / image.shape[1], size[0] / image.shape[0]] * 2)
            boxes = [np.array(box) * scale for box in white_boxes(image)]
            detections.append((raw([box.tolist() for box in boxes], 3.0 if boxes else -3.0), size))
        return detections

    size = config.target_hw(sample.size_hw)
    ((joined, seen),) = join_with_slices([sample], [(raw([], -9.0), size)], config, find, lambda _sample: pixels)
    assert seen == size
    assert joined.image_logit == 3.0
    prediction = to_prediction(sample, joined, seen, "best_box", config.preprocess)
    order = np.argsort(prediction.boxes_xyxy[:, 0])
    np.testing.assert_allclose(prediction.boxes_xyxy[order], truth, atol=1e-3)


@pytest.mark.parametrize(("views", "again"), [((1.0,), 0), ((1.15, 1.0), 1)])
def test_looks_are_counted_as_they_are_taken(
    make_sample: Callable[..., Sample], views: tuple[float, ...], again: int
) -> None:
    """What a validation and the predictions after it look at, for the time that is left; a view by its pixels."""
    samples = [make_sample(1, [], (300, 400)), make_sample(2, [], (500, 60)), make_sample(3, [], (300, 400))]
    data = Dataset(tuple(samples), ("defect",), Path(), Splits(0, "none", (), (1, 2), (3,)))

    def taken(chosen: Sequence[Sample], views: Sequence[float]) -> float:
        pixels = 0.0

        def look(parts: Sequence[Sample], _: object, config: InputConfig, __: str) -> list[SizedDetections]:
            nonlocal pixels
            pixels += len(parts) * (1.0 if len(views) == 1 else views[len(scales) % len(views)] ** 2)
            scales.append(config.scale)
            return [(raw([], 0.0), part.size_hw) for part in parts]

        scales: list[float] = []
        look_everywhere(look, views, chosen, lambda one: np.zeros(one.size_hw, np.uint8), CONFIG, "")
        return pixels

    looks = looks_of(data, views, CONFIG)
    assert looks.validation == taken(samples[:2], (1.0,))
    assert looks.closing == pytest.approx(taken(samples[2:], views) + again * taken(samples[:2], views))


@pytest.mark.parametrize(("scores", "logit", "score"), [("highest", 3.0, 0.9), ("mean", 1.0, 0.45)])
def test_the_mean_asks_the_whole_image_too(
    make_sample: Callable[..., Sample], scores: Literal["highest", "mean"], logit: float, score: float
) -> None:
    """The whole look has a logit of -1 and no box; of two slices one has a logit of 3 and a box, the other -2."""
    sample = make_sample(7, [], (100, 150))
    config = replace(CONFIG, slices=replace(CONFIG.slices, scores=scores))

    def find(parts: Sequence[Sample], read: PixelReader, side: int) -> list[SizedDetections]:
        assert len(parts) == 2
        return [(raw([[5, 5, 20, 20]], 3.0), (64, 64)), (raw([], -2.0), (64, 64))]

    ((joined, _),) = join_with_slices(
        [sample], [(raw([], -1.0), config.target_hw(sample.size_hw))], config, find, lambda _sample: np.zeros(1)
    )
    assert joined.image_logit == logit
    assert joined.scores.tolist() == pytest.approx([score])


def test_no_look_loses_boxes_because_there_are_slices_too(make_sample: Callable[..., Sample]) -> None:
    """The whole look gives 144 boxes side by side, and the two slices none."""
    sample = make_sample(7, [], (100, 150))
    corners = [(x, y) for x in range(0, 60, 5) for y in range(0, 60, 5)]
    whole = raw([[x, y, x + 4, y + 4] for x, y in corners], 1.0)

    def find(parts: Sequence[Sample], read: PixelReader, side: int) -> list[SizedDetections]:
        return [(raw([], -2.0), (64, 64)) for _ in parts]

    ((joined, _),) = join_with_slices([sample], [(whole, (64, 64))], CONFIG, find, lambda _sample: np.zeros(1))
    assert len(joined.scores) == 144


def test_a_defect_that_no_finest_window_holds_is_found_by_coarser_ones(make_sample: Callable[..., Sample]) -> None:
    """A finder that sees a white area only where all of it lies in the window; finest windows have sides of 100."""
    sample = make_sample(7, [[110.0, 60, 230, 180]], (300, 400))
    pixels = np.zeros((300, 400), dtype=np.uint8)
    pixels[60:180, 110:230] = 255
    sides = []

    def find(parts: Sequence[Sample], read: PixelReader, side: int) -> list[SizedDetections]:
        sides.append(side)
        detections = []
        for part in parts:
            image, (height, width) = np.pad(read(part), 1), CONFIG.window_hw(part.size_hw, side)
            scale = np.array([width / part.size_hw[1], height / part.size_hw[0]] * 2)
            boxes = [(np.array(box) - 1) * scale for box in white_boxes(image)]
            whole = [box.tolist() for box in boxes if box.min() > 0 and (box[2:] < [width, height]).all()]
            detections.append((raw(whole, 3.0 if whole else -3.0), (height, width)))
        return detections

    size = CONFIG.target_hw(sample.size_hw)
    ((joined, _),) = join_with_slices([sample], [(raw([], -9.0), size)], CONFIG, find, lambda _sample: pixels)
    assert sides == [100, 200]
    scale = np.array([size[1] / 400, size[0] / 300] * 2)
    np.testing.assert_allclose(joined.boxes_xyxy / scale, sample.boxes_xyxy, atol=1e-3)


@pytest.mark.parametrize(
    ("size_hw", "sides"),
    [((300, 400), (100, 200)), ((100, 100), (100,)), ((1000, 1000), (100, 200, 400)), ((40, 4000), (100,))],
)
def test_levels_double_as_long_as_they_show_more_than_the_whole(size_hw: tuple[int, int], sides: list[int]) -> None:
    """A window of 100 is seen at 64, so at 1.56 pixels each; a whole image of 4,096 pixels, 1,000 x 1,000 at 15.6."""
    assert CONFIG.window_sides(size_hw) == sides
    assert InputConfig().window_sides(size_hw) == ()


def test_what_a_coarse_look_cannot_show_teaches_no_box(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    """A box of 8 px is 5 px in the finest windows, 2.6 px in those of 200, and 1.3 px in the whole image."""
    sample = make_sample(1, [[200, 100, 208, 108]], (300, 400))
    Image.fromarray(np.zeros((300, 400), dtype=np.uint8)).save(tmp_path / "1.png")

    def items(share: float) -> list[Item]:
        config = replace(CONFIG, augment=AugmentConfig("none", photometry=0), slices=SliceConfig(100, 64, share=share))
        data = DefectDataset([sample], tmp_path, config, Augmentation(config.augment))
        return [data[epoch, 0] for epoch in range(60)]

    seen = {(len(item.boxes_xyxy), item.unboxed, item.defect) for item in items(1.0)}
    assert seen == {(1, False, 1.0), (0, True, 1.0), (0, False, 0.0)}  # finest, coarser, beside it
    assert {(len(item.boxes_xyxy), item.unboxed, item.defect) for item in items(0.0)} == {(0, True, 1.0)}


def white_boxes(image: NDArray[np.uint8]) -> list[list[int]]:
    from scipy.ndimage import find_objects, label

    return [[x.start, y.start, x.stop, y.stop] for y, x in find_objects(label(image)[0])]


def test_training_windows_show_their_boxes_at_the_scale_of_slices(
    tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    sample = make_sample(1, [[220, 100, 240, 120]], (300, 400))
    pixels = np.zeros((300, 400), dtype=np.uint8)
    pixels[100:120, 220:240] = 255
    Image.fromarray(pixels).save(tmp_path / "1.png")
    config = replace(CONFIG, augment=AugmentConfig(geometry="none", photometry=0), slices=SliceConfig(100, 64, share=1))
    items = [DefectDataset([sample], tmp_path, config, Augmentation(config.augment))[epoch, 0] for epoch in range(60)]
    assert {tuple(item.image.shape) for item in items} == {(1, 64, 64)}
    shown = [item for item in items if len(item.boxes_xyxy)]
    assert 30 <= len(shown) < 60
    for item in items:
        assert item.defect == float(len(item.boxes_xyxy) > 0)
        assert not item.unboxed
        assert item.boxes_lost == 0
    for item in shown:
        x1, y1, x2, y2 = item.boxes_xyxy[0].round().int().tolist()
        inside = item.image[0, y1:y2, x1:x2]
        assert inside.mean() > 0.8
        assert item.image.sum() == pytest.approx(float(inside.sum()), rel=0.25)


@pytest.mark.parametrize(
    ("size_hw", "side", "seen"),
    [((40, 300), 64, 64), ((300, 90), 100, 100), ((40, 300), 100, 64), ((200, 300), 64, 64)],
)
def test_training_sees_windows_at_the_size_of_prediction(
    make_sample: Callable[..., Sample], size_hw: tuple[int, int], side: int, seen: int
) -> None:
    """Those of an image narrower than a window, and of a side that is no multiple of 32, at their own scale too."""
    sample, predicted = make_sample(1, [], size_hw), set()
    slices = SliceConfig(side, seen, share=1.0)
    config = InputConfig(max_pixels=size_hw[0] * size_hw[1], slices=slices, augment=AugmentConfig("none", photometry=0))

    def look(parts: Sequence[Sample], _: object, seen_as: InputConfig, __: str) -> list[SizedDetections]:
        predicted.update(seen_as.target_hw(part.size_hw) for part in parts if seen_as.slices.side_px is None)
        return [(raw([], 0.0), part.size_hw) for part in parts]

    look_everywhere(look, (1.0,), [sample], lambda one: np.zeros(one.size_hw, np.uint8), config, "")
    data = DefectDataset([sample], lambda one: np.zeros(one.size_hw, np.uint8), config, Augmentation(config.augment))
    assert {tuple(data[epoch, 0].image.shape[1:]) for epoch in range(4)} == predicted


def test_defects_are_pasted_at_their_own_scale_and_decoys_show_as_often(
    tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    """The donor's white square on flat ground, or where it lay a patch of the second good image's grain."""
    flat = np.full((300, 400), 90, dtype=np.uint8)
    grain = np.random.default_rng(0).integers(60, 120, flat.shape, dtype=np.uint8)
    defect = flat.copy()
    defect[100:140, 220:260] = 255
    samples = [make_sample(1, [[220, 100, 260, 140]], (300, 400)), *(make_sample(i, (), (300, 400)) for i in (2, 3))]
    for sample, pixels in zip(samples, (defect, flat, grain), strict=True):
        Image.fromarray(pixels).save(tmp_path / sample.path)
    paster = Paster(samples, PasteConfig(share=0.5, decoy_share=1.0, jitter=1.0))

    def items(share: float) -> list[Item]:
        config = replace(CONFIG, augment=AugmentConfig("none", photometry=0), slices=SliceConfig(100, 64, share=share))
        data = DefectDataset(samples, tmp_path, config, Augmentation(config.augment), paster=paster)
        return [data[epoch, 1] for epoch in range(200)]

    windows = items(1.0)
    shown = [item for item in windows if len(item.boxes_xyxy)]
    decoys = [item for item in windows if not len(item.boxes_xyxy) and float(item.image.std()) > 0.001]
    assert 50 < len(shown) < 90  # half of the images, and two of three windows around it
    assert 15 < len(decoys) < 50  # of a decoy, only those that came from the other image are to be told from the ground
    for item in shown:
        x1, y1, x2, y2 = item.boxes_xyxy[0].round().int().tolist()
        assert item.image[0, y1:y2, x1:x2].mean() > 0.8
        assert max(x2 - x1, y2 - y1) <= 26  # 40 px of 100 seen at 64
        assert item.defect == 1.0
        assert item.labels.tolist() == [1]
    for item in items(0.0):  # whole images show the same pasted defects squeezed
        assert item.boxes_lost == 0
        assert item.image.shape[1:] == CONFIG.target_hw((300, 400))
        for x1, y1, x2, y2 in item.boxes_xyxy.tolist():
            assert (x2 - x1, y2 - y1) == pytest.approx((40 * 64 / 400, 40 * 64 / 300), abs=0.01)


def test_an_unboxed_defect_is_shown_whole(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    sample = make_sample(1, (), (300, 400), status="unboxed")
    Image.fromarray(np.zeros((300, 400), dtype=np.uint8)).save(tmp_path / "1.png")
    config = replace(CONFIG, augment=AugmentConfig(geometry="none"), slices=SliceConfig(100, 64, share=1))
    item = DefectDataset([sample], tmp_path, config, Augmentation(config.augment))[0, 0]
    assert (item.defect, item.unboxed, item.image.shape[1:]) == (1.0, True, config.target_hw((300, 400)))


@pytest.mark.parametrize("size_hw", [(300, 420), (40, 900)])
def test_a_detector_trains_on_windows_and_predicts_by_slices(
    tmp_path: Path, make_sample: Callable[..., Sample], size_hw: tuple[int, int]
) -> None:
    rng, folder, samples = np.random.default_rng(0), tmp_path / "data", []
    (folder / "images").mkdir(parents=True)
    for i in range(1, 13):
        pixels = rng.integers(40, 90, size_hw, dtype=np.uint8)
        boxes = [(200, 10, 212, 22)] if i % 2 else []
        pixels[10:22, 200:212] = 255 if boxes else 60
        Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
        samples.append(make_sample(i, boxes, size_hw))
    ids = tuple(range(1, 13))
    splits = Splits(0, "none", ids[:8], ids[8:10], ids[10:])
    write_dataset(folder, Dataset(tuple(samples), ("defect",), folder / "images", splits))
    settings = detect.Settings(
        model=detect.DetectorConfig(backbone="simple_cnn", weights="none", frozen_to_stride=0, fpn_channels=16),
        input=CONFIG,
        fit=FitConfig(steps=2, epoch_steps=2, batch_size=4, warmup_steps=1, mixed_precision="no"),
    )
    run = detect.train(read_dataset(folder), settings, tmp_path / "run")
    again = detect.load(run.folder).predict(read_dataset(folder))
    written = read_predictions(run.predictions("test")).predictions
    for one, other in zip(again, written, strict=True):
        assert one.size_hw == size_hw
        assert 0 < len(one.boxes_xyxy) <= 100
        np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=0.02)


def test_training_boxes_are_as_large_as_a_look_shows_them(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    """100 x 8 px in an image of 1,000 px a side, seen at 64; windows of 100 px seen at 100, of 200 at 100 and so on.

    The other image, of 100 px, is shown whole at .64 and in windows of 100 px.
    """
    samples = (make_sample(1, [[10, 10, 110, 18]], (1000, 1000)), make_sample(2, [[0, 0, 50, 50]], (100, 100)))
    data = Dataset(samples, ("defect",), tmp_path, Splits(0, "none", (1, 2), (), ()))
    experiment = Experiment("detect", tmp_path, tmp_path, data, tmp_path)
    config = InputConfig(max_pixels=64 * 64, slices=SliceConfig(100, 100))
    boxes_hw = training_boxes(experiment, config)
    expected = [[[0.512, 6.4], [32, 32]], *([[8 / f, 100 / f], [50, 50]] for f in (1, 2, 4, 8))]
    np.testing.assert_allclose(boxes_hw, expected)
    assert training_boxes(experiment, InputConfig(max_pixels=64 * 64)).shape == (1, 2, 2)
