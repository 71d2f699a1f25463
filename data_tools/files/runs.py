"""Run folders as the evaluator sees them: where they are, what they are, which is the newest."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.files.checksums import sha256
from data_tools.files.dataset_folder import ANNOTATIONS
from data_tools.files.json_object import read_object
from data_tools.files.run_config import CONFIG, read_values

MANIFEST = "manifest.json"
CHECKSUMS = "checksums"
"""Key of the manifest: SHA-256 by name of files in the run folder, of a finished one also of the manifest's other
values; runs of earlier versions have fewer or none."""
PREDICTING = "predicting"
"""Key of the manifest: by split, the seconds that predicting so many images took; older runs have none."""
TEMPLATES = "templates"
"""Key of the manifest: folder of the templates that images are compared with; absent where there were none."""
SERIES_MARK = "cell.json"
"""In the folder of a run that belongs to a series, see `data_tools.training.run_series`."""
DONE, DIVERGED = "done", "diverged: a loss was not finite"
"""States of a run in a series, as tables and files show them."""
APPROACHES = ("detect", "classify")
_SERIES_DEPTH = 3  # a comparison over folds has OUT/fold/approach/seed
_DEPTH = 3


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: the run folder.
        approach: "detect" or "classify".
        data: the dataset folder it was trained on, with the hash of its annotations and splits.
        finished: ISO 8601 time, UTC.
        milliseconds: that predicting an image took, reading it included, by split; absent where the run does not say.
    """

    folder: Path
    approach: str
    data: Path
    data_hash: str
    finished: str
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    def predictions(self, split: str) -> Path:
        """Where the run keeps its predictions of a split."""
        return self.folder / "predictions" / f"{split}.jsonl"

    def proposals(self, split: str) -> Path:
        """Where the region proposals of a split are looked for."""
        return self.folder / "predictions" / f"proposals_{split}.jsonl"


def require_tables_place(folder: Path, names: Sequence[str], flag: str) -> None:
    """Refuse to put the tables of a series of runs over files of others: of these names, in a folder without such runs.

    Raises:
        InputError: see above.
    """
    if any(any(folder.glob(f"{'*/' * depth}{SERIES_MARK}")) for depth in range(1, _SERIES_DEPTH + 1)):
        return
    for name in names:
        if os.path.lexists(folder / name):
            raise InputError(
                f"{flag} {folder}: {name} lies where a table goes, and no run of a series lies beside it; move it, or "
                "give another folder"
            )


def read_manifest(folder: Path) -> Fields:
    """What a started run says of itself; each key is checked when it is asked for.

    Raises:
        InputError: no run there, or a damaged manifest.
    """
    path = folder / MANIFEST
    if not path.exists() and not path.is_symlink():
        raise InputError(f"{folder}: no run there ({MANIFEST} is missing)")
    return read_object(path)


def require_data(data: Path, run: Path) -> Path:
    """The dataset folder that a run names, `data`; refused where it is not there any more.

    Raises:
        InputError: it says how to name the dataset that has moved.
    """
    if not (data / ANNOTATIONS).exists():
        raise InputError(f"{run}: the run's data are gone from {data}; give --data DATASET, the folder they are in now")
    return data


def is_unfinished(folder: Path) -> bool:
    """Whether a run began there and has not ended; False too where its manifest cannot be read."""
    try:
        return read_manifest(folder).values.get("finished", "") is None
    except InputError:
        return False


def is_exchanged(folder: Path, name: str) -> bool:
    """Whether a file of a run is another than the manifest says, where it says so.

    Raises:
        InputError: no run there, or a damaged manifest, whose word against a file counts for nothing.
    """
    manifest = read_manifest(folder)
    known = manifest.group_if_there(CHECKSUMS)
    differs = name in known and known.text(name) != sha256(folder / name)
    if differs:
        require_seal(folder)
    return differs


