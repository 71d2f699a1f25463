import json
import math
from dataclasses import replace

import numpy as np
import pytest

from data_tools.core.records import BOXED, GOOD, Dataset, PredictionHeader, PredictionSet, Splits
from data_tools.judging import registry
from data_tools.judging.evaluate import evaluate
from data_tools.judging.evaluation_report import Difference, EvaluationReport
from data_tools.judging.judged import Entry
from data_tools.report.table import describe_remarks
from tests.data_tools.judging.made_up import RESAMPLES, entry, make_dataset, map_alone, with_boxes


@pytest.fixture(scope="module")
def report() -> EvaluationReport:
    dataset = make_dataset()
    entries = [
        entry(dataset, with_boxes, "d0", approach="detector"),
        entry(dataset, with_boxes, "d1", 1, approach="detector"),
        entry(dataset, map_alone, "maps", validation=False),
    ]
    return evaluate(dataset, "test", entries, resamples=RESAMPLES)


def test_the_json_is_strict_and_has_the_keys_of_the_contract(report: EvaluationReport) -> None:
    value = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert list(value) == [
        "schema",
        "data",
        "runs",
        "approaches",
        "baselines",
        "comparisons",
        "engines",
        "family",
        "verdict",
    ]
    counted = {"n_images", "n_good", "n_boxed", "n_unboxed", "n_groups"}
    assert value["data"].keys() == {*counted, "split", "remarks", "truth_sha256"}
    assert value["runs"]["d0"].keys() == {"producer", "approach", "metrics", "remarks", "source"}
    assert value["approaches"]["detector"]["runs"] == ["d0", "d1"]
    assert value["approaches"]["detector"]["seeds"] == 2
    assert value["verdict"] == report.verdict


def test_remarks_stand_in_the_report_and_are_shown_from_there() -> None:
    dataset = make_dataset(1, (GOOD, BOXED), 60)

    def turned(sample, rng):
        return replace(with_boxes(sample, rng), score=float(sample.status == GOOD))

    value = evaluate(dataset, "test", [entry(dataset, turned, "turned")], resamples=RESAMPLES).to_json()
    (here, validation) = [one for one in value["runs"]["turned"]["remarks"] if "score above defects" in one]
    assert here.startswith("good images score above defects (AUC 0.000)")
    assert validation.startswith("on validation: good images")
    assert value["data"]["remarks"] == []
    assert f"turned: {here}" in describe_remarks(value)
    good = make_dataset(1, (GOOD,), 30)
    value = evaluate(good, "test", [entry(good, with_boxes, "a")], ("auc",), resamples=RESAMPLES).to_json()
    (remark,) = value["data"]["remarks"]
    assert remark == "no defect images were judged, so AUC, average precision and FPR are not defined"


def test_a_remark_says_that_judged_images_are_not_unseen() -> None:
    dataset = make_dataset(1, (GOOD, BOXED), 60)

    def remarks(of: Dataset, split: str) -> list[str]:
        rng = np.random.default_rng(0)
        found = PredictionSet(PredictionHeader("any"), tuple(with_boxes(sample, rng) for sample in of.split(split)))
        report = evaluate(of, split, [Entry("a", found)], ("auc",), resamples=RESAMPLES)
        return report.to_json()["data"]["remarks"]

    learned = "20 are of the train split, from which an approach may have learned"
    chosen = "20 are of the val split, by which one may have chosen its thresholds"
    assert remarks(dataset, "test") == []
    assert remarks(dataset, "val") == [f"of the judged images {chosen}: unseen ones may be judged worse"]
    assert remarks(dataset, "all") == [f"of the judged images {learned}, and {chosen}: unseen ones may be judged worse"]
    assert remarks(replace(dataset, splits=None), "all") == []
    assert remarks(replace(dataset, splits=Splits(0, "", (), (), tuple(range(1, 61)))), "all") == []


def test_what_is_unknown_of_a_difference_is_left_out() -> None:
    known = Difference("auc", "a", "b", 0.1, (0.0, 0.2), 0.03, "by hand", 9, 1, 1, True, None, None, 9, 0.8, 0.7)
    assert known.to_json()["images_to_settle"] is None
    assert not {"per_image_test", "per_image_p_value", "p_value_holm"} & known.to_json().keys()
    assert replace(known, ci95=None).to_json()["ci95"] is None


def test_the_frame_has_a_row_a_run_and_every_figure_that_was_judged(report: EvaluationReport) -> None:
    frame = report.to_frame()
    assert frame["label"].tolist() == ["d0", "d1", "maps"]
    assert frame["approach"].tolist() == ["detector", "detector", "maps"]
    assert {row.key for row in registry.metric_rows()} <= set(frame.columns)
    by_label = frame.set_index("label")
    auc = report.runs["d1"].metrics["auc"]
    assert by_label.loc["d1", ["auc.value", "auc.lower", "auc.upper"]].tolist() == [auc["value"], *auc["ci95"]]
    peaks = report.runs["maps"].metrics["peak_distance"]
    assert by_label.loc["maps", "peak_distance.mean_px.upper"] == peaks["mean_px_ci95"][1]
    assert math.isnan(by_label.loc["maps", "operating_point.tpr"])  # no threshold without validation
    figures = frame.drop(columns=["label", "approach", "producer"])
    assert (figures.dtypes == np.float64).all()


def test_the_frame_of_few_metrics_has_few_columns() -> None:
    thin = make_dataset(1, (GOOD,), 30)
    frame = evaluate(thin, "test", [entry(thin, with_boxes, "a")], ("auc",), resamples=RESAMPLES).to_frame()
    assert "peak_distance.mean_px" not in frame.columns
    assert math.isnan(frame.loc[0, "auc.value"])


def test_no_run_gives_an_empty_frame() -> None:
    frame = evaluate(make_dataset(), "test", [], resamples=RESAMPLES).to_frame()
    assert list(frame.columns) == ["label", "approach", "producer"]
    assert not len(frame)
