"""Where a bundle comes from: its run, data and versions, classes, and the thresholds that validation gives."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.files.predictions import read_predictions
from data_tools.metrics.fpr_at_tpr import TPRS, fpr_at_tpr

log = logging.getLogger(__name__)


def origin_of(run: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What bundle.json says of the run: "source", "versions", "categories" and "thresholds".

    Categories and thresholds are null where the data are gone or have changed, thresholds also where validation lacks
    good or defect images.
    """
    source = {key: manifest.get(key) for key in ("data_hash", "finished", "seed", "git")}
    dataset = _dataset_of(manifest)
    return {
        "source": {"run": run.resolve().name, **source},
        "versions": manifest.get("versions"),
        "categories": None if dataset is None else list(dataset.categories),
        "thresholds": None if dataset is None else _thresholds(run, dataset),
    }


def dataset_of(manifest: Mapping[str, Any]) -> Dataset:
    """The data that a run was trained on.

    Raises:
        InputError: they are gone or have changed.
    """
    folder = Path(str(manifest.get("data")))
    try:
        if data_hash(folder) != manifest.get("data_hash"):
            raise InputError(f"{folder}: not the data that the run was trained on any more")
        return read_dataset(folder)
    except OSError as error:
        raise InputError(f"{folder}: the data that the run was trained on: {error}") from error


def _dataset_of(manifest: Mapping[str, Any]) -> Dataset | None:
    try:
        return dataset_of(manifest)
    except InputError as error:
        log.warning("the bundle has neither names of classes nor thresholds: %s", error)
        return None


def _thresholds(run: Path, dataset: Dataset) -> dict[str, dict[str, float]] | None:
    """For each share of validation's defects to be caught, the threshold, and the share of good images it flags."""
    try:
        scores = {one.image_id: one.score for one in read_predictions(run / "predictions" / "val.jsonl").predictions}
        samples = dataset.split("val")
        values = [scores[sample.image_id] for sample in samples]
    except (InputError, KeyError, ValueError) as error:
        log.warning("the bundle has no thresholds: the run's predictions of validation are not there: %s", error)
        return None
    return thresholds_of(samples, values)


def thresholds_of(samples: Sequence[Sample], values: Sequence[float]) -> dict[str, dict[str, float]] | None:
    """As `_thresholds`, given the samples' scores; None without good or without defect images."""
    positive = [sample.is_defect for sample in samples]
    points = {f"{tpr:g}": fpr_at_tpr(values, positive, tpr) for tpr in TPRS}
    known = {tpr: {"threshold": one.threshold, "fpr": one.fpr} for tpr, one in points.items() if one is not None}
    return known or None
