"""Overlays: true box, predicted boxes, heat map, the peaks and their distance, all approaches side by side.

python -m detect.visualize                                    # the newest run of each approach
python -m detect.visualize --runs RUN RUN --out overlays --num 24 --select random
python -m detect.visualize --ids 17 230 --format pdf
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import MOVED, Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.printable import say
from data_tools.files.dataset_folder import images_root_of
from data_tools.files.picture_places import require_pictures_folder
from data_tools.judging.evaluate import evaluate
from data_tools.judging.inputs import choose_runs, open_runs
from data_tools.report.outcomes import ImageOutcome, at_random, image_outcomes, thresholds_of, worst_first
from data_tools.report.overlays import View, describe_distance, draw_contact_sheet, draw_overlay, save_figure
from data_tools.report.thumbnails import read_sample

SHEET = "contact_sheet"
FORMATS = ("png", "svg", "pdf")
_MOST_ON_SHEET = 24
_LEAST_DPI, _MOST_DPI = 50, 1200


def build_parser() -> Parser:
    """The command line of `python -m detect.visualize`."""
    parser = Parser(prog="detect.visualize", description="Draw what each approach says of an image, and the truth.")
    parser.add_argument("--runs", nargs="+", type=str, default=None, help="run folders")
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder; by default that of the runs")
    parser.add_argument("--images", type=str | None, default=None, help=MOVED)
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--out", type=str, default="runs/overlays", help="folder for the pictures")
    parser.add_argument("--num", type=int, default=24, help="number of images")
    parser.add_argument(
        "--select",
        choices=("worst", "random"),
        default="worst",
        help="worst: peaks farthest from a true box, then escapes and overkills",
    )
    parser.add_argument("--ids", nargs="+", type=int, default=None, help="image ids, instead of --num and --select")
    parser.add_argument("--seed", type=int, default=0, help="of the random selection")
    parser.add_argument("--format", choices=FORMATS, default="png", help="svg and pdf have marks and text as vectors")
    parser.add_argument("--dpi", type=int, default=200, help="dots per inch of the pictures; a panel is 2.4 inches")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _visualize, argv)


def _visualize(arguments: Namespace) -> int:
    if arguments.num < 1:
        raise InputError(f"--num {arguments.num}: at least 1")
    if not _LEAST_DPI <= arguments.dpi <= _MOST_DPI:
        raise InputError(f"--dpi {arguments.dpi}: between {_LEAST_DPI} and {_MOST_DPI}")
    runs = choose_runs(arguments.runs)
    given = open_runs(runs, arguments.data, arguments.split)
    dataset = replace(given.dataset, images_root=Path(arguments.images)) if arguments.images else given.dataset
    root = images_root_of(dataset, Path(arguments.data) if arguments.data else runs[0].data)
    out, ending = Path(arguments.out), f".{arguments.format}"
    folders = [*([Path(arguments.data)] if arguments.data else [run.data for run in runs]), root]
    require_pictures_folder(out, "--out", ending, folders, "whose images are drawn")
    report = evaluate(given.dataset, arguments.split, given.entries, ("auc",))
    thresholds = thresholds_of(report)
    values = {label: threshold.value for label, threshold in thresholds.items()}
    chosen = _choose(image_outcomes(report.judged, thresholds), arguments)
    on_sheet: list[View] = []
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # speaks of each glyph that goes into a PDF
    for image in chosen:
        view = View(read_sample(image.sample, root), image.sample, image.predictions, values)
        on_sheet += [view] if len(on_sheet) < _MOST_ON_SHEET else []
        path = out / f"{image.sample.image_id:06d}_{_as_file_name(image.sample.type)}{ending}"
        save_figure(draw_overlay(view), path, arguments.dpi)
        distances = "  ".join(f"{label} {describe_distance(value)}" for label, value in image.distances.items())
        say(f"{path}  {', '.join(image.outcomes)}  {distances}".rstrip())
    save_figure(draw_contact_sheet(on_sheet), out / f"{SHEET}{ending}", arguments.dpi)
    say(out / f"{SHEET}{ending}")
    return 0


def _choose(images: Sequence[ImageOutcome], arguments: Namespace) -> list[ImageOutcome]:
    if arguments.ids:
        by_id = {image.sample.image_id: image for image in images}
        unknown = [number for number in arguments.ids if number not in by_id]
        if unknown:
            raise InputError(f"--ids: {unknown} are not in the {arguments.split} split")
        return [by_id[number] for number in arguments.ids]
    if arguments.select == "random":
        return at_random(images, arguments.num, arguments.seed)
    return worst_first(images, arguments.num)


def _as_file_name(text: str) -> str:
    """Letters, digits, dots, hyphens and underscores alone, so that a type's name cannot leave the folder."""
    return re.sub(r"[^\w.-]+", "_", text)[:60]


if __name__ == "__main__":
    raise SystemExit(main())
