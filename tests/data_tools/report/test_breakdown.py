from collections.abc import Callable

import numpy as np

from data_tools.records import Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.report.breakdown import breakdown_tables
from data_tools.report.cases import gather

MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]


def test_strata_by_hand(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    samples = [
        make_sample(1, [(0, 0, 10, 10)], defect_type="chip"),  # side 10, square
        make_sample(2, [(0, 0, 10, 30)], defect_type="scratch"),  # side 17.3, 3 : 1
        make_sample(3, [(0, 0, 90, 10), (0, 0, 2, 2)], defect_type="scratch"),  # largest: side 30, 9 : 1
        make_sample(4),
    ]
    peaks = {1: (5, 5), 2: (18, 5), 3: None, 4: (1, 1)}
    found = PredictionSet(PredictionHeader("p"), tuple(make_prediction(i, peak=peak) for i, peak in peaks.items()))
    cases = gather(samples, {"a": found}, {})
    by_type, by_size, by_aspect = breakdown_tables(cases, (), {"centre": [40.0, 30.0, 0.0]})
    assert by_type.columns == ("n", "a", "centre")
    assert by_type.baselines == 1
    rows = {row.label: [(cell.text, cell.ci95) for cell in row.cells] for row in by_type.rows}
    assert rows["chip"] == [("1", ""), ("100 %", "mean 0.0, median 0.0 px"), ("0 %", "mean 40.0, median 40.0 px")]
    # the abstention is a miss, and left out of the mean
    assert rows["scratch"][:2] == [("2", ""), ("0 %", "mean 8.0, median 8.0 px, of 50% with a peak")]
    assert [row.label for row in by_aspect.rows] == ["up to 2 : 1", "2 : 1 to 4 : 1", "longer than 4 : 1"]
    assert [row.cells[0].text for row in by_size.rows] == ["1", "1", "1"]
    assert "judged images" in by_size.corner


def test_terciles_are_those_of_training(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    training = [make_sample(i, [(0, 0, side, side)]) for i, side in enumerate((3, 30, 60, 90), start=10)]
    cases = gather(
        [make_sample(1, [(0, 0, 10, 10)])],
        {"a": PredictionSet(PredictionHeader("p"), (make_prediction(1, peak=(5, 5)),))},
        {},
    )
    by_size = breakdown_tables(cases, training, {})[1]
    low, high = np.quantile([3, 30, 60, 90, 0.02][:4], (1 / 3, 2 / 3))
    assert (low, high) == (30, 60)
    assert [row.label for row in by_size.rows] == ["up to 30 px"]
    assert "training" in by_size.corner


def test_no_boxed_image_no_table(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    cases = gather([make_sample(1)], {"a": PredictionSet(PredictionHeader("p"), (make_prediction(1),))}, {})
    assert breakdown_tables(cases, (), {}) == []
