"""What `detect.predict` and `classify.predict` share: their flags, and which images these mean."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from data_tools.commands.parser import Parser
from data_tools.commands.predicting import Inputs, Predict, predict_inputs
from data_tools.commands.sinks import add_sink_arguments, sinks_of
from data_tools.commands.watching import watch
from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.core.records import PredictionHeader, Sample
from data_tools.files.checksums import sha256
from data_tools.files.dataset_folder import files_of, images_root_of, read_dataset, split_of
from data_tools.files.image_sources import NamedImages, Source
from data_tools.files.images import resolve_under
from data_tools.files.parquet_rows import PARQUET
from data_tools.files.picture_places import require_pictures_folder
from data_tools.files.places import Outputs
from data_tools.files.prediction_journal import errors_path, gathering_paths, require_errors_place
from data_tools.files.predictions import maps_path, require_predictions_place
from data_tools.files.runs import MANIFEST, finished_at, read_manifest
from data_tools.files.templates import Templates
from data_tools.files.watch_log import require_unwatched

BUNDLE_SUMS = "SHA256SUMS"  # as data_tools.runtime.bundle writes it
SPLITS = ("train", "val", "test", "all")


@dataclass(frozen=True)
class Selection:
    """Images to predict: samples with the folder that their paths are relative to, and the split's name."""

    samples: tuple[Sample, ...]
    root: Path
    split: str | None


def add_prediction_arguments(parser: Parser, run: str = "folder of a finished run") -> None:
    """The flags of the contract; `run` says what --run may name."""
    parser.add_argument("--run", type=str, required=True, help=run)
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder")
    parser.add_argument("--split", choices=SPLITS, default=None, help="which part of --data; test by default")
    parser.add_argument(
        "--images",
        nargs="+",
        type=str,
        default=None,
        help="instead of --data: image files, folders, patterns, @FILE for a list with a name a line, - for such a "
        "list from standard input. What cannot be read is listed in OUT.errors.jsonl (of p.jsonl: p.errors.jsonl) and "
        "ends in exit status 3, or 2 where nothing could be read. With --data: the folder that its images have moved "
        "to",
    )
    parser.add_argument(
        "--watch",
        type=str | None,
        default=None,
        metavar="DIR",
        help="instead of --data and --images: predict each image that is in this folder or comes into it, once, also "
        "over restarts, appending to --out, until SIGTERM or Ctrl-C; heat maps are not kept",
    )
    parser.add_argument(
        "--reference",
        type=str | None,
        default=None,
        metavar="FOLDER",
        help="has a template for each image, as the run was trained with; an image without one is as one that cannot "
        "be read",
    )
    add_sink_arguments(parser)
    parser.add_argument(
        "--out", type=str, required=True, help="PredictionSet to write: .jsonl, or .parquet (pip install '.[parquet]')"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on after what an interrupted process with the same flags has left in OUT.partial; else it begins anew",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray: a process for each core predicts (pip install ray), and what a killed one had at hand another does "
        "again; the file is the same",
    )
    parser.add_argument(
        "--overlays",
        type=str | None,
        default=None,
        metavar="FOLDER",
        help="also draw each image with its boxes, heat map and peak into this folder, as <id>_<file name>.png",
    )
    parser.add_argument(
        "--skip_unreadable",
        action="store_true",
        help="list unreadable images of a dataset in OUT.errors.jsonl and go on, as with --images; else one ends it",
    )


def select(arguments: Namespace, templates: Templates | None = None) -> Inputs:
    """The images that the flags name, each with one of the `templates` where there are some.

    Raises:
        InputError: neither --data nor --images, or unusable ones.
    """
    if arguments.data is not None:
        moved = [Path(name) for name in arguments.images or ()]
        if len(moved) > 1 or not all(path.is_dir() for path in moved):
            raise InputError("--data with --images: give the one folder that the dataset's images have moved to")
        selection = select_split(Path(arguments.data), arguments.split or "test", *moved)
        if templates is not None and not arguments.skip_unreadable:
            templates.require(selection.samples, selection.root, arguments.data)
        count = len(selection.samples)
        is_strict, data = not arguments.skip_unreadable, Path(arguments.data)
        read = files_of(data), (data, selection.root)
        return Inputs(_sources_of(selection), count, selection.split, is_strict, *read, templates=templates)
    if arguments.images is None:
        raise InputError("give --data DATASET with --split, --images PATH..., or --watch DIR")
    images = NamedImages(arguments.images)
    return Inputs(images, images.count(), files_read=images.files_read, templates=templates)


def _sources_of(selection: Selection) -> Iterator[Source]:
    for sample in selection.samples:
        path, reason = selection.root / sample.path, ""
        try:
            path = resolve_under(selection.root, sample.path)
        except InputError as error:
            reason = str(error)
        yield Source(sample.path, path, sample.size_hw, reason, image_id=sample.image_id)


