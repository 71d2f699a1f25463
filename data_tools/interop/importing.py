"""Predictions of any other tool as a PredictionSet."""

from collections.abc import Sequence
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, PredictionHeader, PredictionSet, Sample
from data_tools.files.dataset_folder import files_of, read_dataset, split_of
from data_tools.files.parquet_rows import PARQUET
from data_tools.files.predictions import SUFFIX, require_predictions_place, write_predictions
from data_tools.interop import coco_results, saliency_maps, tables
from data_tools.interop.foreign import ForeignFile, to_predictions
from data_tools.interop.naming import AUTO, Naming

FORMATS = ("coco", "maps", "points")


_SHOWN = 5


def import_predictions(
    source: Path,
    data: Path,
    out: Path,
    split: str = "test",
    form: str = "auto",
    producer: str | None = None,
    scores: Path | None = None,
    silent_is_error: bool = False,
    ids: str = AUTO,
) -> list[str]:
    """Write what another tool says of a split's images as a PredictionSet; what was read, for people.

    Args:
        source: COCO results (.json), a folder of maps, or points (.csv).
        data: dataset folder, which names the images.
        out: PredictionSet to write (.jsonl).
        split: "train", "val", "test" or "all".
        form: of `FORMATS`, or "auto".
        producer: for the header; by default the source's name.
        scores: CSV id,score with the score of every image.
        silent_is_error: refuse a source that says nothing of some image; else such an image abstains.
        ids: what a whole number calls an image by, of `data_tools.interop.naming.READINGS`.

    Raises:
        InputError: a source that cannot be read, or says nothing of the split; or a place where nothing can be written.
    """
    files = [] if source.is_dir() else [source]
    require_predictions_place(out, [*files, *files_of(data), *([] if scores is None else [scores])])
    dataset = read_dataset(data)
    samples = split_of(dataset, data, split)
    chosen = form if form != "auto" else _guess(source)
    foreign = _read(source, chosen, dataset, samples, ids)
    given, remarks = None, tuple[str, ...]()
    if scores is not None:
        given, remarks = tables.read_scores(scores, samples, Naming(dataset.samples, ids))
    wanted = {sample.image_id for sample in samples}
    own = {number: finding for number, finding in foreign.findings.items() if number in wanted}
    silent = [sample.path for sample in samples if sample.image_id not in own]
    if not own:
        raise InputError(f"{source}: says nothing of any image of the {split} split")
    if silent and silent_is_error:
        raise InputError(f"{source}: says nothing of {len(silent)} images, such as {', '.join(silent[:_SHOWN])}")
    header = PredictionHeader(producer or source.name, {"imported": chosen}, None, split)
    write_predictions(out, PredictionSet(header, to_predictions(samples, own, given)))
    lines = [f"{source} read as {chosen}: {len(own)} of {len(samples)} images of the split"]
    if chosen == "coco" and scores is None:
        lines.append("  an image scores as its best box does; --scores CSV gives scores of images")
    if chosen == "coco" and len(dataset.categories) > 1:
        named = ", ".join(f"{i} {name}" for i, name in enumerate(dataset.categories[:_SHOWN], start=1))
        more = ", ..." if len(dataset.categories) > _SHOWN else ""
        lines.append(f"  category_id read as the dataset numbers its classes: {named}{more}")
    if silent:
        lines.append(f"  nothing said of {len(silent)} images, such as {', '.join(silent[:_SHOWN])}")
    if len(foreign.findings) > len(own):
        lines.append(f"  {len(foreign.findings) - len(own)} images of other splits left out")
    return [*lines, *(f"  {note}" for note in foreign.notes), *(f"  {scores}: {remark}" for remark in remarks)]


def _guess(source: Path) -> str:
    if source.is_dir():
        return "maps"
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    by_suffix = {".json": "coco", ".csv": "points"}
    if source.suffix.lower() in (SUFFIX, PARQUET):
        raise InputError(f"{source}: is it a PredictionSet already? Then judge it with detect.evaluate --predictions")
    if source.suffix.lower() not in by_suffix:
        raise InputError(
            f"{source}: neither a folder of maps, COCO results (.json) nor points (.csv); say what it is with --format "
            f"{'|'.join(FORMATS)}"
        )
    return by_suffix[source.suffix.lower()]


def _read(source: Path, chosen: str, dataset: Dataset, samples: Sequence[Sample], ids: str) -> ForeignFile:
    naming = Naming(dataset.samples, ids)
    if chosen == "coco":
        return coco_results.read(source, samples, len(dataset.categories), naming)
    if chosen == "points":
        return tables.read_points(source, naming)
    if not source.is_dir():
        raise InputError(f"{source}: maps come as a folder")
    return saliency_maps.read(source, samples, dataset.samples, naming)
