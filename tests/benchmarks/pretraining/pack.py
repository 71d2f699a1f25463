"""A finished detector's weights as the file that `--model.weights defects` loads.

python -m tests.benchmarks.pretraining.pack RUN data_tools/networks/pretrained/defects_lite0.safetensors

Matrices and filters in float16, the rest as it is; without the rows that tell types of flaws.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from data_tools.files.checkpoint_files import best_weights
from data_tools.files.runs import read_manifest
from detect.first_weights import RATIOS, SCALES


def packed(run: Path) -> dict[str, Tensor]:
    """What is kept of a run."""
    state = {key: _small(value) for key, value in load_file(best_weights(run)).items()}
    for key in ("image_head.linear.weight", "image_head.linear.bias"):
        state[key] = state[key][:1].clone()
    anchors = read_manifest(run).values["anchors"]
    return state | {RATIOS: torch.tensor(anchors["ratios"]), SCALES: torch.tensor(anchors["scales"])}


def _small(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() and value.ndim > 1 else value


if __name__ == "__main__":
    save_file(packed(Path(sys.argv[1])), sys.argv[2])
