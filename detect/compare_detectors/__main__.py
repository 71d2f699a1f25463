"""Which approach gives most for the same training pixels of the same images?

python -m detect.compare_detectors --data DATASET --seeds 0,1,2 --out runs/compare
python -m detect.compare_detectors ... --approaches ours,torchvision_224      # some of them
python -m detect.compare_detectors ... --table                                # only judge what is finished
python -m detect.compare_detectors --data FOLDS/fold_* ...                    # of data_tools.splits --folds
python -m detect.compare_detectors --data LARGE --approaches ours,squeezed,torchvision,baseline ...    # large images

Each cell (an approach with a seed) is trained in a process of its own, one after the other, until its network has seen
--megapixels of images at its own input size, by default as many as ours takes by its own settings. So no figure depends
on the machine; the minutes that each took stand in the table. A peer whose loss is not finite begins again at half of
its learning rate, at most three times, and its run says so. A second call skips finished cells, so a long comparison
can be made in pieces; one that fails is listed and the others go on (exit status 1). All are judged on the test split
by the same records. Of several datasets, which must be folds of one, each approach is trained on each: then every image
is tested once, and figures are means over folds. The peers are described in `torchvision_peer.py` and `effdet_peer.py`,
which says how to install the single-stage one. Writes OUT/comparison.json and OUT/comparison.md. The cells are run
folders, so `detect.evaluate --runs` compares any of them in pairs.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from subprocess import CalledProcessError

from data_tools.commands.parser import run_command
from data_tools.core.errors import InputError
from data_tools.core.printable import say_text
from data_tools.files.atomic import write_json, write_text
from data_tools.files.dataset_folder import read_dataset, require_splits
from data_tools.files.runs import require_tables_place
from data_tools.training.recipe import DEFAULT_RECIPE, RECIPES
from detect.compare_detectors.cells import DEFAULT_APPROACHES, SINGLE_STAGE, is_finished, plan, run, spent
from detect.compare_detectors.table import compare, judged_cells, require_disjoint, to_markdown

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="detect.compare_detectors", description=__doc__, formatter_class=layout)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="dataset folder with splits, or folds")
    parser.add_argument("--megapixels", type=float, help="of training for each cell; default: what ours would take")
    parser.add_argument("--seeds", type=_numbers, default=(0, 1, 2), help="such as 0,1,2")
    parser.add_argument(
        "--approaches",
        default=",".join(DEFAULT_APPROACHES),
        help="comma-separated; default: all but squeezed, which is ours without windows and slices",
    )
    parser.add_argument("--recipe", choices=RECIPES, default=DEFAULT_RECIPE, help="of ours and the baseline")
    parser.add_argument("--ours-config", help="of detect.train, in place of the recipe: installed name or file")
    parser.add_argument("--baseline-config", help="of classify.train, likewise")
    parser.add_argument("--out", type=Path, required=True, help="folder of the cells and of the table")
    parser.add_argument("--resamples", type=int, default=2000, help="of the bootstrap")
    parser.add_argument("--table", action="store_true", help="train nothing")
    return run_command(parser, _compare, argv)


def _compare(arguments: argparse.Namespace) -> int:
    datasets = {folder: read_dataset(folder) for folder in arguments.data}
    for folder, dataset in datasets.items():
        require_splits(dataset, folder)
    require_disjoint({str(folder): dataset.split("test") for folder, dataset in datasets.items()})
    if arguments.megapixels is not None and not arguments.megapixels > 0:
        raise InputError(f"--megapixels {arguments.megapixels}: above 0")
    require_tables_place(arguments.out, ("comparison.json", "comparison.md"), "--out")
    recipe = ("--recipe", arguments.recipe)
    configs = {"ours": arguments.ours_config, "baseline": arguments.baseline_config}
    settings = {name: recipe if one is None else ("--config", one) for name, one in configs.items()}
    approaches = arguments.approaches.split(",")
    cells = plan(approaches, arguments.seeds, datasets, arguments.megapixels, arguments.out, settings)
    waiting = [cell for cell in cells if not is_finished(cell)]
    if not arguments.table and any(cell.approach in SINGLE_STAGE for cell in waiting):
        from detect.compare_detectors.effdet_peer import import_effdet

        import_effdet()  # before hours of training, not after
    for number, cell in enumerate(() if arguments.table else waiting, start=1):
        log.info("training %d of %d: %s", number, len(waiting), cell)
        try:
            run(cell)
        except CalledProcessError as error:
            log.error("%s failed with status %d; see the message above", cell, error.returncode)
    finished = [cell for cell in cells if is_finished(cell)]
    if not finished:
        raise InputError(f"{arguments.out}: no finished cell to judge")
    comparison = compare(judged_cells(datasets, finished), arguments.resamples)
    used: dict[str, list[dict[str, float | None]]] = {}
    for cell in finished:
        used.setdefault(cell.approach, []).append(spent(cell))
    missing = [str(cell) for cell in cells if cell not in finished]
    megapixels = {cell.fold: cell.identity["megapixels"] for cell in cells}
    comparison |= {"megapixels": megapixels, "spent": used, "missing": missing}
    table = to_markdown(comparison, used)
    if missing:
        table += f"\n\nNot trained, or failed: {'; '.join(missing)}."
    say_text(table)
    write_json(arguments.out / "comparison.json", comparison)
    write_text(arguments.out / "comparison.md", table + "\n")
    return 1 if missing and not arguments.table else 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    raise SystemExit(main())
