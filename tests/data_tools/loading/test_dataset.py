import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.records import UNBOXED, Sample
from data_tools.files.dataset_folder import read_dataset
from data_tools.loading.batch import Item, collate
from data_tools.loading.copy_paste import PasteConfig, Paster
from data_tools.loading.dataset import DefectDataset
from data_tools.loading.input_config import InputConfig
from data_tools.loading.pixels import standardized
from data_tools.loading.transforms import Augmentation, AugmentConfig, PreprocessConfig


@pytest.mark.parametrize(
    ("config", "size_hw", "seen_hw"),
    [
        (InputConfig(), (267, 275), (267, 275)),
        (InputConfig(size_hw=(64, 32)), (267, 275), (64, 32)),
        (InputConfig(max_pixels=10_000), (100, 100), (100, 100)),
        (InputConfig(max_pixels=51_000), (267, 275), (224, 224)),
        (InputConfig(max_pixels=51_000), (227, 616), (128, 384)),
        (InputConfig(max_pixels=10_000, preprocess=PreprocessConfig(crop_px=50)), (200, 500), (64, 192)),
        (InputConfig(max_pixels=1_000), (5_000, 20), (512, 32)),
        (InputConfig(preprocess=PreprocessConfig(crop_px=20)), (100, 90), (60, 50)),
        (InputConfig(size_hw=(224, 224), scale=1.3), (267, 275), (288, 288)),
        (InputConfig(max_pixels=51_000, scale=0.5), (227, 616), (64, 192)),
        (InputConfig(scale=2.0), (100, 20), (192, 32)),
    ],
)
def test_the_size_at_which_an_image_is_seen(
    config: InputConfig, size_hw: tuple[int, int], seen_hw: tuple[int, int]
) -> None:
    assert config.target_hw(size_hw) == seen_hw


def test_a_scale_that_leaves_nothing_is_refused() -> None:
    for scale in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"input\.scale"):
            InputConfig(scale=scale)


def test_standardized_by_hand() -> None:
    halves = np.array([[0.2, 0.2, 0.4, 0.4]], np.float32)  # mean 0.3, standard deviation 0.1
    assert standardized(halves).flatten().tolist() == pytest.approx([0.25, 0.25, 0.65, 0.65])
    assert standardized(np.full((3, 4), 0.9, np.float32)).flatten().tolist() == pytest.approx([0.45] * 12)
    faint = np.array([[0.5, 0.501]], np.float32)
    assert standardized(faint).flatten().tolist() == pytest.approx([0.445, 0.455], abs=1e-5)  # ten times the contrast


def test_standardized_images_do_not_show_the_light(make_sample: Callable[..., Sample], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    surface = rng.integers(0, 100, (20, 20)).astype(np.uint8)
    for i, image in enumerate((surface, 2 * surface + 30), start=1):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    samples = [make_sample(i, size_hw=(20, 20)) for i in (1, 2)]

    def images(config: InputConfig) -> list[torch.Tensor]:
        return [DefectDataset(samples, tmp_path, config)[0, i].image for i in (0, 1)]

    dark, bright = images(InputConfig(standardize=True))
    assert torch.allclose(dark, bright, atol=1e-5)
    assert not torch.allclose(*images(InputConfig()), atol=0.1)


def test_windows_are_as_many_as_asked_for(make_sample: Callable[..., Sample], tmp_path: Path) -> None:
    samples = [make_sample(1), make_sample(2, [(30, 30, 40, 40)]), make_sample(3, status=UNBOXED)]
    for sample in samples:
        Image.fromarray(np.zeros((100, 100), dtype=np.uint8)).save(tmp_path / sample.path)

    def items(share: float, index: int) -> list[Item]:
        augment = AugmentConfig("hflip", photometry=0, zoom=0.5, zoom_share=share)
        data = DefectDataset(samples, tmp_path, InputConfig((50, 50), augment=augment), Augmentation(augment))
        return [data[epoch, index] for epoch in range(60)]

    for index in (0, 1):
        assert all(item.whole for item in items(0.0, index))
        assert not any(item.whole for item in items(1.0, index))
        assert 15 < sum(item.whole for item in items(0.5, index)) < 45
    assert all(item.whole for item in items(1.0, 2))  # where the defect lies is not known
    kinds = {(item.whole, item.type) for index in range(3) for item in items(0.5, index)}
    assert kinds == {(True, "good"), (True, "scratch"), (False, "")}
    sides = {item.whole: np.ptp(item.boxes_xyxy.reshape(2, 2).numpy(), axis=0) for item in items(0.5, 1)}
    assert np.allclose(sides[True], 5)  # of 10 in an image twice as large
    assert (sides[False] != sides[True]).any()


def test_the_type_of_an_image_with_a_pasted_defect_is_not_known(
    make_sample: Callable[..., Sample], tmp_path: Path
) -> None:
    samples = [make_sample(1), make_sample(2, [(30, 30, 40, 40)])]
    for sample in samples:
        Image.fromarray(np.zeros((100, 100), dtype=np.uint8)).save(tmp_path / sample.path)
    for share, wanted in ((1.0, ["", "scratch"]), (0.0, ["good", "scratch"])):  # the rest are decoys
        paster = Paster(samples, PasteConfig(share, decoy_share=1.0, jitter=1.0))
        data = DefectDataset(samples, tmp_path, paster=paster)
        assert list(collate([data[0, i] for i in (0, 1)]).types) == wanted


def test_a_share_of_windows_beyond_all_is_refused() -> None:
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match=r"input\.augment\.zoom_share"):
            AugmentConfig(zoom_share=share)


def test_a_loader_s_process_may_be_started_anew(squares: Path) -> None:
    """Where processes are not forked, as on Linux from Python 3.14 on, they are sent the dataset."""
    data = read_dataset(squares)
    assert data.images_root is not None
    dataset = DefectDataset(data.split("train"), data.images_root, InputConfig())
    sent = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(sent[0, 0].image, dataset[0, 0].image)
