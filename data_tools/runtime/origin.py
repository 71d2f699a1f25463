"""Where a bundle comes from: its run, data and versions, classes, and the threshold that validation gives."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.files.predictions import read_predictions
from data_tools.files.runs import MANIFEST, require_data
from data_tools.loading import learned_sizes
from data_tools.metrics.operating_threshold import KEY, Threshold, choose_threshold, threshold_from

log = logging.getLogger(__name__)


def origin_of(run: Path, manifest: Mapping[str, Any], data: Path | None = None) -> dict[str, Any]:
    """What bundle.json says of the run: "source", "versions", "categories", "threshold" and, if kept, "learned_sizes".

    Categories are null where the data are gone or have changed.

    Args:
        run: its folder.
        manifest: of the run.
        data: see `dataset_of`.

    Raises:
        InputError: `data` are given and not the run's.
    """
    source = {key: manifest.get(key) for key in ("data_hash", "finished", "seed", "git")}
    try:
        categories = list(dataset_of(run, manifest, data).categories)
    except InputError as error:
        if data is not None:
            raise
        log.warning("the bundle has no names of classes: %s", error)
        categories = None
    threshold = threshold_of(run, manifest, data)
    if threshold.value is None:
        log.warning("the bundle has no threshold: %s", threshold.reason)
    return {
        "source": {"run": run.resolve().name, **source},
        "versions": manifest.get("versions"),
        "categories": categories,
        KEY: threshold.to_json(),
        **{key: manifest[key] for key in (learned_sizes.KEY,) if key in manifest},
    }


def threshold_of(run: Path, manifest: Mapping[str, Any], data: Path | None = None) -> Threshold:
    """The threshold of a run: as its manifest has it, or for a run of before it had one, chosen in the same way now.

    The arguments are those of `origin_of`.

    Raises:
        InputError: a damaged manifest.
    """
    if KEY in manifest:
        return threshold_from(Fields(manifest, str(run / MANIFEST)))
    try:
        samples = dataset_of(run, manifest, data).split("val")
        scores = {one.image_id: one.score for one in read_predictions(run / "predictions" / "val.jsonl").predictions}
        return choose_threshold([scores[sample.image_id] for sample in samples], [one.is_defect for one in samples])
    except (InputError, KeyError, ValueError) as error:
        log.info("%s keeps no threshold, and none can be chosen now: %s", run, error)
        return Threshold(None, "the run keeps none, and its data are not at hand to choose one by")


def dataset_of(run: Path, manifest: Mapping[str, Any], data: Path | None = None) -> Dataset:
    """The data that a run was trained on.

    Args:
        run: its folder.
        manifest: of the run.
        data: the folder that the data are in now; None takes the one that the manifest names.

    Raises:
        InputError: they are gone or have changed.
    """
    folder = data or require_data(Path(str(manifest.get("data"))), run)
    try:
        dataset = read_dataset(folder)
    except OSError as error:
        raise InputError(f"{folder}: the data that the run was trained on: {error}") from error
    if data_hash(dataset) != manifest.get("data_hash"):
        raise InputError(
            f"{folder}: not the data that {run} was trained on: other annotations or splits; name the right "
            "dataset with --data"
        )
    return dataset