def sealed(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a finished run with a checksum of its own values beside those of the run's files."""
    return manifest | {CHECKSUMS: manifest[CHECKSUMS] | {MANIFEST: _seal(manifest)}}


def require_seal(folder: Path) -> None:
    """Refuse a run whose manifest says something else than when the run ended, where that has a checksum.

    Raises:
        InputError: see above.
    """
    manifest = read_manifest(folder)
    known = manifest.group_if_there(CHECKSUMS)
    if MANIFEST in known and known.text(MANIFEST) != _seal(dict(manifest.values)):
        raise InputError(
            f"{folder / MANIFEST}: does not match its own checksum: damaged, or changed since the run ended; put it "
            f"back from a copy. If the change is wanted, remove {MANIFEST!r} from its {CHECKSUMS!r}"
        )


def _seal(manifest: dict[str, Any]) -> str:
    """SHA-256 of the values of a manifest, apart from this checksum, however the file is laid out."""
    others = {name: digest for name, digest in manifest[CHECKSUMS].items() if name != MANIFEST}
    return hashlib.sha256(json.dumps(manifest | {CHECKSUMS: others}, sort_keys=True).encode()).hexdigest()


def require_predictions_of(run: Run, split: str) -> None:
    """Refuse predictions in a run folder that are not those the run ended with, where the manifest has a checksum.

    Raises:
        InputError: see above; the message says how to make them anew.
    """
    path = run.predictions(split)
    if path.is_file() and is_exchanged(run.folder, path.relative_to(run.folder).as_posix()):
        raise InputError(
            f"{path}: does not match its checksum in {MANIFEST}: damaged, or written anew; python -m "
            f"{run.approach}.train --run {run.folder} --resume makes it again from the checkpoint; --predictions "
            f"{path} --data {run.data} judges it as it is"
        )


def read_run(folder: Path | str) -> Run:
    """The run in a folder.

    Raises:
        InputError: no run there, a damaged manifest, or a run that is not finished.
    """
    folder = Path(folder)
    value = read_manifest(folder)
    approach, data, data_hash = value.text("approach"), value.text("data"), value.text("data_hash")
    return Run(folder, approach, Path(data), data_hash, finished_at(value, folder), _milliseconds(value))


def _milliseconds(manifest: Fields) -> dict[str, float]:
    predicting = manifest.group_if_there(PREDICTING)
    taken = {}
    for split in predicting.values:
        one = predicting.group(split)
        images = one.integer("images", 0)
        if images:
            taken[split] = 1000 * one.number("seconds", 0) / images
    return taken


def finished_at(manifest: Fields, folder: Path) -> str:
    """When the run of a manifest was finished: ISO 8601, UTC.

    Raises:
        InputError: it is not; the message says how to go on.
    """
    if "finished" in manifest and manifest.values["finished"] is None:
        approach = manifest.text("approach")
        raise InputError(f"{folder}: not finished; go on with: python -m {approach}.train --run {folder} --resume")
    return manifest.text("finished")


def find_runs(root: Path) -> list[Run]:
    """Every finished run with test predictions at most three folders below `root`; unfinished ones are passed over."""
    runs = []
    for depth in range(1, _DEPTH + 1):
        for path in sorted(root.glob("/".join(["*"] * depth + [MANIFEST]))):
            try:
                run = read_run(path.parent)
            except InputError:
                continue
            if run.predictions("test").is_file():
                runs.append(run)
    return runs


def newest_runs(root: Path) -> list[Run]:
    """The newest run, and of the other approach the newest on the same data, if there is one.

    Runs of a series, such as the cells of a study, are passed over: whoever wants them names them.

    Raises:
        InputError: no finished run at all; the message names the commands that make one.
    """
    alone = (run for run in find_runs(root) if not (run.folder / SERIES_MARK).is_file())
    runs = sorted(alone, key=lambda run: run.finished)
    if not runs:
        raise InputError(f"{root}: no finished run; make one with: python -m detect.train, python -m classify.train")
    newest = runs[-1]
    same_data = [run for run in runs if run.data_hash == newest.data_hash]
    chosen = {run.approach: run for run in same_data}  # later ones replace earlier ones
    return sorted(chosen.values(), key=lambda run: (run.approach not in APPROACHES, run.approach != "detect"))


def approaches_of(runs: Sequence[Run], labels: Sequence[str]) -> list[str]:
    """A name for each run that runs with the same settings but another seed share.

    A run alone keeps its label. Several are named after their approach, or where two such groups would have the same
    name, after the first label of each.
    """
    groups: dict[str, list[int]] = {}
    for i, run in enumerate(runs):
        settings = _settings(run)
        groups.setdefault(f"alone {i}" if settings is None else settings, []).append(i)
    several = [members for members in groups.values() if len(members) > 1]
    kinds = [runs[members[0]].approach for members in several]
    names = list(labels)
    for members in several:
        approach = runs[members[0]].approach
        taken = kinds.count(approach) > 1 or approach in labels
        for i in members:
            names[i] = f"{labels[members[0]]} and seeds" if taken else approach
    return names


def _settings(run: Run) -> str | None:
    """The run's configuration without seed and folders, as text to compare; None where it cannot be read."""
    try:
        value = read_values(run.folder / CONFIG)
    except InputError:
        return None
    kept = {key: part for key, part in value.items() if key not in ("run", "data", "seed")}
    if isinstance(kept.get("fit"), dict):
        kept["fit"] = {key: part for key, part in kept["fit"].items() if key != "seed"}
    return json.dumps([run.approach, run.data_hash, kept], sort_keys=True, default=str)
