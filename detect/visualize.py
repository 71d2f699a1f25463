"""Overlays: true box, predicted boxes, heat map, the peaks and their distance, all approaches side by side.

python -m detect.visualize                                    # the newest run of each approach
python -m detect.visualize --runs RUN RUN --out overlays --num 24 --select random
python -m detect.visualize --ids 17 230
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace
from PIL import Image

from data_tools.atomic import atomic_path
from data_tools.command import Parser, run_command
from data_tools.dataset_folder import images_root_of
from data_tools.errors import InputError
from data_tools.evaluate import evaluate
from data_tools.images import read_gray, resolve_under
from data_tools.report.cases import Case, at_random, gather, report_thresholds, worst_first
from data_tools.report.overlays import describe_distance, draw_overlay
from detect.evaluate import choose_runs, open_runs

SHEET = "contact_sheet.png"
_SHEET_COLUMNS, _SHEET_SIDE, _MOST_ON_SHEET = 2, 240, 24


def build_parser() -> Parser:
    """The command line of `python -m detect.visualize`."""
    parser = Parser(prog="detect.visualize", description="Draw what each approach says of an image, and the truth.")
    parser.add_argument("--runs", nargs="+", type=str, default=None, help="run folders")
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder; by default that of the runs")
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--out", type=str, default="runs/overlays", help="folder for the pictures")
    parser.add_argument("--num", type=int, default=24, help="number of images")
    parser.add_argument("--select", choices=("worst", "random"), default="worst", help="worst: peaks farthest from a "
                        "true box, then escapes and overkills")  # fmt: skip
    parser.add_argument("--ids", nargs="+", type=int, default=None, help="image ids, instead of --num and --select")
    parser.add_argument("--seed", type=int, default=0, help="of the random selection")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _visualize, argv)


def _visualize(arguments: Namespace) -> int:
    if arguments.num < 1:
        raise InputError(f"--num {arguments.num}: at least 1")
    runs = choose_runs(arguments.runs)
    judged = open_runs(runs, arguments.data, arguments.split)
    root = images_root_of(judged.dataset, Path(arguments.data) if arguments.data else runs[0].data)
    report = evaluate(judged.dataset, arguments.split, judged.entries, ("auc",))
    thresholds = report_thresholds(report)
    predictions = {entry.label: entry.predictions for entry in judged.entries}
    cases = gather(judged.dataset.split(arguments.split), predictions, thresholds)
    chosen = _choose(cases, arguments)
    values = {label: threshold.value for label, threshold in thresholds.items()}
    out = Path(arguments.out)
    for case in chosen:
        path = out / f"{case.sample.image_id:06d}_{case.sample.type}.png"
        _save(_draw(case, root, values, 560), path)
        distances = "  ".join(f"{label} {describe_distance(value)}" for label, value in case.distances.items())
        print(f"{path}  {', '.join(case.outcomes)}  {distances}".rstrip())
    _save(_contact_sheet([_draw(case, root, values, _SHEET_SIDE) for case in chosen[:_MOST_ON_SHEET]]), out / SHEET)
    print(out / SHEET)
    return 0


def _choose(cases: Sequence[Case], arguments: Namespace) -> list[Case]:
    if arguments.ids:
        by_id = {case.sample.image_id: case for case in cases}
        unknown = [number for number in arguments.ids if number not in by_id]
        if unknown:
            raise InputError(f"--ids: {unknown} are not in the {arguments.split} split")
        return [by_id[number] for number in arguments.ids]
    if arguments.select == "random":
        return at_random(cases, arguments.num, arguments.seed)
    return worst_first(cases, arguments.num)


def _draw(case: Case, root: Path, thresholds: dict[str, float], long_side: int) -> Image.Image:
    image = read_gray(resolve_under(root, case.sample.path))
    if image.shape != case.sample.size_hw:
        raise InputError(f"{case.sample.path} (image {case.sample.image_id}): has another size than annotated")
    return draw_overlay(image, case.sample, case.predictions, thresholds, long_side, legend=long_side > _SHEET_SIDE)


def _contact_sheet(pictures: Sequence[Image.Image]) -> Image.Image:
    """All pictures on one sheet, two in a row."""
    width = max(picture.width for picture in pictures)
    rows = [pictures[i : i + _SHEET_COLUMNS] for i in range(0, len(pictures), _SHEET_COLUMNS)]
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = Image.new("RGB", (width * min(_SHEET_COLUMNS, len(pictures)), sum(heights)), (255, 255, 255))
    y = 0
    for row, height in zip(rows, heights, strict=True):
        for column, picture in enumerate(row):
            sheet.paste(picture, (column * width, y))
        y += height
    return sheet


def _save(picture: Image.Image, path: Path) -> None:
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG")


if __name__ == "__main__":
    raise SystemExit(main())
