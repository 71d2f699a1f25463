import numpy as np
import pytest

from data_tools.metrics.peak_distance import (
    centre_peaks,
    distance_recall,
    distance_recall_area,
    distance_recall_curve,
    mean_position_peaks,
    nearest_true_point,
    peak_distance,
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


def test_the_signed_offset_points_from_the_nearest_centre(make_sample) -> None:
    sample = make_sample(1, [BOX, (80, 80, 90, 90)])
    found = peak_distances([sample, sample, sample], [(47, 52), (84, 89), None])
    assert found.offset_xy[:2].tolist() == [[-3, 2], [-1, 4]]
    assert np.isnan(found.offset_xy[2]).all()
    summary = summarise(found)
    assert (summary["mean_dx_px"], summary["mean_dy_px"]) == (-2.0, 3.0)
    assert summary["mean_centre_diagonal"] == pytest.approx((np.hypot(3, 2) + np.hypot(1, 4)) / 2 / np.hypot(100, 100))


def test_all_at_once_is_one_at_a_time_and_blind_to_order(make_sample) -> None:
    rng = np.random.default_rng(0)
    samples = []
    for i in range(1, 40):
        corners = rng.uniform(0, 60, (int(rng.integers(1, 4)), 2))
        samples.append(
            make_sample(i, np.concatenate([corners, corners + rng.uniform(1, 30, (len(corners), 2))], axis=1))
        )
    peaks = [None if rng.random() < 0.2 else tuple(rng.uniform(0, 100, 2)) for _ in samples]
    together = peak_distances(samples, peaks)
    alone = [peak_distances([sample], [peak]) for sample, peak in zip(samples, peaks, strict=True)]
    assert together.to_box.tolist() == [one.to_box[0] for one in alone]
    assert together.to_centre.tolist() == [one.to_centre[0] for one in alone]
    order = rng.permutation(len(samples))
    shuffled = peak_distances([samples[i] for i in order], [peaks[i] for i in order])
    assert shuffled.to_box.tolist() == together.to_box[order].tolist()
    # the distance written out
    for sample, peak, distance in zip(samples, peaks, together.to_box, strict=True):
        expected = np.inf
        if peak is not None:
            x, y = peak
            expected = min(
                np.hypot(max(x1 - x, 0, x - x2), max(y1 - y, 0, y - y2)) for x1, y1, x2, y2 in sample.boxes_xyxy
            )
        assert distance == pytest.approx(expected)


def test_distance_recall_curve_by_hand() -> None:
    curve = distance_recall_curve([0, 4, 12, 40])
    assert curve is not None
    assert curve.within_px.tolist() == [0, 4, 12, 40]
    assert curve.share.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.p95_px == pytest.approx(12 + 0.85 * 28)
    abstaining = distance_recall_curve([np.inf, 4])
    assert abstaining is not None
    assert abstaining.share.tolist() == [0, 0.5]  # an abstention is never reached
    nowhere = distance_recall_curve([np.inf])
    assert nowhere is not None
    assert nowhere.p95_px is None
    assert distance_recall_curve([]) is None


def test_one_image_is_measured_like_many(make_sample) -> None:
    sample = make_sample(boxes=[(40, 40, 60, 60)])
    assert peak_distance(sample, (63, 64)) == 5
    assert peak_distance(sample, None) == np.inf
    assert nearest_true_point((63, 64), sample.boxes_xyxy) == (60, 60)
