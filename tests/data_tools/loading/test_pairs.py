"""What the networks see of an image and its template: one place, one size, whatever is shown of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample
from data_tools.files.templates import PairReader, Templates
from data_tools.loading.batch import collate
from data_tools.loading.copy_paste import PasteConfig, Paster
from data_tools.loading.dataset import DefectDataset
from data_tools.loading.image_inputs import reader_of
from data_tools.loading.input_config import InputConfig, SliceConfig
from data_tools.loading.pairs import chunks_with_templates, for_both, given_templates, paired, template_reader
from data_tools.loading.pixels import seen_planes
from data_tools.loading.transforms import Augmentation, AugmentConfig, PreprocessConfig
from data_tools.runtime.batches import batches_of

Gray = NDArray[np.uint8]
PAIRED = InputConfig(reference="paired")
SIDE = 96


@dataclass(frozen=True)
class Model:
    """What a model has of templates."""

    input: InputConfig
    templates: Templates | None = None

    def compared_with(self, templates: Templates) -> "Model":
        """The same with templates."""
        return replace(self, templates=templates)


def surface(seed: int) -> Gray:
    """Of its own: patches of gray, no two pictures alike."""
    coarse = np.random.default_rng(seed).integers(40, 200, (8, 8), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


@pytest.fixture
def pairs(tmp_path: Path, make_sample: Callable[..., Sample]) -> tuple[list[Sample], PairReader]:
    """Five surfaces, each as its template shows it; the first and the last have a bright square."""
    for folder in ("images", "templates"):
        (tmp_path / folder).mkdir()
    samples = []
    for number in range(1, 6):
        image = surface(number).copy()
        boxes = [(40, 52, 52, 64)] if number in (1, 5) else []
        if boxes:
            image[52:64, 40:52] = 255
        Image.fromarray(image).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(surface(number)).save(tmp_path / "templates" / f"{number}.bmp")
        samples.append(make_sample(number, boxes, (SIDE, SIDE)))
    templates = Templates(tmp_path / "templates")
    return samples, PairReader(reader_of(tmp_path / "images"), templates.read)


def away(boxes: NDArray[np.float64], size_hw: tuple[int, int], margin: int) -> NDArray[np.bool_]:
    outside = np.ones(size_hw, bool)
    for x1, y1, x2, y2 in np.asarray(boxes).round().astype(int).tolist():
        outside[max(y1 - margin, 0) : y2 + margin, max(x1 - margin, 0) : x2 + margin] = False
    return outside


def test_a_good_image_differs_nowhere_and_a_defect_where_it_is(pairs: tuple[list[Sample], PairReader]) -> None:
    data = DefectDataset(*pairs)
    for index in range(5):
        item = data[0, index]
        assert item.image.shape == (2, SIDE, SIDE)
        assert (item.image[1, 53:63, 41:51] == 1).all() == (index in (0, 4))
        assert not item.image[1].numpy()[away(item.boxes_xyxy.numpy(), (SIDE, SIDE), 1)].round(decimals=1).any()
    assert collate([data[0, 0], data[0, 1]]).images.shape == (2, 4, SIDE, SIDE)


@pytest.mark.parametrize(
    "config",
    [
        InputConfig(size_hw=(64, 80), augment=AugmentConfig("hflip"), preprocess=PreprocessConfig(crop_px=8)),
        InputConfig(augment=AugmentConfig("d4", photometry=1.0)),
        InputConfig(augment=AugmentConfig("flips", photometry=0, zoom=0.5, zoom_share=0.9)),
        InputConfig(slices=SliceConfig(side_px=48, seen_px=64, share=0.9), augment=AugmentConfig("d4", photometry=1.0)),
    ],
)
def test_whatever_is_shown_the_difference_is_of_that_place(
    pairs: tuple[list[Sample], PairReader], config: InputConfig
) -> None:
    data = DefectDataset(*pairs, config, Augmentation(config.augment))
    seen = 0
    for epoch in range(6):
        for index in range(5):
            item = data[epoch, index]
            boxes, difference = item.boxes_xyxy.numpy(), item.image[1].numpy()
            for x1, y1, x2, y2 in boxes.round().astype(int).tolist():
                if min(x2 - x1, y2 - y1) >= 6:
                    seen += 1
                    assert difference[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].min() > 0.5
            outside = away(boxes, difference.shape, 3)
            assert np.abs(difference[outside]).mean() < 0.05
    assert seen >= 6


def test_a_pasted_defect_is_in_the_image_and_not_in_the_template(pairs: tuple[list[Sample], PairReader]) -> None:
    samples, read = pairs
    config = InputConfig(augment=AugmentConfig("hflip", photometry=0))
    paster = Paster(samples, PasteConfig(1.0, jitter=1.0))
    data = DefectDataset(samples, read, config, Augmentation(config.augment), paster=paster)
    pasted = [data[epoch, index] for epoch in range(4) for index in (1, 2, 3)]
    assert sum(len(item.boxes_xyxy) for item in pasted) >= 10
    for item in pasted:
        for x1, y1, x2, y2 in item.boxes_xyxy.round().int().tolist():
            assert item.image[1, y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].mean() > 0.8
        assert np.abs(item.image[1].numpy()[away(item.boxes_xyxy.numpy(), (SIDE, SIDE), 16)]).mean() < 0.05


@pytest.mark.parametrize("config", [PAIRED, InputConfig(size_hw=(64, 80), reference="paired", standardize=True)])
def test_without_torch_the_same_is_seen(pairs: tuple[list[Sample], PairReader], config: InputConfig) -> None:
    samples, read = pairs
    data = DefectDataset(samples, read, config)
    (places, batch), *_ = batches_of(samples, read, config, 8, "")
    for place, planes in zip(places, batch.images, strict=True):
        assert np.array_equal(data[0, place].image.numpy(), planes)
        assert np.array_equal(np.stack(seen_planes(samples[place], read, config, None)), planes)


def test_a_reader_changes_both(pairs: tuple[list[Sample], PairReader]) -> None:
    samples, read = pairs
    halved = for_both(lambda one: lambda sample: one(sample)[::2], read)
    template = template_reader(halved)
    assert template is not None
    assert (halved(samples[0]) == read(samples[0])[::2]).all()
    assert (template(samples[0]) == surface(1)[::2]).all()
    alone = for_both(lambda one: lambda sample: one(sample)[::2], read.image)
    assert template_reader(alone) is None


def test_who_needs_templates_is_told_and_who_does_not_too(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    with_folder = given_templates(Model(PAIRED), folder, "runs/d")
    assert with_folder.templates == Templates(folder)
    alone = Model(InputConfig())
    assert given_templates(alone, None, "runs/d") is alone
    with pytest.raises(InputError, match=r"runs/d: it compares each image .*; give their folder with --reference"):
        given_templates(Model(PAIRED), None, "runs/d")
    with pytest.raises(InputError, match=r"runs/d was trained without templates; leave it out"):
        given_templates(Model(InputConfig()), folder, "runs/d")
    assert paired(tmp_path, InputConfig(), None) == tmp_path
    with pytest.raises(InputError, match=r"no templates, .* load it with reference=FOLDER"):
        paired(tmp_path, PAIRED, None)
    data = Dataset((make_sample(1),), ("defect",), tmp_path, None)
    with pytest.raises(InputError, match="1 of the 1 images have no template"):
        list(chunks_with_templates(data, "all", Templates(folder)))
    with pytest.raises(InputError, match="no splits"):
        list(chunks_with_templates(data, "test", Templates(folder)))
    for path in (tmp_path / "a.png", folder / "1.png"):
        Image.new("L", (100, 100)).save(path)
    with pytest.raises(InputError, match=r"a\.png: no template below"):
        list(chunks_with_templates([tmp_path / "a.png"], "test", Templates(folder)))
    with pytest.raises(InputError, match=r"1\.png: .* is the image itself"):
        list(chunks_with_templates(folder / "1.png", "test", Templates(folder)))


def test_a_template_in_the_working_folder_is_not_the_image(
    tmp_path: Path, make_sample: Callable[..., Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (100, 100), 9).save(tmp_path / "1.png")
    monkeypatch.chdir(tmp_path)
    assert Templates(Path(".")).read(make_sample(1)).mean() == 9
