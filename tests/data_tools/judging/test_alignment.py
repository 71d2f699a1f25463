"""Whatever set is given, of the split, of validation or of proposals: it is of these images, or refused."""

from dataclasses import replace

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Prediction, Splits
from data_tools.judging.judge_predictions import evaluate


@pytest.fixture
def data(make_sample) -> Dataset:
    """Images 1 to 4 for validation and 5 to 8 for the test, every second with a box."""
    samples = [make_sample(i, [(10 * i, 10, 10 * i + 9, 30)] if i % 2 else []) for i in range(1, 9)]
    return Dataset(tuple(samples), ("defect",), None, Splits(0, "", (), (1, 2, 3, 4), (5, 6, 7, 8)))


def right(data: Dataset, split: str, make_prediction) -> list[Prediction]:
    return [
        make_prediction(s.image_id, s.is_defect + 0.1, s.boxes_xyxy, [0.9] * len(s.boxes_xyxy))
        for s in data.split(split)
    ]


@pytest.mark.parametrize("shifted", ["predictions", "validation", "proposals"])
def test_names_of_other_images_are_refused_in_every_set(data: Dataset, make_prediction, shifted: str) -> None:
    sets = {"predictions": "test", "validation": "val", "proposals": "test"}
    given = {name: right(data, split, make_prediction) for name, split in sets.items()}
    evaluate(data, {"a": given["predictions"]}, validation={"a": given["validation"]}, resamples=100)
    names = [p.file_name for p in given[shifted]]
    given[shifted] = [replace(p, file_name=n) for p, n in zip(given[shifted], [*names[1:], names[0]], strict=True)]
    with pytest.raises(InputError, match=r"image \d is \d\.png in the predictions, but \d\.png in the dataset"):
        evaluate(
            data,
            {"a": given["predictions"]},
            validation={"a": given["validation"]},
            proposals={"a": given["proposals"]},
            resamples=100,
        )


def test_classes_beyond_the_datas_and_other_sizes_are_refused(data: Dataset, make_prediction) -> None:
    first, *rest = right(data, "test", make_prediction)
    with pytest.raises(InputError, match=r"a box of class 2, but the dataset has the classes 1\.\.1"):
        evaluate(data, {"a": [replace(first, box_labels=np.array([2])), *rest]}, resamples=100)
    with pytest.raises(InputError, match=r"5\.png\) has another size than in the dataset: 101 x 100"):
        evaluate(data, {"a": [replace(first, size_hw=(100, 101)), *rest]}, resamples=100)


def test_what_looks_odd_is_said_with_the_runs_name(
    data: Dataset, make_prediction, caplog: pytest.LogCaptureFixture
) -> None:
    """Boxes in shares of a 100-pixel image are valid boxes of its first pixel."""
    shares = [
        replace(p, boxes_xyxy=p.boxes_xyxy / 100, peak_xy=(0.5, 0.2) if len(p.boxes_xyxy) else None)
        for p in right(data, "test", make_prediction)
    ]
    validation = [replace(p, boxes_xyxy=p.boxes_xyxy[:, [1, 0, 3, 2]]) for p in right(data, "val", make_prediction)]
    report = evaluate(data, {"mine": shares}, validation={"mine": validation}, resamples=100)
    first, second = report.judged["mine"].remarks
    assert "warning: mine: all boxes lie within the first pixel (up to 0.79): shares of the image" in caplog.text
    assert first.startswith("all boxes")
    assert second == "on validation: the boxes fit 0 of 2 images with boxes, but 2 if they are x and y swapped"


def test_only_what_is_wrong_is_counted_and_a_list_cut_short_says_so(data: Dataset, make_prediction) -> None:
    test = right(data, "test", make_prediction)
    foreign = [replace(test[0], image_id=100 + i) for i in range(7)]
    with pytest.raises(InputError) as caught:
        evaluate(data, {"a": [*test, *foreign]}, resamples=100)
    assert "a: 7 predictions fit no image of the split (ids 100, 101, 102, 103, 104 and 2 more). Are" in str(
        caught.value
    )
    with pytest.raises(InputError, match=r"a: 1 images of the split have no prediction \(ids 5\)\. Are"):
        evaluate(data, {"a": test[1:]}, resamples=100)
    with pytest.raises(InputError, match=r"no prediction \(ids 5\), and 7 predictions fit no image of it \(ids 100"):
        evaluate(data, {"a": [*test[1:], *foreign]}, resamples=100)
