"""Defect-area files or annotated folders -> a dataset folder.

python -m data_tools.convert areas/*.csv --size 267,275 --out datasets/areas          # boxes without images
python -m data_tools.convert areas/*.csv --images IMAGES --out datasets/devices
python -m data_tools.convert MAGNETIC_TILE --format mask --out datasets/magnetic_tile

python -m data_tools.convert ANY_FOLDER --out datasets/mine                           # the format is recognised

Whatever is not converted stands in rejects.csv with its file, line, image and reason; what was mended, in mended.csv.
"""

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.records import STATUSES, Dataset, Sample
from data_tools.files.atomic import atomic_folder
from data_tools.files.dataset_folder import ANNOTATIONS, MENDED, REJECTS, SPLITS, write_dataset
from data_tools.files.images import resolve_under
from data_tools.formats.registry import Findings, Format, ReadOptions, choose_format, formats
from data_tools.splits import FRACTIONS, describe_splits, make_splits, parse_shares
from data_tools.splitting.grouping import group_samples

SINGLE = "defect"
_OWN_FILES = {ANNOTATIONS, SPLITS, REJECTS, MENDED, "images"}
_SHOWN_REJECTS = 5


def build_parser() -> Parser:
    """The command line of `python -m data_tools.convert`."""
    parser = Parser(prog="data_tools.convert", description="Defect-area files or annotated folders -> dataset folder.")
    parser.add_argument("source", nargs="+", type=str, help="annotation files, or one annotated folder")
    parser.add_argument("--out", type=str, required=True, help="dataset folder to write")
    parser.add_argument("--images", type=str | None, default=None, help="folder with the images of a boxes-only source")
    known = ", ".join(f"{name}: {one.description}" for name, one in formats().items())
    parser.add_argument("--format", type=str, default="auto", help=f"auto, or one of {known}")
    parser.add_argument(
        "--corners",
        choices=("inclusive", "exclusive"),
        default=None,
        help="whether the right and lower corner pixels belong to a box; by default as the format says",
    )
    parser.add_argument(
        "--categories",
        choices=("single", "types"),
        default="single",
        help="one class 'defect', or one for each defect type",
    )
    parser.add_argument(
        "--split", type=str, default=",".join(map(str, FRACTIONS)), help="shares of train,val,test, or none"
    )
    parser.add_argument(
        "--group-by",
        type=str,
        default="auto",
        help="auto (the lot at the name's start, else capture numbers and "
        "near-duplicate images), none, or a regular expression on file names",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the splits")
    parser.add_argument("--copy", action="store_true", help="copy the images into the dataset folder")
    parser.add_argument("--strict", action="store_true", help="write nothing and exit 2 if anything is rejected")
    parser.add_argument(
        "--size",
        type=str | None,
        default=None,
        help="HEIGHT,WIDTH in pixels of every image, where the images are not at hand",
    )
    parser.add_argument("--min_area", type=int, default=10, help="mask regions with fewer pixels are listed, not boxed")
    parser.add_argument(
        "--merge_distance",
        type=int,
        default=0,
        help="mask regions with at most so many pixels between them make one box",
    )
    parser.add_argument(
        "--type_map", type=dict[str, str], default={}, help="new names for types, as '{old: new, other: new}'"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _convert, argv)


def _convert(arguments: Namespace) -> int:
    sources, out = [Path(name) for name in arguments.source], Path(arguments.out)
    options = _options(arguments)
    shares = parse_shares(arguments.split)
    _check_place(out, sources, options.images)
    chosen, why = choose_format(sources, arguments.format)
    findings = Findings()
    samples = list(chosen.read(sources, options, findings))
    if not samples:
        raise InputError(f"{sources[0]}: nothing to convert as {chosen.name}; {_first_rejects(findings)}")
    if arguments.strict and findings.rejects:
        raise InputError(f"--strict: {len(findings.rejects)} rejects, nothing written; {_first_rejects(findings)}")
    root = chosen.images_root(sources, options)
    if arguments.copy and root is None:
        raise InputError("--copy: there are no images to copy; give --images DIR")
    dataset = _assemble(samples, root, arguments, shares)
    with atomic_folder(out) as folder:
        if arguments.copy:
            dataset = replace(dataset, images_root=_copy_images(dataset, folder / "images"))
        write_dataset(folder, dataset, findings.rejects, findings.mended)
    print(_summary(out, dataset, findings, chosen, why))
    return 0


def _options(arguments: Namespace) -> ReadOptions:
    if arguments.min_area < 1 or arguments.merge_distance < 0:
        raise InputError("--min_area is at least 1, and --merge_distance at least 0")
    if arguments.seed < 0:
        raise InputError(f"--seed {arguments.seed}: at least 0")
    images = None if arguments.images is None else Path(arguments.images).resolve()
    if images is not None and not images.is_dir():
        raise InputError(f"--images {arguments.images}: no such folder")
    types = {key.lower(): value for key, value in arguments.type_map.items()}
    return ReadOptions(
        images, _size(arguments.size), arguments.corners, arguments.min_area, arguments.merge_distance, types
    )


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        height, width = (int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--size {text}: HEIGHT,WIDTH in pixels, such as 267,275") from error
    if height < 1 or width < 1:
        raise InputError(f"--size {text}: at least one pixel")
    return height, width


def _check_place(out: Path, sources: Sequence[Path], images: Path | None) -> None:
    """Refuse to replace anything but a dataset folder that no source lies in."""
    for path in (*sources, *([] if images is None else [images])):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        if path.resolve().is_relative_to(out.resolve()):
            raise InputError(f"{path} lies in --out {out}, which would be replaced; give another --out")
    if out.exists():
        foreign = sorted(p.name for p in out.iterdir() if p.name not in _OWN_FILES) if out.is_dir() else [out.name]
        if foreign:
            raise InputError(f"{out}: holds {foreign[0]!r}, which belongs to no dataset folder; give another --out")


def _assemble(
    samples: Sequence[Sample], root: Path | None, arguments: Namespace, shares: tuple[float, float, float] | None
) -> Dataset:
    """Ids from 1, class ids, groups and splits."""
    categories: tuple[str, ...] = (SINGLE,)
    if arguments.categories == "types":
        categories = tuple(sorted({name for sample in samples for name in sample.box_types})) or categories
    class_ids = {name: i for i, name in enumerate(categories, start=1)}
    groups, rule = group_samples([sample.path for sample in samples], root, arguments.group_by)
    numbered = tuple(
        replace(
            sample,
            image_id=i,
            group=group,
            labels=np.array([class_ids.get(name, 1) for name in sample.box_types], dtype=np.int64),
        )
        for i, (sample, group) in enumerate(zip(samples, groups, strict=True), start=1)
    )
    splits = None if shares is None else make_splits(numbered, shares, arguments.seed, rule)
    return Dataset(numbered, categories, root, splits)


def _copy_images(dataset: Dataset, folder: Path) -> Path:
    assert dataset.images_root is not None
    for sample in dataset.samples:
        target = folder / sample.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(resolve_under(dataset.images_root, sample.path), target)
    return folder


def _first_rejects(findings: Findings) -> str:
    shown = [
        f"{r.source}{'' if r.line is None else f', line {r.line}'}: {r.reason}"
        for r in findings.rejects[:_SHOWN_REJECTS]
    ]
    return "; ".join(shown) or "it holds no image that the format knows"


def _summary(out: Path, dataset: Dataset, findings: Findings, chosen: Format, why: str) -> str:
    """What was converted, how it is split, and what was not converted."""
    samples = dataset.samples
    boxes = sum(len(sample.boxes_xyxy) for sample in samples)
    groups = Counter(sample.group for sample in samples)
    lines = [
        f"{out}: {len(samples)} images, {boxes} boxes, format {chosen.name} ({why})",
        "status: " + ", ".join(f"{sum(s.status == status for s in samples)} {status}" for status in STATUSES),
        "types:  " + ", ".join(f"{n} {name}" for name, n in Counter(s.type for s in samples).most_common()),
        f"groups: {len(groups)}, the largest has {max(groups.values())} images",
    ]
    if dataset.splits is None:
        lines.append("splits: none")
    else:
        lines[-1] += f" ({dataset.splits.group_by})"
        lines += describe_splits(dataset)
    lines += [f"warning: {count} {text}" for text, count in findings.warnings.items()]
    if findings.mended:
        lines.append(f"mended: {len(findings.mended)}, listed in {out / MENDED}")
    reasons = Counter(_kind(reject.reason) for reject in findings.rejects)
    lines.append(f"rejects: {len(findings.rejects)}" + (f", listed in {out / REJECTS}" if findings.rejects else ""))
    lines += [f"  {count} {reason}" for reason, count in reasons.most_common()]
    return "\n".join(lines)


def _kind(reason: str) -> str:
    """A reason without the values in it, for counting."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\S*[/\\]\S*|-?\d[\d.]*", "…", reason)


if __name__ == "__main__":
    raise SystemExit(main())
