"""A dataset folder written in another format."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from data_tools.core.errors import InputError
from data_tools.core.records import UNBOXED, Sample
from data_tools.files.atomic import atomic_folder
from data_tools.files.dataset_folder import images_root_of, read_dataset, split_of
from data_tools.files.images import resolve_under
from data_tools.formats.registry import Format, formats

_IMAGES = "images"
_SHOWN = 5


def writers() -> dict[str, Format]:
    """The formats that can be written, by name."""
    return {name: one for name, one in formats().items() if one.write is not None}


def export_dataset(data: Path, out: Path, form: Format, split: str = "all", copy: bool = False) -> str:
    """Write a dataset folder, or one split of it, in a format of `writers`; a summary for people.

    Args:
        data: dataset folder.
        out: the file or new folder to write.
        form: of `writers`.
        split: "train", "val", "test" or "all".
        copy: copy the images to images/ in `out`, where the format is a folder.

    Raises:
        InputError: no such split, or a place that must not be written to.
    """
    dataset = read_dataset(data)
    samples = split_of(dataset, data, split)
    _check_place(out, data, form, copy)
    assert form.write is not None
    if form.written_suffix:
        form.write(dataset, out, samples)
    else:
        with atomic_folder(out) as folder:
            form.write(dataset, folder, samples)
            if copy:
                _copy_images(samples, images_root_of(dataset, data), folder / _IMAGES)
    advice = [] if form.advice is None else [form.advice(dataset)]
    return "\n".join([*_summary(out, samples, form), *advice])


def _check_place(out: Path, data: Path, form: Format, copy: bool) -> None:
    """Refuse to write into the dataset, over a folder with something in it, or a file of another kind."""
    if out.resolve().is_relative_to(data.resolve()):
        raise InputError(f"--out {out}: lies in the dataset {data}; give another place")
    if form.written_suffix:
        if out.is_dir() or out.suffix.lower() != form.written_suffix:
            raise InputError(f"--out {out}: {form.name} is written to one file that ends in {form.written_suffix}")
        if copy:
            raise InputError(f"--copy: {form.name} is one file; give the images' folder to the other tool")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out {out}: exists and is not an empty folder; give another place")


def _copy_images(samples: Sequence[Sample], root: Path, folder: Path) -> None:
    # a defect that is left out must not lie there without annotation, which means good in yolo
    exported = [sample for sample in samples if sample.status != UNBOXED]
    for sample in tqdm(exported, desc="images", leave=False, mininterval=1.0):
        source, target = resolve_under(root, sample.path), resolve_under(folder, sample.path)
        if not source.is_file():
            raise InputError(f"{source}: no such image; convert the dataset again, or export without --copy")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _summary(out: Path, samples: Sequence[Sample], form: Format) -> list[str]:
    """What was written, and what the format cannot say."""
    boxes = sum(len(sample.boxes_xyxy) for sample in samples)
    lines = [f"{out}: {len(samples)} images, {boxes} boxes, format {form.name}, corners {form.corners}"]
    unboxed = [sample.path for sample in samples if sample.status == UNBOXED]
    if unboxed and not form.written_suffix:
        shown = ", ".join(unboxed[:_SHOWN]) + (", ..." if len(unboxed) > _SHOWN else "")
        lines[0] = lines[0].replace(f"{len(samples)} images", f"{len(samples) - len(unboxed)} images")
        lines.append(f"left out: {len(unboxed)} defects without a box, which {form.name} cannot say: {shown}")
    return lines
