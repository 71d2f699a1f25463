import doctest
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import write_dataset
from data_tools.files.predictions import write_predictions
from data_tools.judging import evaluation_report
from data_tools.judging import judge_predictions as module
from data_tools.judging.evaluate import evaluate as evaluate_entries
from data_tools.judging.judge_predictions import evaluate
from tests.data_tools.judging.made_up import RESAMPLES, entry, make_dataset, map_alone, with_boxes


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return make_dataset()


def test_records_sets_and_files_give_the_same_report(dataset: Dataset, tmp_path: Path) -> None:
    one = entry(dataset, with_boxes, "a")
    assert one.validation is not None
    wanted = evaluate_entries(dataset, "test", [one], resamples=RESAMPLES).to_json()["runs"]["a"]["metrics"]
    write_predictions(tmp_path / "a.jsonl", one.predictions)
    write_dataset(tmp_path / "data", dataset)
    for truth, given in (
        (dataset, one.predictions),
        (dataset, list(one.predictions.predictions)),
        (tmp_path / "data", (record for record in one.predictions.predictions)),
        (str(tmp_path / "data"), tmp_path / "a.jsonl"),
    ):
        report = evaluate(truth, {"a": given}, validation={"a": one.validation}, resamples=RESAMPLES)
        assert report.runs["a"].metrics == wanted


def test_validation_is_optional_and_seeds_share_a_name(dataset: Dataset) -> None:
    sets = {label: entry(dataset, map_alone, label, seed).predictions for seed, label in enumerate("ab")}
    report = evaluate(dataset, sets, approaches=dict.fromkeys("ab", "maps"), resamples=RESAMPLES)
    assert report.approaches["maps"].runs == ("a", "b")
    assert report.runs["a"].metrics["operating_point"]["threshold"] is None
    assert report.verdict is None


def test_bad_input_is_named(dataset: Dataset, tmp_path: Path) -> None:
    records = list(entry(dataset, with_boxes, "a").predictions.predictions)
    without_splits = Dataset(dataset.samples, dataset.categories)
    for truth, given, options, words in (
        (dataset, records[1:], {}, "a: 1 images of the split have no prediction"),
        (dataset, [*records, records[0]], {}, "a: predictions: image ids .* stand twice"),
        (dataset, [1], {}, "a: holds int"),
        (dataset, tmp_path, {}, "is a folder"),
        (dataset, tmp_path / "absent.jsonl", {}, "absent.jsonl"),
        (dataset, records, {"validation": {"b": records}}, "validation: 'b' is none of a"),
        (dataset, records, {"metrics": ("auk",)}, "metric 'auk'"),
        (dataset, records, {"resamples": 1}, "at least 100"),
        (without_splits, records, {}, "no splits"),
        (without_splits, records, {"split": "all", "validation": {"a": records}}, "no splits"),
    ):
        with pytest.raises(InputError, match=words):
            evaluate(truth, {"a": given}, **options)


def test_the_examples_hold() -> None:
    assert doctest.testmod(module).attempted
    for one in (module, evaluation_report):
        assert doctest.testmod(one).failed == 0
