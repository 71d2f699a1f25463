"""Judging from Python: a dataset and named predictions, however they are at hand."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Dataset, Prediction, PredictionHeader, PredictionSet
from data_tools.files.checksums import FileMark, mark
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.predictions import read_predictions
from data_tools.judging.evaluate import evaluate as evaluate_entries
from data_tools.judging.evaluation_report import EvaluationReport
from data_tools.judging.judged import Entry
from data_tools.judging.old_report import read_old_report
from data_tools.metrics.bootstrap import RESAMPLES
from data_tools.metrics.coco_engines import PYCOCOTOOLS
from data_tools.metrics.operating_point import DEFAULT_RULE, Rule

Predictions = PredictionSet | Iterable[Prediction] | Path | str


def evaluate(
    dataset: Dataset | Path | str,
    predictions: Mapping[str, Predictions],
    split: str = "test",
    *,
    validation: Mapping[str, Predictions] | None = None,
    proposals: Mapping[str, Predictions] | None = None,
    approaches: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    box_map_engine: str = PYCOCOTOOLS,
    operating_point: Rule = DEFAULT_RULE,
    against: Path | str | None = None,
) -> EvaluationReport:
    """Judge any number of approaches side by side by the same records.

    Args:
        dataset: the truth, or the folder that holds it.
        predictions: by the label of each run: a PredictionSet, its records, or the path of its file. Each has exactly
            one record for each image of the split.
        split: "train", "val", "test" or "all".
        validation: the same for the validation split, for as many labels as there are; they choose every threshold.
        proposals: region proposals for the split, for proposal recall.
        approaches: names by label; runs with the same name are seeds of one approach, and compared as such.
        metrics: their names; None for all.
        seed: of the resampling and of the random baselines.
        resamples: of the bootstrap; at least 100.
        box_map_engine: of `data_tools.metrics.coco_engines.ENGINES`.
        operating_point: what chooses thresholds on validation: `EscapeRate(0.02)` or `Costs(escape=50, overkill=1)` of
            `data_tools.metrics.operating_point`.
        against: an earlier report.json on the same images; `.against` of the report says what changed.

    Returns:
        The report: `.verdict` in words, `.to_frame()` for pandas, `.to_json()` as in report.json.

    Raises:
        InputError: an argument of another kind, records that do not fit the images, a label that is not among the
            predictions, an absent split, or an earlier report that cannot be compared with.

    >>> import numpy as np
    >>> from data_tools.core.records import SPLIT_NAMES, Dataset, Prediction, Sample
    >>> nothing, none = np.zeros((0, 4)), np.zeros(0)
    >>> box = np.array([[10.0, 10.0, 30.0, 30.0]])
    >>> good = Sample(1, "a.png", (60, 80), nothing, none, "good", "lot1", "good")
    >>> bad = Sample(2, "b.png", (60, 80), box, np.array([1]), "boxed", "lot2", "scratch")
    >>> records = [Prediction(1, "a.png", (60, 80), 0.2, nothing, none, none)]
    >>> records += [Prediction(2, "b.png", (60, 80), 0.9, nothing, none, none, peak_xy=(33.0, 34.0))]
    >>> report = evaluate(Dataset((good, bad), ("defect",)), {"mine": records}, "all", resamples=100)
    >>> report.runs["mine"].metrics["peak_distance"]["mean_px"]
    5.0
    """
    validation, proposals, approaches = validation or {}, proposals or {}, approaches or {}
    beside = {"validation": validation, "proposals": proposals, "approaches": approaches}
    for name, given in {"predictions": predictions, **beside}.items():
        _require_by_label(name, given)
    _require_settings(dataset, metrics, seed, resamples, operating_point)
    old = None if against is None else read_old_report(Path(against))
    truth = dataset if isinstance(dataset, Dataset) else read_dataset(Path(dataset))
    if split not in (*SPLIT_NAMES, "all"):
        raise InputError(f"split {split!r}: give one of {', '.join(SPLIT_NAMES)} or all")
    if truth.splits is None and split != "all":
        raise InputError(f"the dataset has no splits, so no split {split!r}; judge it with split='all'")
    if truth.splits is None and validation:
        raise InputError("the dataset has no splits, so validation predictions have no images to fit")
    for name, given in beside.items():
        foreign = sorted(given.keys() - predictions.keys())
        if foreign:
            raise InputError(f"{name}: {foreign[0]!r} is none of {', '.join(predictions)}")
    entries = [
        Entry(
            label,
            _as_set(label, one),
            _as_set(label, validation[label]) if label in validation else None,
            _as_set(label, proposals[label]) if label in proposals else None,
            approaches.get(label),
            source=_sources(one, validation.get(label)),
        )
        for label, one in predictions.items()
    ]
    return evaluate_entries(truth, split, entries, metrics, seed, resamples, box_map_engine, operating_point, old)


def _require_by_label(name: str, given: object) -> None:
    """Refuse what is no mapping of labels to predictions, or, for "approaches", to names."""
    if not isinstance(given, Mapping):
        raise InputError(f"{name}: a mapping by label is needed, such as {{'mine': ...}}, not {type(given).__name__}")
    for label, one in given.items():
        if not isinstance(label, str) or not label:
            raise InputError(f"{name}: {label!r} is no label; a label is text")
        if name == "approaches" and not isinstance(one, str):
            raise InputError(f"{name}: {label}: a name is text, not {type(one).__name__}")
        if name != "approaches" and not isinstance(one, PredictionSet | Path | str | Iterable):
            raise InputError(
                f"{name}: {label}: a PredictionSet, its records or its file is needed, not {type(one).__name__}"
            )


def _require_settings(dataset: object, metrics: object, seed: int, resamples: int, rule: object) -> None:
    if not isinstance(dataset, Dataset | Path | str):
        raise InputError(f"dataset: a Dataset or the path of its folder is needed, not {type(dataset).__name__}")
    are_names = isinstance(metrics, Collection) and all(isinstance(name, str) for name in metrics)
    if metrics is not None and (isinstance(metrics, str) or not are_names):
        raise InputError(f"metrics: a list of names is needed, such as ['auc'], not {metrics!r}")
    if not isinstance(resamples, Integral) or resamples < 100:
        raise InputError(f"resamples {resamples}: at least 100, for a 95 % interval")
    if not isinstance(seed, Integral) or seed < 0:
        raise InputError(f"seed {seed}: a whole number of at least 0")
    if not isinstance(rule, Rule):
        raise InputError(f"operating_point: an EscapeRate or Costs is needed, not {type(rule).__name__}")


def _sources(predictions: Predictions, validation: Predictions | None) -> dict[str, FileMark]:
    """The files that they are read from; none unless both are, where both are given."""
    given = {"predictions": predictions, "validation": validation}
    paths = {name: Path(one) for name, one in given.items() if isinstance(one, Path | str)}
    complete = len(paths) == sum(one is not None for one in given.values())
    return {name: mark(path) for name, path in paths.items()} if complete else {}


def _as_set(label: str, predictions: Predictions) -> PredictionSet:
    """Read or gather the records."""
    if isinstance(predictions, PredictionSet):
        return predictions
    if isinstance(predictions, Path | str):
        if Path(predictions).is_dir():
            raise InputError(
                f"{label}: {predictions} is a folder; name the file, as {predictions}/predictions/test.jsonl"
            )
        return read_predictions(Path(predictions))
    records = tuple(predictions)
    for record in records:
        if not isinstance(record, Prediction):
            raise InputError(f"{label}: holds {type(record).__name__}, where Prediction records are needed")
    try:
        return PredictionSet(PredictionHeader(label), records)
    except ValueError as error:
        raise InputError(f"{label}: {error}") from error
