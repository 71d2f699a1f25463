"""A dataset folder -> annotation files of another tool, so that its boxes can be reviewed there.

python -m data_tools.export datasets/devices --format coco --out devices.json
python -m data_tools.export datasets/devices --format voc --out devices_voc --copy
python -m data_tools.export datasets/devices --format yolo --out devices_yolo --copy --split train
python -m data_tools.export datasets/devices --format csv --out devices.csv

Classes are the types of the boxes. What a format cannot say, such as a defect without a box in voc and yolo, is
counted and named.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jsonargparse import Namespace
from tqdm import tqdm

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, UNBOXED, Dataset
from data_tools.files.atomic import atomic_folder
from data_tools.files.dataset_folder import images_root_of, read_dataset, split_of
from data_tools.files.images import resolve_under
from data_tools.formats.registry import Format, formats

_IMAGES = "images"
_SHOWN = 5


def build_parser() -> Parser:
    """The command line of `python -m data_tools.export`."""
    parser = Parser(prog="data_tools.export", description="Dataset folder -> annotation files of another tool.")
    parser.add_argument("data", type=str, help="dataset folder")
    parser.add_argument("--format", choices=tuple(_writers()), required=True, help="what to write")
    parser.add_argument(
        "--out", type=str, required=True, help="the file (coco, csv) or new folder (voc, yolo) to write"
    )
    parser.add_argument("--split", choices=(*SPLIT_NAMES, "all"), default="all", help="which part of the dataset")
    parser.add_argument("--copy", action="store_true", help="voc, yolo: copy the images to images/ in --out")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _export, argv)


def _export(arguments: Namespace) -> int:
    data, out = Path(arguments.data), Path(arguments.out)
    form = _writers()[arguments.format]
    dataset = _chosen(read_dataset(data), data, arguments.split)
    _check_place(out, data, form, arguments.copy)
    assert form.write is not None
    if form.written_suffix:
        form.write(dataset, out)
    else:
        with atomic_folder(out) as folder:
            form.write(dataset, folder)
            if arguments.copy:
                _copy_images(dataset, images_root_of(dataset, data), folder / _IMAGES)
    print(_summary(out, dataset, form))
    return 0


def _writers() -> dict[str, Format]:
    return {name: one for name, one in formats().items() if one.write is not None}


def _chosen(dataset: Dataset, data: Path, split: str) -> Dataset:
    """The dataset reduced to one split.

    Raises:
        InputError: it has no splits, or nothing in this one.
    """
    return replace(dataset, samples=split_of(dataset, data, split), splits=None)


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


def _copy_images(dataset: Dataset, root: Path, folder: Path) -> None:
    # a defect that is left out must not lie there without annotation, which means good in yolo
    exported = [sample for sample in dataset.samples if sample.status != UNBOXED]
    for sample in tqdm(exported, desc="images", leave=False, mininterval=1.0):
        source, target = resolve_under(root, sample.path), resolve_under(folder, sample.path)
        if not source.is_file():
            raise InputError(f"{source}: no such image; convert the dataset again, or export without --copy")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _summary(out: Path, dataset: Dataset, form: Format) -> str:
    """What was written, and what the format cannot say."""
    boxes = sum(len(sample.boxes_xyxy) for sample in dataset.samples)
    lines = [f"{out}: {len(dataset.samples)} images, {boxes} boxes, format {form.name}, corners {form.corners}"]
    unboxed = [sample.path for sample in dataset.samples if sample.status == UNBOXED]
    if unboxed and not form.written_suffix:
        shown = ", ".join(unboxed[:_SHOWN]) + (", ..." if len(unboxed) > _SHOWN else "")
        lines[0] = lines[0].replace(f"{len(dataset.samples)} images", f"{len(dataset.samples) - len(unboxed)} images")
        lines.append(f"left out: {len(unboxed)} defects without a box, which {form.name} cannot say: {shown}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
