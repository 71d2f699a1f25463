import pytest

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.metrics.operating_threshold import DEFECT, GOOD, Threshold, choose_threshold, threshold_from


def test_by_hand() -> None:
    """Fifty defects scored 0.50 to 0.99: 98 % are 49, so the second lowest; one of two good images reaches it."""
    scores = [0.50 + i / 100 for i in range(50)] + [0.505, 0.6]
    chosen = choose_threshold(scores, [True] * 50 + [False] * 2)
    assert (chosen.value, chosen.tpr, chosen.fpr) == (0.51, 0.98, 0.5)
    assert (chosen.n_defects, chosen.n_good) == (50, 2)
    assert [chosen.decide(score) for score in (0.51, 0.5099)] == [DEFECT, GOOD]


def test_without_defects_nothing_is_decided_and_without_good_images_something_is() -> None:
    none = choose_threshold([0.2, 0.3], [False, False])
    assert (none.value, none.decide(0.9)) == (None, None)
    assert "no defect images" in none.reason
    assert choose_threshold([], []).value is None
    boxes_alone = choose_threshold([0.4], [True])
    assert (boxes_alone.value, boxes_alone.fpr) == (0.4, None)


@pytest.mark.parametrize("one", [Threshold(0.25, "", 0.98, 0.5, 3, 4), Threshold(None, "why")])
def test_what_is_written_is_read_back(one: Threshold) -> None:
    assert threshold_from(Fields({"threshold": one.to_json()}, "m.json")) == one


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": float("nan")}, "'value'"),
        ({"value": None}, "'reason' must be text"),
        ({"tpr": 2}, "'tpr'"),
        ({"n_good": -1}, "'n_good'"),
    ],
)
def test_a_foreign_value_is_refused_with_its_key(change: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        threshold_from(Fields({"threshold": Threshold(0.5).to_json() | change}, "m.json"))
