"""How well do the boxes of two shots of one part agree? No detector can be expected to fit a box better than that.

python -m tests.benchmarks.bench_label_agreement --data datasets/magnetic_tile

Every shot with boxes is laid over every other one of its group, moved to where the two images correlate most. For each
of its boxes the best overlap with the other's moved boxes is taken. Printed for each type: the groups with two such
shots or more, the mean correlation, and with 95 % intervals over groups the share of boxes that overlap by half and by
three quarters. An overlap is found at half the resolution, so a shift is exact to a pixel or two.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

from data_tools.commands.parser import run_command
from data_tools.core.geometry import iou
from data_tools.core.records import BOXED, Sample
from data_tools.files.dataset_folder import images_root_of, read_dataset
from data_tools.files.images import read_gray, resolve_under
from data_tools.metrics.bootstrap import Clusters, distributions, mean_of, percentile_interval
from data_tools.report.cells import with_interval
from data_tools.report.markdown import pipes

Floats = NDArray[np.float64]

STEP = 2
_LEAST_OVERLAP = 0.4  # of the smaller image
_COARSE_PX = 20.0
_GRAY_NOISE = 2.0


@dataclass(frozen=True)
class Agreement:
    """One box beside the boxes of another shot: their group, type, the images' correlation and the best overlap."""

    group: str
    type: str
    correlation: float
    overlap: float


def texture(gray: NDArray[np.uint8]) -> Floats:
    """(height, width) gray values -> what differs from the surroundings, of equal strength everywhere, each STEP-th."""
    fine = gray - gaussian_filter(gray.astype(np.float64), _COARSE_PX)
    fine = gaussian_filter(fine, STEP / 2)
    strength = np.sqrt(gaussian_filter(fine * fine, _COARSE_PX))
    textured: Floats = (fine / (strength + _GRAY_NOISE))[::STEP, ::STEP]
    return textured


def best_shift(first: Floats, second: Floats) -> tuple[int, int, float]:
    """x and y to move `second` by, in its pixels, so that it correlates most with `first`; and that correlation.

    Normalised over the common part (Padfield, IEEE TIP 2012), which is at least 0.4 of the smaller one.
    """
    size = [a + b - 1 for a, b in zip(first.shape, second.shape, strict=True)]
    padded = [fft.next_fast_len(side, real=True) for side in size]
    flipped = second[::-1, ::-1]

    def sums(of_first: Floats, of_second: Floats) -> Floats:
        product = fft.rfft2(of_first, padded) * fft.rfft2(of_second, padded)
        cut: Floats = fft.irfft2(product, padded)[: size[0], : size[1]]
        return cut

    ones_first, ones_second = np.ones_like(first), np.ones_like(second)
    energy = sums(first**2, ones_second) * sums(ones_first, flipped**2)
    correlation = sums(first, flipped) / np.sqrt(np.maximum(energy, 1e-6))
    correlation[sums(ones_first, ones_second) < _LEAST_OVERLAP * min(first.size, second.size)] = -1.0
    row, column = np.unravel_index(int(correlation.argmax()), correlation.shape)
    return int(column) - second.shape[1] + 1, int(row) - second.shape[0] + 1, float(correlation[row, column])


def agreements(samples: Sequence[Sample], images_root: Path) -> Iterator[Agreement]:
    """Each box of each boxed shot beside each other boxed shot of its group."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.status == BOXED:
            groups[sample.group].append(sample)
    for group, shots in tqdm(groups.items(), desc="groups", leave=False, mininterval=1.0):
        textures = {s.image_id: texture(read_gray(resolve_under(images_root, s.path))) for s in shots}
        for first, second in combinations(shots, 2):
            x, y, correlation = best_shift(textures[first.image_id], textures[second.image_id])
            shift = STEP * np.array([x, y, x, y])
            for one, other, moved_by in ((first, second, shift), (second, first, -shift)):
                height, width = one.size_hw
                moved = np.clip(other.boxes_xyxy + moved_by, 0, [width, height, width, height])
                for box_type, overlaps in zip(one.box_types, iou(one.boxes_xyxy, moved), strict=True):
                    yield Agreement(group, box_type, correlation, float(overlaps.max()))


def describe(found: Sequence[Agreement]) -> str:
    """A Markdown table, a row for all boxes and one for each type."""
    lines = [["boxes", "groups", "correlation", "overlap >= 0.5", "overlap >= 0.75"]]
    for name in ("all", *sorted({one.type for one in found})):
        rows = [one for one in found if name in ("all", one.type)]
        groups, overlaps = Clusters.of([one.group for one in rows]), np.array([one.overlap for one in rows])
        shares = []
        for least in (0.5, 0.75):
            reached = (overlaps >= least).astype(np.float64)
            ends = percentile_interval(distributions(groups, [mean_of(reached, groups)], seed=0)[:, 0])
            shares.append(with_interval(float(reached.mean()), ends, 3))
        correlation = np.mean([one.correlation for one in rows])
        lines.append([name, str(groups.total), f"{correlation:.2f}", *shares])
    return pipes(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run and print; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="dataset folder with images, boxes and groups")
    return run_command(parser, lambda arguments: _print_agreement(arguments.data), argv)


def _print_agreement(folder: Path) -> int:
    dataset = read_dataset(folder)
    found = list(agreements(dataset.samples, images_root_of(dataset, folder)))
    boxed = {sample.group for sample in dataset.samples if sample.status == BOXED}
    compared = {one.group for one in found}
    print(f"groups with boxes: {len(boxed)}, with boxes in two shots or more: {len(compared)}")
    if found:
        print(describe(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
