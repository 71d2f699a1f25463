"""Train one peer on a budget of pixels and write its predictions; the comparison starts this once for each cell.

python -m detect.compare_detectors.peer --approach torchvision --data DATASET --megapixels 200 --seed 0 --run FOLDER
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import torch

from data_tools.core.errors import InputError
from data_tools.core.printable import say
from data_tools.core.records import PredictionHeader, PredictionSet, Sample
from data_tools.files.atomic import write_json
from data_tools.files.dataset_folder import data_hash, images_root_of, read_dataset, require_splits
from data_tools.files.predictions import write_predictions
from data_tools.training.fit import seed_everything
from detect.compare_detectors import effdet_peer, torchvision_peer
from detect.compare_detectors.cells import PEERS
from detect.compare_detectors.training import Recipe, train_stably

SIDE = 224


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--approach", choices=PEERS, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--megapixels", type=float, required=True, help="of training images, as the network sees them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path, required=True, help="folder to write into")
    arguments = parser.parse_args(argv)
    try:
        train_and_predict(arguments.approach, arguments.data, arguments.megapixels, arguments.seed, arguments.run)
    except InputError as error:
        say(f"detect.compare_detectors: error: {error}", to=sys.stderr)
        return 2
    except FloatingPointError as error:
        say(f"detect.compare_detectors: {arguments.approach}, seed {arguments.seed}: {error}", to=sys.stderr)
        return 1
    return 0


def train_and_predict(approach: str, data: Path, megapixels: float, seed: int, folder: Path) -> None:
    """Fill a run folder: predictions of validation and test, then the manifest, which marks it as finished.

    Raises:
        InputError: unusable data, or the peer's package is not at hand.
        FloatingPointError: the loss is not finite at any of the learning rates.
    """
    dataset = read_dataset(data)
    require_splits(dataset, data)
    root = images_root_of(dataset, data)

    def seeded(lr_share: float) -> Recipe:
        seed_everything(seed)
        return build(approach, dataset.split("train"), root, len(dataset.categories), lr_share)

    recipe, spent = train_stably(seeded, megapixels)
    for split in ("val", "test"):
        header = PredictionHeader(f"{approach}: {folder.name}", recipe.settings, "last", split)
        predictions = recipe.predict(dataset.split(split), root)
        write_predictions(folder / "predictions" / f"{split}.jsonl", PredictionSet(header, tuple(predictions)))
    manifest = {
        "schema": 1,
        "approach": approach,
        "data": str(data.resolve()),
        "data_hash": data_hash(dataset),
        "seed": seed,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "threads": torch.get_num_threads(),
        "settings": recipe.settings,
        "result": asdict(spent) | {"training_minutes": round(spent.minutes, 2)},
    }
    write_json(folder / "manifest.json", manifest)


def build(approach: str, samples: Sequence[Sample], root: Path, num_classes: int, lr_share: float) -> Recipe:
    """The peer of that name, ready to train at a share of its recipe's learning rate."""
    if approach.startswith("torchvision"):
        side = SIDE if approach == "torchvision_224" else None
        return torchvision_peer.recipe(samples, root, num_classes, side, lr_share)
    return effdet_peer.recipe(samples, root, num_classes, approach == "single_stage_pretrained", lr_share)


if __name__ == "__main__":
    raise SystemExit(main())
