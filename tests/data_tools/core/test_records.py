import numpy as np
import pytest

from data_tools.core.records import Dataset, Prediction, Sample, Splits, empty_boxes, empty_labels


def make_sample(**changes: object) -> Sample:
    values: dict = dict(
        image_id=1,
        path="a.png",
        size_hw=(267, 275),
        boxes_xyxy=np.array([[1, 2, 3, 4]]),
        labels=np.array([1]),
        status="boxed",
        group="g",
        type="scratch",
    )
    return Sample(**(values | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"image_id": 0},
        {"path": ""},
        {"size_hw": (0, 5)},
        {"boxes_xyxy": np.array([[1, 2, 1, 4]])},
        {"boxes_xyxy": np.array([[3, 2, 1, 4]])},
        {"boxes_xyxy": np.array([[0, 0, 276, 4]])},
        {"boxes_xyxy": np.array([[-1, 0, 6, 4]])},
        {"boxes_xyxy": np.array([[0, 0, np.nan, 4]])},
        {"labels": np.array([0])},
        {"labels": np.array([1, 1])},
        {"status": "good"},
        {"status": "unboxed"},
        {"status": "fine"},
        {"type": "good"},
        {"boxes_xyxy": empty_boxes(), "labels": empty_labels()},
    ],
)
def test_a_sample_that_breaks_a_rule_cannot_exist(changes: dict) -> None:
    make_sample()
    with pytest.raises(ValueError):
        make_sample(**changes)


def test_arrays_are_copies_and_read_only() -> None:
    boxes = np.array([[1.0, 2, 3, 4]])
    sample = make_sample(boxes_xyxy=boxes)
    boxes[0, 0] = 2
    assert sample.boxes_xyxy[0, 0] == 1
    with pytest.raises(ValueError):
        sample.boxes_xyxy[0, 0] = 5


def test_an_id_in_two_splits_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Splits(0, "none", (1, 2), (2,), ())


def test_splits_must_name_known_images() -> None:
    with pytest.raises(ValueError, match="unknown"):
        Dataset((make_sample(),), ("defect",), None, Splits(0, "none", (1,), (), (7,)))


def test_a_dataset_without_splits_says_so() -> None:
    dataset = Dataset((make_sample(),), ("defect",))
    assert dataset.split("all") == dataset.samples
    with pytest.raises(ValueError, match="no splits"):
        dataset.split("test")


@pytest.mark.parametrize(
    "changes", [{"score": np.nan}, {"peak_xy": (300.0, 1.0)}, {"peak_xy": (np.nan, 1.0)}, {"box_labels": np.array([0])}]
)
def test_a_prediction_that_breaks_a_rule_cannot_exist(changes: dict) -> None:
    values: dict = dict(
        image_id=1,
        file_name="a",
        size_hw=(267, 275),
        score=0.5,
        boxes_xyxy=np.array([[1, 2, 3, 4]]),
        box_scores=np.array([0.5]),
        box_labels=np.array([1]),
        peak_xy=(2.0, 3.0),
    )
    Prediction(**values)
    with pytest.raises(ValueError):
        Prediction(**(values | changes))


def test_of_many_boxes_the_wrong_one_is_named() -> None:
    boxes = np.array([[1, 2, 3, 4], [5, 6, 700, 8], [9, 9, 10, 10]])
    with pytest.raises(ValueError, match=r"outside the 275 x 267 image: \[5\.0, 6\.0, 700\.0, 8\.0\], place 2 of 3$"):
        make_sample(boxes_xyxy=boxes, labels=np.ones(3, dtype=int))
