import numpy as np
import pytest

from data_tools.metrics.proposal_recall import average_recall, proposal_recall, sliding_window_recall


def test_by_hand() -> None:
    assert average_recall(np.array([0.9, 0.6, 0.3])) == pytest.approx(1 / 3)
    assert average_recall(np.zeros(0)) is None


def test_no_proposals_still_count(make_sample, make_prediction) -> None:
    box = (10, 10, 30, 30)
    samples = [make_sample(1, [box]), make_sample(2, [box]), make_sample(3)]
    found = proposal_recall(
        samples, [make_prediction(1, boxes=[box], scores=[1.0]), make_prediction(2), make_prediction(3)]
    )
    assert found["10"] == pytest.approx(0.5)


def test_more_windows_recall_more(make_sample) -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 60, (40, 2))
    samples = [make_sample(i + 1, [(x, y, x + 20, y + 20)]) for i, (x, y) in enumerate(corners)]
    found = sliding_window_recall(samples, seed=0)
    assert 0.0 <= found["10"] < found["100"] <= found["1000"] <= 1.0  # type: ignore[operator]
    assert found == sliding_window_recall(samples, seed=0)
