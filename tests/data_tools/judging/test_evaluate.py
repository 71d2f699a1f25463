"""The report as a whole: what is in it, what it is blind to, and that it never crashes on thin data."""

from dataclasses import replace

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, UNBOXED, Dataset, Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.judging.evaluate import evaluate
from data_tools.judging.judged import Entry
from data_tools.judging.map_boxes import with_boxes as with_map_boxes
from data_tools.judging.registry import metrics as registered
from data_tools.report.table import side_by_side
from tests.data_tools.judging.made_up import (
    RESAMPLES,
    SIZE,
    TYPES,
    boxes_near,
    entry,
    judge_all,
    make_dataset,
    map_alone,
    silent,
    with_boxes,
    with_map,
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return make_dataset()


@pytest.fixture(scope="module")
def report(dataset: Dataset) -> dict:
    return judge_all(dataset, entry(dataset, with_boxes, "boxes"), entry(dataset, map_alone, "maps"))


def test_the_keys_of_the_contract(report: dict) -> None:
    metrics = report["runs"]["boxes"]["metrics"]
    assert {"value", "ci95", "n_positive", "n_negative"} <= metrics["auc"].keys()
    assert metrics["fpr_at_tpr"].keys() == {"0.98", "0.991", "0.993", "0.995", "0.997", "1.0"}
    assert {"ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100"} <= metrics[
        "box_map"
    ].keys()
    keys = {"mean_px", "median_px", "p90_px", "mean_diagonal", "hit_rate", "hit_rate_15px", "coverage", "n", "by_type"}
    assert keys <= metrics["peak_distance"].keys()
    assert keys - {"by_type"} <= metrics["peak_distance"]["by_type"]["chip"].keys()
    assert {"centre", "mean_position", "random"} == report["baselines"].keys()
    assert {"metric", "a", "b", "difference", "ci95", "p_value", "test", "n"} <= report["comparisons"][0].keys()
    assert {"average_precision", "froc", "max_box_acc", "proposal_recall"} <= metrics.keys()


def test_unboxed_images_are_positive_and_out_of_every_localization(dataset: Dataset, report: dict) -> None:
    samples = dataset.split("test")
    metrics = report["runs"]["boxes"]["metrics"]
    assert metrics["auc"]["n_positive"] == sum(s.is_defect for s in samples)
    assert metrics["peak_distance"]["n"] == sum(s.status == BOXED for s in samples)
    assert metrics["error_types"]["n_true_boxes"] == sum(len(s.boxes_xyxy) for s in samples)


def test_the_parts_of_each_stratum_add_up(report: dict) -> None:
    distance = report["runs"]["boxes"]["metrics"]["peak_distance"]
    for name in ("by_type", "by_size", "by_aspect"):
        assert sum(part["n"] for part in distance[name].values()) == distance["n"]


def test_the_name_of_the_producer_changes_no_metric(dataset: Dataset, report: dict) -> None:
    renamed = []
    for one in (entry(dataset, with_boxes, "boxes"), entry(dataset, map_alone, "maps")):
        header = PredictionHeader("classify: detector", {"any": "thing"}, "else", "train")
        renamed.append(replace(one, predictions=PredictionSet(header, one.predictions.predictions)))
    again = judge_all(dataset, *renamed)
    for label in ("boxes", "maps"):
        assert again["runs"][label]["metrics"] == report["runs"][label]["metrics"]
    assert again["comparisons"] == report["comparisons"]
    assert again["verdict"] == report["verdict"]


def test_the_time_of_an_image_is_the_run_s_or_else_the_header_s(dataset: Dataset) -> None:
    one = entry(dataset, with_boxes, "boxes")
    timed = replace(one, predictions=replace(one.predictions, header=PredictionHeader("p", ms_per_image=8.0)))
    for given, wanted in ((one, None), (timed, 8.0), (replace(timed, ms_per_image=5.0), 5.0)):
        report = evaluate(dataset, "test", [given], ("speed",), resamples=RESAMPLES)
        assert report.runs["boxes"].metrics["speed"] == {"ms_per_image": wanted}


@pytest.mark.parametrize("engine", ["pycocotools", "hotcoco"])
def test_the_engine_is_named_and_changes_no_figure(dataset: Dataset, report: dict, engine: str) -> None:
    entries = [entry(dataset, with_boxes, "boxes"), entry(dataset, map_alone, "maps")]
    found = evaluate(dataset, "test", entries, ("box_map",), resamples=RESAMPLES, box_map_engine=engine).to_json()
    assert found["engines"]["box_map"].split()[0] == engine
    for label in ("boxes", "maps"):
        assert found["runs"][label]["metrics"]["box_map"] == report["runs"][label]["metrics"]["box_map"]
    assert f"box AP computed by {engine}" in side_by_side(found)


def test_box_ap50_has_an_interval_and_is_compared(report: dict) -> None:
    first, second = (report["runs"][label]["metrics"]["box_map"] for label in ("boxes", "maps"))
    assert first["ap50_ci95"][0] <= first["ap50"] <= first["ap50_ci95"][1]
    row = next(row for row in report["comparisons"] if row["metric"] == "box_ap50")
    assert row["difference"] == pytest.approx(first["ap50"] - second["ap50"])
    assert not row["in_family"]


def test_the_order_of_predictions_changes_nothing(dataset: Dataset, report: dict) -> None:
    one = entry(dataset, with_boxes, "boxes")
    backwards = replace(one, predictions=PredictionSet(one.predictions.header, one.predictions.predictions[::-1]))
    assert judge_all(dataset, backwards)["runs"]["boxes"]["metrics"] == report["runs"]["boxes"]["metrics"]


def test_each_metric_alone_is_as_all_together(dataset: Dataset, report: dict) -> None:
    one = entry(dataset, with_boxes, "boxes")
    for metric in registered():
        alone = evaluate(dataset, "test", [one], (metric,), resamples=RESAMPLES).runs["boxes"].metrics
        assert alone == {key: report["runs"]["boxes"]["metrics"][key] for key in alone}


def test_maps_are_judged_as_boxes_cut_where_validation_says(dataset: Dataset, report: dict) -> None:
    metrics = report["runs"]["maps"]["metrics"]
    assert metrics["currencies"]["boxes"] == "from maps"
    assert metrics["currencies"]["box_fraction"] in [i / 10 for i in range(1, 10)]
    assert metrics["box_map"]["ap50"] > 0
    blind = judge_all(dataset, entry(dataset, map_alone, "maps", validation=False))["runs"]["maps"]["metrics"]
    assert blind["box_map"] is None
    assert blind["froc"]["iou_0.5"] is None
    assert "no boxed validation" in blind["currencies"]["boxes"]


def test_more_boxes_than_coco_counts_are_remarked(dataset: Dataset) -> None:
    sample = next(one for one in dataset.split("test") if one.status == BOXED)

    def crowded(one: Sample, rng: np.random.Generator) -> Prediction:
        found = with_boxes(one, rng)
        if one is not sample:
            return found
        boxes, scores = boxes_near(rng, 101), np.linspace(1, 0.5, 101)
        return replace(found, boxes_xyxy=boxes, box_scores=scores, box_labels=np.ones(101, int), score=1.0)

    rule = "box AP counts the 100 best boxes of a class in an image, as COCO does: 1 image has more predicted boxes"
    remarks = judge_all(dataset, entry(dataset, crowded, "boxes"))["runs"]["boxes"]["remarks"]
    assert any(remark.startswith(rule) for remark in remarks)
    remarks = judge_all(dataset, entry(dataset, with_boxes, "boxes"))["runs"]["boxes"]["remarks"]
    assert not any("best boxes of a class" in remark for remark in remarks)


def test_boxes_cut_from_maps_are_of_no_type() -> None:
    """They had been called the type whose name comes first, and so judged by the order of the names."""
    typed = make_dataset(categories=TYPES)
    report = judge_all(typed, entry(typed, map_alone, "maps"), entry(typed, with_boxes, "boxes"))
    maps, boxes = (report["runs"][label]["metrics"] for label in ("maps", "boxes"))
    assert maps["box_map"]["ap50"] is maps["box_map"]["ap50_ci95"] is None
    assert maps["types"]["ap50"] == dict.fromkeys(TYPES)
    assert maps["types"]["confusion"] is None
    cut = [with_map_boxes(map_alone(sample, np.random.default_rng(0)), 0.5) for sample in typed.split("test")]
    written = Entry("cut", PredictionSet(PredictionHeader("cut"), tuple(cut)))  # as a classifier's run has them
    assert judge_all(typed, written)["runs"]["cut"]["metrics"]["box_map"]["ap50"] is None
    single = make_dataset()
    one_class = judge_all(single, entry(single, map_alone, "maps"))["runs"]["maps"]["metrics"]
    assert maps["types"]["ap50_class_free"] == one_class["box_map"]["ap50"] > 0
    assert boxes["box_map"]["ap50"] is not None
    assert "name no type" in " ".join(report["runs"]["maps"]["remarks"])
    assert "box_ap50" not in [row["metric"] for row in report["comparisons"]]


def test_boxes_are_judged_as_a_map_made_of_them(report: dict) -> None:
    energy = report["runs"]["boxes"]["metrics"]["energy_pointing"]
    assert energy["maps"] == "from boxes"
    assert energy["coverage"] == 1.0
    assert energy["lift"] > 1
    assert report["runs"]["maps"]["metrics"]["energy_pointing"]["maps"] == "own"


def test_end_to_end_counts_what_is_not_flagged_as_missed(report: dict) -> None:
    metrics = report["runs"]["boxes"]["metrics"]
    assert metrics["end_to_end"]["threshold"] == metrics["operating_point"]["threshold"]
    assert metrics["end_to_end"]["hit_rate_15px"] <= metrics["peak_distance"]["hit_rate_15px"]
    assert metrics["end_to_end"]["flagged"] <= 1.0


def test_without_validation_there_is_no_threshold(dataset: Dataset) -> None:
    metrics = judge_all(dataset, entry(dataset, with_boxes, "boxes", validation=False))["runs"]["boxes"]["metrics"]
    assert metrics["operating_point"]["threshold"] is None
    assert metrics["end_to_end"] is None
    assert metrics["located"]["15px"]["at_validation_threshold"] is None
    assert "optimistic" in metrics["error_types"]["threshold_chosen_on"]


@pytest.mark.parametrize("make", [with_boxes, with_map, map_alone, silent])
@pytest.mark.parametrize("statuses", [(GOOD,), (BOXED,), (UNBOXED,), (GOOD, UNBOXED), (GOOD, BOXED, UNBOXED)])
def test_thin_data_gives_null_and_never_a_crash(make, statuses: tuple[str, ...]) -> None:
    thin = make_dataset(1, statuses, 30)
    found = judge_all(thin, entry(thin, make, "a"), entry(thin, silent, "b"))
    metrics = found["runs"]["a"]["metrics"]
    one_class = len({status != GOOD for status in statuses}) == 1
    assert (metrics["auc"] is None) == one_class
    if BOXED not in statuses:
        assert metrics["peak_distance"]["hit_rate"] is None
        assert metrics["peak_distance"]["n"] == 0
        if metrics["box_map"] is not None:
            assert metrics["box_map"]["ap"] is None
    elif make is silent:
        assert metrics["box_map"]["ap"] == 0.0
        assert (metrics["peak_distance"]["mean_px"], metrics["peak_distance"]["coverage"]) == (None, 0.0)


def test_predictions_that_do_not_fit_are_refused(dataset: Dataset) -> None:
    one = entry(dataset, silent, "a")
    short = replace(one, predictions=PredictionSet(one.predictions.header, one.predictions.predictions[1:]))
    with pytest.raises(InputError, match="1 images of the split have no prediction"):
        judge_all(dataset, short)
    with pytest.raises(InputError, match="proposals"):
        judge_all(dataset, replace(one, proposals=short.predictions))


def test_proposals_are_judged_beside_boxes_and_windows(dataset: Dataset) -> None:
    perfect = tuple(
        Prediction(s.image_id, s.path, SIZE, 0.0, s.boxes_xyxy, np.ones(len(s.boxes_xyxy)), s.labels)
        for s in dataset.split("test")
    )
    one = entry(dataset, silent, "a")
    recall = judge_all(dataset, replace(one, proposals=PredictionSet(PredictionHeader("rpn"), perfect)))["runs"]["a"][
        "metrics"
    ]
    assert recall["proposal_recall"]["proposals"]["10"] == pytest.approx(1.0)
    assert recall["proposal_recall"]["predicted_boxes"]["10"] == 0.0
    assert 0 < recall["proposal_recall"]["sliding_window"]["1000"] < 1


def test_seeds_of_one_approach_are_compared_together(dataset: Dataset) -> None:
    runs = [entry(dataset, with_boxes, f"d{seed}", seed, approach="detector") for seed in range(3)]
    found = judge_all(dataset, *runs, entry(dataset, map_alone, "maps"))
    detector = found["approaches"]["detector"]
    values = [found["runs"][f"d{seed}"]["metrics"]["auc"]["value"] for seed in range(3)]
    assert detector["metrics"]["auc.value"]["mean"] == pytest.approx(np.mean(values))
    assert detector["metrics"]["auc.value"]["sd"] == pytest.approx(np.std(values, ddof=1))
    assert {(row["a"], row["b"]) for row in found["comparisons"]} == {("detector", "maps")}
    auc = next(row for row in found["comparisons"] if row["metric"] == "auc")
    other = found["runs"]["maps"]["metrics"]["auc"]["value"]
    assert auc["difference"] == pytest.approx(np.mean(values) - other)
    assert (auc["seeds_a"], auc["seeds_b"]) == (3, 1)
    assert "1 and 3 seeds" in found["verdict"]


def test_holm_covers_the_declared_family_alone(report: dict) -> None:
    for row in report["comparisons"]:
        assert ("p_value_holm" in row) == (row["metric"] in report["family"]["metrics"])
        assert row.get("p_value_holm", 1.0) >= row["p_value"] or not row["in_family"]


def test_an_approach_against_itself_shows_no_difference(dataset: Dataset) -> None:
    found = judge_all(dataset, entry(dataset, with_boxes, "a"), entry(dataset, with_boxes, "b"))
    assert all(row["difference"] == 0 and row["p_value"] in (1.0, None) for row in found["comparisons"])
    assert found["verdict"].startswith("no difference shown between a and b")


def test_an_unknown_metric_is_refused(dataset: Dataset) -> None:
    with pytest.raises(InputError, match="metric 'auk': give one of auc, box_map"):
        evaluate(dataset, "test", [entry(dataset, silent, "a")], ("auk",))


def in_lots(dataset: Dataset, count: int | None) -> Dataset:
    """The dataset with its images dealt to so many lots; each its own for None."""
    named = [f"lot{s.image_id if count is None else s.image_id % count}" for s in dataset.samples]
    samples = (replace(sample, group=group) for sample, group in zip(dataset.samples, named, strict=True))
    return replace(dataset, samples=tuple(samples))


def intervals(value: object, path: str = "") -> dict[str, list[float] | None]:
    """Every 95 % interval of a report, by the path to it."""
    found = {}
    if isinstance(value, dict):
        for key, one in value.items():
            if key.endswith("ci95"):
                found[f"{path}/{key}"] = one
            found |= intervals(one, f"{path}/{key}")
    elif isinstance(value, list):
        for i, one in enumerate(value):
            found |= intervals(one, f"{path}/{i}")
    return found


def test_one_group_gives_no_interval_and_no_p_value_and_says_why(dataset: Dataset) -> None:
    one = in_lots(dataset, 1)
    found = judge_all(one, entry(one, with_boxes, "boxes"), entry(one, map_alone, "maps"))
    every = intervals(found)
    assert len(every) > 20
    assert set(map(type, every.values())) == {type(None)}
    assert {row["p_value"] for row in found["comparisons"]} == {None}
    assert {row["test"] for row in found["comparisons"]} == {"not enough groups"}
    for section in ("auc", "average_precision", "peak_distance", "box_map"):
        assert found["runs"]["boxes"]["metrics"][section]["ci95_note"] == "not enough groups"
    assert found["verdict"].startswith("not enough groups to compare boxes and maps")
    text = side_by_side(found)
    assert "1 group, not enough groups for an interval" in text.replace("\n", " ")


def test_every_interval_has_a_width(report: dict) -> None:
    known = {path: ends for path, ends in intervals(report).items() if ends is not None}
    assert len(known) > 20
    assert [path for path, (low, high) in known.items() if not low < high] == []


def test_groups_are_counted_beside_images(dataset: Dataset, report: dict) -> None:
    samples = dataset.split("test")
    boxed = {s.group for s in samples if s.status == BOXED}
    metrics = report["runs"]["boxes"]["metrics"]
    assert metrics["peak_distance"]["n_groups"] == len(boxed)
    assert metrics["auc"]["n_groups"] == len({s.group for s in samples})
    assert metrics["auc"]["n_groups_positive"] == len({s.group for s in samples if s.is_defect})
    of_kind = {kind: len({s.group for s in samples if s.is_defect == kind}) for kind in (True, False)}
    rates = {row["metric"]: row["n_groups"] for row in report["comparisons"] if "operating_point" in row["metric"]}
    assert rates == {"operating_point.tpr": of_kind[True], "operating_point.fpr": of_kind[False]}
    others = {row["n_groups"] for row in report["comparisons"] if row["metric"] not in rates}
    assert others == {len(boxed), metrics["auc"]["n_groups"]}
    assert f"images of {len(boxed)} groups" in report["verdict"]
    settled = [row for row in report["comparisons"] if row["images_to_settle"] is not None]
    assert all(row["groups_to_settle"] <= row["images_to_settle"] for row in settled)


def test_a_difference_is_that_of_the_two_values_shown(report: dict) -> None:
    shown = {
        "auc": ("auc", "value"),
        "average_precision": ("average_precision", "value"),
        "box_ap50": ("box_map", "ap50"),
        "hit_rate": ("peak_distance", "hit_rate"),
        "dra_20px": ("peak_distance", "dra_20px"),
    }
    for row in report["comparisons"]:
        assert row["difference"] == row["value_a"] - row["value_b"]
        assert row["ci95"][0] <= row["difference"] <= row["ci95"][1]
        if row["metric"] in shown:
            section, key = shown[row["metric"]]
            for value, label in ((row["value_a"], "boxes"), (row["value_b"], "maps")):
                assert value == pytest.approx(report["runs"][label]["metrics"][section][key], abs=1e-12)


def test_tests_of_single_images_are_shown_only_where_each_is_a_group(dataset: Dataset, report: dict) -> None:
    assert not any("per_image_test" in row for row in report["comparisons"])
    single = in_lots(dataset, None)
    found = judge_all(single, entry(single, with_boxes, "boxes"), entry(single, map_alone, "maps"))
    named = {row["metric"]: row["per_image_test"] for row in found["comparisons"] if "per_image_test" in row}
    assert named.keys() == {"auc", "hit_rate", "peak_distance"}
    assert named["auc"] == "DeLong"
    assert named["hit_rate"] == "exact McNemar"
    assert named["peak_distance"].startswith("Wilcoxon")
    assert all("sign-flip permutation" in row["test"] for row in found["comparisons"])


def test_group_differences_of_1_2_3_and_minus_1_give_6_of_16() -> None:
    """Four groups of one boxed image; the peaks of a lie 1, 2, 3 and -1 px further off than those of b."""
    truth = make_dataset(0, (BOXED,), 4)
    box = np.array([[10.0, 10.0, 20.0, 20.0]])
    samples = tuple(
        replace(s, boxes_xyxy=box, labels=np.array([1]), box_types=(), group=f"g{i}")
        for i, s in enumerate(truth.samples)
    )
    entries = []
    for name, distances in (("a", (6, 7, 8, 4)), ("b", (5, 5, 5, 5))):
        answers = tuple(
            replace(silent(s, np.random.default_rng(0)), peak_xy=(20.0 + d, 15.0))
            for s, d in zip(samples, distances, strict=True)
        )
        entries.append(Entry(name, PredictionSet(PredictionHeader(name), answers)))
    found = evaluate(replace(truth, samples=samples, splits=None), "all", entries, resamples=RESAMPLES).to_json()
    row = next(row for row in found["comparisons"] if row["metric"] == "peak_distance")
    assert row["difference"] == pytest.approx(1.25)
    assert row["p_value"] == 6 / 16
    assert "no p below 0.125" in row["test"]
    assert "with 4 no p-value can be below 0.125" in found["verdict"]
