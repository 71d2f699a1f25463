from dataclasses import replace

import numpy as np
import pytest

from data_tools.auditing.doctor import examine
from data_tools.auditing.findings import NOTE, UNSAFE, WARNING
from data_tools.core.anchors import AnchorConfig
from data_tools.core.errors import InputError
from data_tools.core.records import UNBOXED, Dataset, Splits
from data_tools.files.image_facts import ImageFact

SQUARES = AnchorConfig((2.0,), (1.0,))  # 8, 16, 32, 64 and 128 px
ALL_SHAPES = AnchorConfig((2.0, 2.83), (1 / 23, 1.0))  # the line of 98 x 4 pixels, too
FACT = ImageFact((100, 100), "L", 8, "PNG", 999, 90.0, 20.0, 80.0, np.zeros(256, dtype=np.float32))


@pytest.fixture
def dataset(make_sample) -> Dataset:
    """Twelve images, each split with two good ones, a boxed one and an unboxed one; the test split's box is long."""
    boxes = {3: [(0, 10, 16, 26)], 7: [(50, 50, 82, 82), (40, 40, 48, 48)], 11: [(1, 30, 99, 34)]}
    samples = [
        make_sample(i, boxes.get(i, ()), status=UNBOXED if i % 4 == 0 else None, group=f"g{(i + 1) // 2}")
        for i in range(1, 13)
    ]
    splits = Splits(0, "lot", tuple(range(1, 5)), tuple(range(5, 9)), tuple(range(9, 13)))
    return Dataset(tuple(samples), ("defect",), None, splits)


def facts_of(dataset: Dataset, **changes: object) -> dict[int, ImageFact | InputError]:
    """Those of whole images; `i5=...` replaces the fact of image 5."""
    facts: dict[int, ImageFact | InputError] = {s.image_id: FACT for s in dataset.samples}
    return facts | {int(name[1:]): fact for name, fact in changes.items()}  # type: ignore[dict-item]


def texts(dataset: Dataset, level: str, **changes: object) -> list[str]:
    _, findings = examine(dataset, facts_of(dataset, **changes), ALL_SHAPES)
    return [finding.text for finding in findings if finding.level == level]


def test_counts_by_hand(dataset: Dataset) -> None:
    checkup, findings = examine(dataset, facts_of(dataset), SQUARES)
    assert (checkup.n_images, checkup.n_boxes, checkup.n_groups, checkup.largest_group) == (12, 4, 6, 2)
    assert checkup.by_status == {"good": 6, "boxed": 3, "unboxed": 3}
    assert checkup.by_split == {name: {"good": 2, "boxed": 1, "unboxed": 1} for name in ("train", "val", "test")}
    assert (checkup.sizes, checkup.formats) == ({"100 x 100": 12}, {"PNG L 8 bit": 12})
    assert checkup.at_border == 1
    assert checkup.unreached == 1 / 4  # the squares are there exactly, the line of 98 x 4 pixels is not
    assert [f.image_ids for f in findings] == [(11,)]
    assert "no anchor reaches 25.0% of the boxes" in findings[0].text


def test_distributions_by_hand(dataset: Dataset) -> None:
    height, width, aspect, share = examine(dataset, None, SQUARES)[0].boxes
    assert (height.smallest, height.quartiles, height.largest) == (4, (7, 12, 20), 32)
    assert (width.smallest, width.largest, aspect.smallest, aspect.largest) == (8, 98, 4 / 98, 1)
    assert (share.smallest, share.largest) == (64 / 1e4, 1024 / 1e4)
    for one in (height, width, aspect, share):
        assert sum(one.counts) == 4
        assert len(one.edges) == len(one.counts) + 1


@pytest.mark.parametrize(("crop_px", "cut"), [(None, None), (100, 0), (99, 1), (64, 2), (20, 3), (200, 0)])
def test_what_a_central_crop_would_cut(dataset: Dataset, crop_px: int | None, cut: int | None) -> None:
    """100 - 64 leaves margins of 18: the box at the left and the line are cut, those within 40..82 px are not."""
    checkup, findings = examine(dataset, None, AnchorConfig(), crop_px)
    assert checkup.cut_by_crop == cut
    assert any("central crop" in f.text for f in findings) == bool(cut)


def test_a_set_without_boxes_has_no_box_figures(make_sample) -> None:
    checkup, _ = examine(Dataset((make_sample(1),), ("defect",), None, None), None, AnchorConfig(), 50)
    assert (checkup.n_boxes, checkup.boxes, checkup.unreached, checkup.cut_by_crop) == (0, (), None, 0)


