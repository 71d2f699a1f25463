"""Defect-area files or annotated folders -> a dataset folder.

python -m data_tools.convert areas/*.csv --size 267,275 --out datasets/areas          # boxes without images
python -m data_tools.convert areas/*.csv --images IMAGES --out datasets/devices
python -m data_tools.convert MAGNETIC_TILE --format mask --out datasets/magnetic_tile

python -m data_tools.convert ANY_FOLDER --out datasets/mine                           # the format is recognised

Whatever is not converted stands in rejects.csv with its file, line, image and reason; what was mended, in mended.csv.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import yaml
from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.converting.convert import Conversion, convert
from data_tools.core.errors import InputError
from data_tools.core.printable import say_text
from data_tools.files.places import require_writable
from data_tools.formats.registry import ReadOptions, formats
from data_tools.formats.tables.columns import find_columns, find_label_columns
from data_tools.splitting.deal import FRACTIONS, parse_shares

_TYPE_MAP = "--type_map"


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
        "--split",
        type=str,
        default=",".join(map(str, FRACTIONS)),
        help="shares of train,val,test; given keeps the publisher's split, by folders or lists; or none",
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
    parser.add_argument(
        "--gray_range",
        type=str | None,
        default=None,
        help="LO,HI: darkest and brightest gray value of images of more than 8 bits, which are copied, stretched",
    )
    parser.add_argument(
        "--strict", action="store_true", help="write nothing and exit 2 if anything is rejected or warned about"
    )
    parser.add_argument("--replace", action="store_true", help="put the new dataset in place of the one in --out")
    _add_reading(parser)
    return parser


def _add_reading(parser: Parser) -> None:
    """The arguments that say how a source is read."""
    parser.add_argument(
        "--unlabelled",
        choices=("reject", "good"),
        default="reject",
        help="what an image is of which nothing says that it is good or defective: listed as a reject, or good",
    )
    parser.add_argument(
        "--templates",
        choices=("ignore", "good"),
        default="ignore",
        help="what the templates of paired sets are (DeepPCB's _temp): left out, or good images",
    )
    parser.add_argument(
        "--columns",
        type=str | None,
        default=None,
        help="names of the columns of CSV files without a header, or anew, such as image,x1,y1,x2,y2,class",
    )
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
        _TYPE_MAP, type=dict[str, str], default={}, help="new names for types, as '{old: new, other: new}'"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _convert, lambda: _spelled(sys.argv[1:] if argv is None else argv))


def _spelled(words: Sequence[str]) -> list[str]:
    """A command line whose --type_map holds text alone: the types 1 and no are no number and no false."""
    spelled = list(words)
    for place, word in enumerate(words):
        if word == _TYPE_MAP and place + 1 < len(words):
            spelled[place + 1] = _texts(words[place + 1])
        elif word.startswith(f"{_TYPE_MAP}="):
            spelled[place] = f"{_TYPE_MAP}={_texts(word.partition('=')[2])}"
    return spelled


def _texts(mapping: str) -> str:
    """A mapping in YAML as JSON, its keys and values as they are spelled; what is no mapping of texts as it is.

    Raises:
        InputError: a key stands twice.
    """
    try:
        node = yaml.compose(mapping, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return mapping
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    if not pairs or not all(isinstance(one, yaml.ScalarNode) for pair in pairs for one in pair):
        return mapping
    texts = {key.value: value.value for key, value in pairs}
    if len(texts) < len(pairs):
        raise InputError(f"{_TYPE_MAP} {mapping}: a type stands twice")
    return json.dumps(texts, ensure_ascii=False)


def _convert(arguments: Namespace) -> int:
    how = Conversion(
        format=arguments.format,
        read=_options(arguments),
        categories=arguments.categories,
        shares=_shares(arguments.split),
        group_by=arguments.group_by,
        seed=arguments.seed,
        copy=arguments.copy,
        gray_range=_gray_range(arguments.gray_range),
        strict=arguments.strict,
        replace=arguments.replace,
    )
    require_writable(Path(arguments.out).parent, f"--out {arguments.out}")
    say_text(convert([Path(name) for name in arguments.source], Path(arguments.out), how))
    return 0


def _shares(text: str) -> tuple[float, float, float] | Literal["given"] | None:
    if text == "given":
        return "given"
    return None if text == "none" else parse_shares(text, ", given, or none")


def _options(arguments: Namespace) -> ReadOptions:
    if arguments.min_area < 1 or arguments.merge_distance < 0:
        raise InputError("--min_area is at least 1, and --merge_distance at least 0")
    images = None if arguments.images is None else Path(arguments.images).resolve()
    if images is not None and not images.is_dir():
        raise InputError(f"--images {arguments.images}: no such folder")
    return ReadOptions(
        images=images,
        size_hw=_size(arguments.size),
        corners=arguments.corners,
        min_area=arguments.min_area,
        merge_distance=arguments.merge_distance,
        type_map=arguments.type_map,
        unlabelled=arguments.unlabelled,
        templates=arguments.templates,
        columns=_columns(arguments.columns),
    )


def _columns(text: str | None) -> tuple[str, ...]:
    names = () if text is None else tuple(name.strip() for name in text.split(","))
    if text is not None and find_columns(names) is None and find_label_columns(names) is None:
        raise InputError(
            f"--columns {text}: names the image and its box, such as image,x1,y1,x2,y2,class, or its label: image,label"
        )
    return names


def _gray_range(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--gray_range {text}: LO,HI, darkest and brightest gray value, such as 0,4095") from error
    return low, high


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


if __name__ == "__main__":
    raise SystemExit(main())
