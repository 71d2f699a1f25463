from dataclasses import replace

import numpy as np
import pytest

from data_tools.core.agreement import names_agree, require_of_dataset, require_same_names
from data_tools.core.errors import InputError
from data_tools.core.records import PredictionHeader, PredictionSet


@pytest.mark.parametrize(
    ("said", "path", "agree"),
    [
        ("a.png", "a.png", True),
        ("a.png", "lot/a.png", True),
        ("/home/x/lot/a.png", "lot/a.png", True),
        ("lot\\A.PNG", "lot/a.png", True),
        ("./a.jpg", "a.png", True),
        ("a\u0308.png", "\u00e4.png", True),
        ("ba.png", "a.png", False),
        ("other/a.png", "lot/a.png", False),
        ("a.1", "a.2", False),
        ("0003.png", "0007.png", False),
    ],
)
def test_names_of_one_image(said: str, path: str, agree: bool) -> None:
    assert names_agree(said, path) == agree


def test_the_first_disagreement_is_named_with_the_owner_of_the_name() -> None:
    paths = {1: "a.png", 2: "b.png", 3: "c.png"}
    require_same_names([(1, "x/a.png"), (3, "c.png"), (9, "q.png")], paths, "p.jsonl", "the dataset")
    with pytest.raises(InputError, match=r"p.jsonl: image 2 is c.png in the predictions, but b.png .* is image 3"):
        require_same_names([(1, "a.png"), (2, "c.png"), (3, "b.png")], paths, "p.jsonl", "the dataset")


def test_a_name_that_is_exactly_anothers_does_not_pass_for_a_shorter_one() -> None:
    """By its end x/a.png could be image 1, but it is the whole name of image 2."""
    with pytest.raises(InputError, match=r"where x/a\.png is image 2"):
        require_same_names([(1, "x/a.png")], {1: "a.png", 2: "x/a.png"}, "p", "the dataset")


def test_predictions_are_of_the_datasets_images_sizes_and_classes(make_sample, make_prediction) -> None:
    samples = [make_sample(1, [(1, 1, 5, 5)]), make_sample(2)]
    one = make_prediction(1, 0.5, [(1, 1, 5, 5)], [0.5])
    require_of_dataset(PredictionSet(PredictionHeader("p"), (one,)), samples, 1, "p")
    for wrong, words in (
        (make_prediction(7), "image 7 .* is not in the dataset"),
        (make_prediction(2, size_hw=(100, 90)), "another size than in the dataset: 90 x 100 instead of 100 x 100"),
        (replace(one, box_labels=np.array([2])), "a box of class 2, but the dataset has the classes 1..1"),
    ):
        with pytest.raises(InputError, match=words):
            require_of_dataset(PredictionSet(PredictionHeader("p"), (wrong,)), samples, 1, "p")
