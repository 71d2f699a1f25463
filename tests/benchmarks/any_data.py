"""Each kind of data at the same training pixels, in one table: ours, torchvision's recipe, and the baseline.

python -m tests.benchmarks.any_data MAGNETIC_TILE NEU_DET --out runs/any_data
python -m tests.benchmarks.any_data ... --sets tiles,large --seeds 0 --skip torchvision_224     # some of it
python -m tests.benchmarks.any_data ... --first --megapixels 40                                 # one of each kind
python -m tests.benchmarks.any_data ... --table                                                 # train nothing

MAGNETIC_TILE and NEU_DET are those public sets as they come. Their datasets, devices of three fresh seeds and large
images are made in OUT/data, once; the trainings are `detect.compare_detectors`' cells below OUT, each made once. The
table has what is finished, with the number of trainings that each figure is a mean of.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data_tools import convert, splits, synth
from data_tools.core.printable import say_text
from data_tools.files.atomic import atomic_folder
from data_tools.report.markdown import pipes
from detect.compare_detectors import __main__ as compare_detectors
from detect.compare_detectors.table import shown
from tests.benchmarks import large_images

FIGURES = {"auc": 3, "ap50": 3, "ap": 3, "hit_rate": 3, "peak_px": 1}
HEADINGS = ("AUC", "AP50", "AP", "hit rate", "peak distance, px", "AP50 of ours minus its")
LARGE = ("1024 to 2048 px", (100, 20, 30), 2048)


@dataclass(frozen=True)
class Kind:
    """A kind of data.

    Attributes:
        title: in the table.
        make: writes its datasets below a folder, from the tiles and NEU-DET, and returns theirs.
        approaches: that are compared on it.
        parts: what its datasets are, if there are several.
    """

    title: str
    make: Callable[[Path, Path, Path], list[Path]]
    approaches: tuple[str, ...] = ("ours", "torchvision_224", "baseline")
    parts: str = ""

    def titled(self, first: bool) -> str:
        """The title, with the part that was taken of it."""
        if not self.parts:
            return self.title
        return f"{self.title}, the first of {self.parts}" if first else f"{self.title}, {self.parts}"


def _run(command: Callable[[Sequence[str] | None], int], words: Sequence[str]) -> None:
    with redirect_stdout(sys.stderr):
        status = command(words)
    if status:
        raise SystemExit(status)


def _devices(folder: Path, tiles: Path, neu: Path) -> list[Path]:
    made = [folder / f"devices_{seed}" for seed in (101, 102, 103)]
    for place in made:
        if not place.exists():
            _run(synth.main, ["--out", str(place), "--good", "900", "--defect", "600", "--seed", place.name[-3:]])
    return made


def _tiles(folder: Path, tiles: Path) -> Path:
    if not (folder / "tiles").exists():
        _run(convert.main, [str(tiles), "--out", str(folder / "tiles")])
    return folder / "tiles"


def _folds(data: Path, out: Path) -> list[Path]:
    if not out.exists():
        _run(splits.main, [str(data), "--folds", "5", "--out", str(out)])
    return sorted(out.glob("fold_*"))


def _tile_folds(folder: Path, tiles: Path, neu: Path) -> list[Path]:
    return _folds(_tiles(folder, tiles), folder / "folds")


def _neu(folder: Path, tiles: Path, neu: Path) -> list[Path]:
    if not (folder / "neu").exists():
        _run(convert.main, [str(neu), "--out", str(folder / "neu"), "--categories", "types"])
    return _folds(folder / "neu", folder / "neu_folds")


def _large(folder: Path, tiles: Path, neu: Path, name: str = "large") -> list[Path]:
    _, counts, most = LARGE
    if not (folder / name).exists():
        with atomic_folder(folder / "large") as place, atomic_folder(folder / "large_apart") as apart:
            large_images.make(_tiles(folder, tiles), place, 0, counts, most, apart)
    return [folder / name]


KINDS = {
    "devices": Kind("synthetic devices", _devices, parts="three sets"),
    "tiles": Kind("magnetic tiles", _tile_folds, parts="five folds"),
    "neu": Kind("NEU-DET, six types", _neu, ("ours", "torchvision_224"), parts="five folds"),
    "large": Kind(f"trays of tiles, {LARGE[0]}", _large, ("ours", "squeezed", "baseline")),
    "large_apart": Kind("the trays' tiles, each an image", partial(_large, name="large_apart"), ("ours", "baseline")),
}


def rows_of(title: str, comparison: dict[str, Any]) -> list[list[str]]:
    """The rows of one kind of data, of what `detect.compare_detectors` has found."""
    rows = []
    for approach, figures in comparison["approaches"].items():
        less = comparison["against_ours"].get(approach, {}).get("ap50")
        paired = "" if less is None else shown(less, key="difference")
        values = [shown(figures.get(name), digits) for name, digits in FIGURES.items()]
        rows.append([title, approach, str(len(comparison["runs"][approach])), *values, paired])
    return rows


def main() -> int:
    """Make what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tiles", type=Path)
    parser.add_argument("neu", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(KINDS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--skip", default="", help="approaches that are not to be trained, comma-separated")
    parser.add_argument("--first", action="store_true", help="of each kind the first dataset alone")
    parser.add_argument("--megapixels", help="of each training; default: what ours takes by the recipe")
    parser.add_argument("--table", action="store_true", help="train nothing")
    words = parser.parse_args()
    (words.out / "data").mkdir(parents=True, exist_ok=True)
    table, status = [["data", "approach", "runs", *HEADINGS]], 0
    for name in words.sets.split(","):
        kind, out = KINDS[name], words.out / name
        data = [str(folder) for folder in kind.make(words.out / "data", words.tiles, words.neu)]
        data = data[:1] if words.first else data
        approaches = [one for one in kind.approaches if words.table or one not in words.skip.split(",")]
        flags = ["--approaches", ",".join(approaches), "--seeds", words.seeds, "--recipe", words.recipe]
        flags += ["--megapixels", words.megapixels] if words.megapixels else []
        flags += ["--table"] if words.table else []
        with redirect_stdout(sys.stderr):
            failed = compare_detectors.main(["--data", *data, *flags, "--out", str(out)])
        status |= failed
        if not failed:
            comparison = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
            table += rows_of(kind.titled(words.first), comparison)
    say_text(pipes(table))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
