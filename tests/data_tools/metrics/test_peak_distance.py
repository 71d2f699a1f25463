import numpy as np
import pytest

from data_tools.metrics.peak_distance import (
    centre_peaks,
    distance_recall,
    distance_recall_area,
    mean_position_peaks,
    peak_distances,
    random_peaks,
    summarise,
)

BOX = (40, 40, 60, 60)


@pytest.mark.parametrize(
    ("peak", "to_box", "to_centre"),
    [((50, 50), 0, 0), ((70, 50), 10, 20), ((63, 64), 5, 19.105), ((60, 60), 0, 14.142)],
)
def test_one_box_by_hand(make_sample, peak, to_box, to_centre) -> None:
    found = peak_distances([make_sample(boxes=[BOX])], [peak])
    assert found.to_box[0] == pytest.approx(to_box)
    assert found.to_centre[0] == pytest.approx(to_centre, abs=1e-3)


def test_the_nearest_of_two_boxes_counts(make_sample) -> None:
    sample = make_sample(boxes=[BOX, (100, 100, 120, 120)], size_hw=(267, 275))
    found = peak_distances([sample], [(90, 90)])
    assert found.to_box[0] == pytest.approx(14.142, abs=1e-3)
    assert found.to_centre[0] == pytest.approx(28.284, abs=1e-3)
    assert found.of_diagonal[0] == pytest.approx(14.142 / 383.294, abs=1e-5)


def test_recall_and_area_by_hand() -> None:
    distances = np.array([0.0, 4.0, 12.0, 40.0])
    assert [distance_recall(distances, tau) for tau in (0, 5, 15, 20)] == [0.25, 0.5, 0.75, 0.75]
    assert distance_recall_area(distances, 20) == pytest.approx(0.55)
    assert distance_recall_area(np.array([0.0, 4.0, 12.0, np.inf]), 20) == pytest.approx(0.55)


def test_an_abstention_is_a_miss_and_invents_no_distance(make_sample) -> None:
    samples = [make_sample(1, [BOX]), make_sample(2, [BOX])]
    found = summarise(peak_distances(samples, [(70, 50), None]))
    assert (found["mean_px"], found["coverage"], found["n"]) == (10.0, 0.5, 2)
    assert (found["hit_rate"], found["hit_rate_10px"], found["hit_rate_15px"]) == (0.0, 0.5, 0.5)


def test_nothing_known_is_undefined(make_sample) -> None:
    found = summarise(peak_distances([make_sample(1, [BOX])], [None]))
    assert (found["mean_px"], found["median_px"], found["hit_rate"], found["coverage"]) == (None, None, 0.0, 0.0)
    assert summarise(peak_distances([], []))["hit_rate"] is None


def test_only_boxed_samples_have_a_distance(make_sample) -> None:
    with pytest.raises(ValueError, match="image 7"):
        peak_distances([make_sample(7)], [(1, 1)])


def test_baselines(make_sample) -> None:
    wide = make_sample(1, [(0, 0, 20, 10)], size_hw=(50, 200))
    assert centre_peaks([wide]) == [(100.0, 25.0)]
    training = [make_sample(2, [(0, 0, 20, 20)]), make_sample(3, [(80, 40, 100, 60)]), make_sample(4)]
    assert mean_position_peaks([wide], training)[0] == pytest.approx((100.0, 15.0))
    assert mean_position_peaks([wide], [make_sample(5)]) == [None]
    (x, y), again = random_peaks([wide], 3)[0], random_peaks([wide], 3)[0]  # type: ignore[misc]
    assert (x, y) == again
    assert 0 <= x <= 200
    assert 0 <= y <= 50
