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


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ([1], {}, "predictions: a mapping by label is needed.* not list"),
        ({"a": None}, {}, "predictions: a: a PredictionSet, its records or its file is needed, not NoneType"),
        ({1: []}, {}, "predictions: 1 is no label"),
        ({"": []}, {}, "predictions: '' is no label"),
        ({"a": []}, {"validation": [1]}, "validation: a mapping by label"),
        ({"a": []}, {"proposals": {"a": 3}}, "proposals: a: a PredictionSet"),
        ({"a": []}, {"approaches": {"a": None}}, "approaches: a: a name is text, not NoneType"),
        ({"a": []}, {"approaches": "maps"}, "approaches: a mapping by label"),
        ({"a": []}, {"metrics": "auc"}, r"metrics: a list of names is needed, such as \['auc'\], not 'auc'"),
        ({"a": []}, {"metrics": [1]}, "metrics: a list of names"),
        ({"a": []}, {"resamples": "many"}, "resamples many: at least 100"),
        ({"a": []}, {"seed": -1}, "seed -1: a whole number"),
        ({"a": []}, {"operating_point": 0.02}, "operating_point: an EscapeRate or Costs is needed, not float"),
        ({"a": []}, {"split": "tests"}, "split 'tests'"),
        ({"a": []}, {"box_map_engine": "mine"}, "mine"),
    ],
)
def test_arguments_of_another_kind_are_named(dataset: Dataset, given: object, options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        evaluate(dataset, given, **options)  # type: ignore[arg-type]


def test_what_is_no_dataset_is_named() -> None:
    with pytest.raises(InputError, match="dataset: a Dataset or the path of its folder is needed, not NoneType"):
        evaluate(None, {"a": []})  # type: ignore[arg-type]


def test_the_examples_hold() -> None:
    assert doctest.testmod(module).attempted
    for one in (module, evaluation_report):
        assert doctest.testmod(one).failed == 0