def test_boxes_that_were_hardly_drawn_around_defects(make_sample) -> None:
    """Around 95 x 95 of 100 x 100 pixels in one of four boxes, or the very same in five images of twenty."""

    def told(*boxes: tuple[int, int, int, int]) -> list[str]:
        samples = tuple(make_sample(i, [box]) for i, box in enumerate(boxes, start=1))
        _, findings = examine(Dataset(samples, ("defect",), None, None), None, AnchorConfig())
        return [finding.text for finding in findings if "boxes" in finding.text and "anchor" not in finding.text]

    own = [(i, i, i + 9, i + 20) for i in range(16)]
    assert told((0, 0, 95, 95), *own[:3])[0].startswith("1 boxes cover 90% of their images and more")
    assert told((0, 0, 95, 95), *own[:4]) == []
    copied = told(*own[:15], *[(40, 40, 60, 60)] * 5)
    assert copied == [
        "5 of 20 images with boxes have the very same one, 40, 40, 60, 60: an area where one looks, or a copy?"
    ]
    assert told(*own, *[(40, 40, 60, 60)] * 5) == []


def test_what_was_not_checked_is_a_note(dataset: Dataset) -> None:
    assert [f.level for f in examine(dataset, None, ALL_SHAPES)[1]] == [NOTE]
    assert [f.level for f in examine(dataset, facts_of(dataset), ALL_SHAPES)[1]] == []


def test_images_that_cannot_be_read_or_are_of_another_size(dataset: Dataset) -> None:
    broken, turned = InputError("x.png: cut off"), replace(FACT, size_hw=(90, 100))
    assert texts(dataset, UNSAFE, i5=broken, i6=turned) == [
        "1 images are not readable; the first: x.png: cut off",
        "1 images are not of the annotated size, so their boxes lie elsewhere; the first: 6.png is 90 x 100 "
        "(height x width), annotated as 100 x 100",
    ]


def test_mixed_depths_and_images_that_show_nothing(dataset: Dataset) -> None:
    found = texts(dataset, WARNING, i5=replace(FACT, bits=16), i6=replace(FACT, spread=0.5))
    assert "bit depths are mixed: 11 of 8 bit, 1 of 16 bit" in found[0]
    assert "1 images show nothing" in found[1]


def test_splits_in_which_nothing_can_be_learned_or_measured(dataset: Dataset) -> None:
    def split(train: tuple[int, ...], val: tuple[int, ...], test: tuple[int, ...]) -> Dataset:
        return replace(dataset, splits=Splits(0, "lot", train, val, test))

    assert texts(replace(dataset, splits=None), WARNING) == ["there is no splits.json, so nothing can be trained yet"]
    assert texts(split((1, 3), (), (5, 7)), UNSAFE) == ["the val split is empty"]
    assert texts(split((1, 3), (5, 7), ()), NOTE) == ["the test split is empty"]
    assert texts(split((1, 2), (5, 7), (9, 11)), UNSAFE)[0].startswith("the train split has no defects")
    assert texts(split((1, 3), (7, 8), (9, 11)), UNSAFE)[0].startswith("the val split has no good images")
    assert texts(split((1, 3), (5, 7), (9, 12)), WARNING)[0].startswith("the test split has no boxed image")
    assert texts(split((1, 3), (5, 7), (9, 11)), WARNING) == ["6 images are in no split"]


def test_boxes_alone_are_enough_to_train(dataset: Dataset) -> None:
    splits = Splits(0, "lot", (3, 4), (7, 8), (11, 12))
    boxed = replace(dataset, samples=tuple(s for s in dataset.samples if s.is_defect), splits=splits)
    assert texts(boxed, UNSAFE) == []
    assert texts(boxed, WARNING)[0].startswith("there are no good images: boxes alone are enough for detect.train")
    unboxed = tuple(s for s in dataset.samples if s.status == UNBOXED)
    nothing = replace(dataset, samples=unboxed, splits=Splits(0, "lot", (4,), (8,), (12,)))
    assert len(texts(nothing, UNSAFE)) == 3


def test_16_bits_that_are_little_used_are_no_failed_exposures(dataset: Dataset) -> None:
    dim = replace(FACT, bits=16, mean=6.0, spread=0.5)
    found = texts(dataset, WARNING, **{f"i{number}": dim for number in range(1, 13)})
    assert any("12 images of 16 bits use few of them" in text for text in found)
    assert not any("show nothing" in text for text in found)


def test_one_dark_image_among_bright_ones_of_16_bits_shows_nothing(dataset: Dataset) -> None:
    bright, dark = replace(FACT, bits=16), replace(FACT, bits=16, mean=6.0, spread=0.5)
    found = texts(dataset, WARNING, **{f"i{number}": bright for number in range(2, 13)}, i1=dark)
    assert any("1 images show nothing" in text for text in found)
    assert not any("use few" in text for text in found)