def select_split(data: Path, split: str, images: Path | None = None) -> Selection:
    """The images of a part of a dataset folder, which `images` holds where they have moved.

    Raises:
        InputError: an unusable dataset, or one without that split or without images.
    """
    dataset = read_dataset(data, images)
    return Selection(split_of(dataset, data, split), images_root_of(dataset, data), split)


def read_finished_manifest(folder: Path, approach: str) -> Fields:
    """The manifest of a finished run of `approach`.

    Raises:
        InputError: no run, an unfinished one, or one of another approach.
    """
    manifest = read_manifest(folder)
    if manifest.text("approach") != approach:
        raise InputError(f"{folder}: a run of {manifest.text('approach')!r}, not of {approach!r}")
    finished_at(manifest, folder)
    return manifest


def predict_and_write(
    arguments: Namespace,
    approach: str,
    config: dict[str, Any],
    predict: Predict,
    make: Callable[[Namespace], Predict] | None = None,
) -> int:
    """Predict the images that the flags name and write the PredictionSet, as they come; returns the exit status.

    Args:
        arguments: of `add_prediction_arguments`.
        approach: "detect" or "classify".
        config: what the header says of how the images are looked at.
        predict: predictions of some samples, in order, whose pixels the second argument reads.
        make: gives the same from the flags, in another process; None where there is but one.

    Raises:
        InputError: unusable flags, nothing that can be read, or an unreadable image of a dataset.
    """
    out = Path(arguments.out)
    if arguments.split is not None and arguments.data is None:
        raise InputError(f"--split {arguments.split}: is a part of --data DATASET; give that with it")
    require_predictions_place(out)
    require_errors_place(out)
    run = Path(arguments.run)
    producer = f"{approach}: {run.name}"
    sinks, job = sinks_of(arguments), job_of(run)
    templates = None if arguments.reference is None else Templates(Path(arguments.reference))
    if templates is not None:
        if arguments.overlays is not None:
            place = Path(arguments.overlays)
            require_pictures_folder(place, "--overlays", ".png", [templates.folder], "whose pictures are templates")
        job |= {"reference": str(templates.folder.resolve())}
    if arguments.watch is not None and arguments.engine != "local":
        raise InputError(f"--watch is for one process: leave --engine {arguments.engine} out")
    if arguments.watch is not None:
        if out.suffix == PARQUET:
            raise InputError(f"--out {out}: --watch appends lines; give a file that ends in .jsonl")
        if arguments.data is not None or arguments.images is not None:
            raise InputError("--watch DIR takes the images that come into DIR: give neither --data nor --images")
        _require_overlays_place(arguments.overlays, [Path(arguments.watch)])
        header = PredictionHeader(producer, config, "best")
        return watch(Path(arguments.watch), out, header, job, predict, sinks=sinks, templates=templates)
    require_unwatched(out)
    inputs = select(arguments, templates)
    require_predictions_place(out, inputs.files_read)
    outputs = _apart(arguments, inputs)
    header = PredictionHeader(producer, config, "best", inputs.split)
    by_ray = None
    if arguments.engine == "ray":
        if make is None:
            raise InputError("--engine ray: this is predicted by one process; leave it out")
        by_ray = partial(make, arguments)
    # what several processes did at once, or drew beside, is no time of an image
    inputs = replace(inputs, outputs=outputs, is_timed=by_ray is None and arguments.overlays is None)
    return predict_inputs(inputs, out, header, job, arguments.resume, predict, by_ray)


def _require_overlays_place(overlays: str | None, read: Sequence[Path]) -> None:
    """Refuse overlays that could not be written, would be taken for further images, or replace files of others."""
    if overlays is not None:
        require_pictures_folder(Path(overlays), "--overlays", ".png", read, "whose images are predicted")


def _apart(arguments: Namespace, inputs: Inputs) -> Outputs:
    """What is written, held against what is read as far as that is known before.

    Raises:
        InputError: an input would be replaced, or overlays would lie among the images.
    """
    out = Path(arguments.out)
    files = (out, maps_path(out), errors_path(out), *gathering_paths(out))
    overlays = None if arguments.overlays is None else Path(arguments.overlays)
    outputs, named = Outputs(f"--out {out}", files, overlays), inputs.sources
    for path in inputs.files_read:
        outputs.require_kept(path)
    if isinstance(named, NamedImages):
        _require_overlays_place(arguments.overlays, named.images_read)
        for path in named.listed():
            outputs.require_apart(path)
    else:
        _require_overlays_place(arguments.overlays, inputs.folders_read)
    return outputs


def job_of(run: Path) -> dict[str, Any]:
    """What tells one model's predictions from another's of the same name: the hash of a run's manifest, or of the list
    of checksums in a bundle.
    """
    known = [path for path in (run / MANIFEST, run / BUNDLE_SUMS) if path.is_file()]
    return {"run_sha256": sha256(known[0]) if known else None}
