"""A dataset folder -> annotation files of another tool, so that its boxes can be reviewed there.

python -m data_tools.export datasets/devices --format coco --out devices.json
python -m data_tools.export datasets/devices --format voc --out devices_voc --copy
python -m data_tools.export datasets/devices --format yolo --out devices_yolo --copy --split train
python -m data_tools.export datasets/devices --format csv --out devices.csv
python -m data_tools.export datasets/devices --format labelstudio --out tasks.json
python -m data_tools.export datasets/devices --format cvat --out annotations.xml

Classes are the types of the boxes. What a format cannot say, such as a defect without a box in voc and yolo, is
counted and named.
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.converting.export import export_dataset, writers
from data_tools.core.printable import say_text
from data_tools.core.records import SPLIT_NAMES


def build_parser() -> Parser:
    """The command line of `python -m data_tools.export`."""
    parser = Parser(prog="data_tools.export", description="Dataset folder -> annotation files of another tool.")
    parser.add_argument("data", type=str, help="dataset folder")
    parser.add_argument("--format", choices=tuple(writers()), required=True, help="what to write")
    parser.add_argument(
        "--out",
        type=str,
        required=True,
        help="the file (coco, csv, labelstudio, cvat) or new folder (voc, yolo) to write",
    )
    parser.add_argument("--split", choices=(*SPLIT_NAMES, "all"), default="all", help="which part of the dataset")
    parser.add_argument("--copy", action="store_true", help="voc, yolo: copy the images to images/ in --out")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _export, argv)


def _export(arguments: Namespace) -> int:
    data, out, form = Path(arguments.data), Path(arguments.out), writers()[arguments.format]
    say_text(export_dataset(data, out, form, arguments.split, arguments.copy))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
