"""Settings that fit themselves to the data: what a dataset looks like, and the decisions that follow from it.

A decision says its reason and is stored with the run. What the user gives is not decided, and what is decided goes with
it. None depends on the clock or on test images.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, Dataset
from data_tools.files.dataset_folder import require_splits
from data_tools.loading.input_config import PAIRED
from data_tools.loading.layout import Layout, layout_of_samples
from data_tools.loading.readable import require_readable
from data_tools.loading.reference import decide_reference
from data_tools.loading.transforms import PreprocessConfig
from data_tools.splitting.deal import take_share
from data_tools.training.fit_config import FitConfig

RecipeName = Literal["quick", "standard", "thorough"]
RECIPES: tuple[RecipeName, ...] = get_args(RecipeName)
DEFAULT_RECIPE: RecipeName = "standard"

SMALL_TENTH = 0.1
LEAST_SPAN_PX = 8.0  # input pixels that the smallest tenth of box sides spans: two cells of the finest feature map
_MOST_GROWTH = 4
_MOST_PASSES, _FEWEST_STEPS = 100, 100
_VALIDATING = 0.3  # images validated for each image trained on, at most
_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 10
_WARMUP_SHARE = 0.1
_MOST_PADDING = 4.0  # times an image's pixels, for each of a full batch
_HARDLY_LARGER = 1.5  # times the budget: so many pixels are not worth squeezing


Given = Mapping[str, Any]
"""The user's own settings by dotted key, such as {"fit.steps": 500}."""


@dataclass(frozen=True)
class Effort:
    """What a recipe may spend.

    Attributes:
        base: the installed configuration that the decisions change.
        pixels: of an image as the network sees it; half as many more where that is all of it.
        steps: optimizer steps, fewer where images have more pixels.
        passes: through the training images at least; `steps` grow for them, fourfold at most.
        batch_size: images a step.
    """

    base: str
    pixels: int
    steps: int
    passes: int
    batch_size: int


@dataclass(frozen=True)
class Decision:
    """A setting that the data decided: its dotted key, its value as JSON knows it, and why."""

    key: str
    value: Any
    reason: str


@dataclass(frozen=True)
class Plan:
    """A recipe as it fits a dataset.

    Attributes:
        recipe: its name.
        base: the installed configuration that is changed.
        decisions: the changes.
    """

    recipe: RecipeName
    base: str
    decisions: tuple[Decision, ...]

    def values(self) -> dict[str, Any]:
        """The decided values by dotted key."""
        return {decision.key: decision.value for decision in self.decisions}

    def describe(self) -> str:
        """A line a decision."""
        width = max((len(decision.key) for decision in self.decisions), default=0)
        lines = [f"  {one.key:<{width}}  {_short(one.value)}: {one.reason}" for one in self.decisions]
        head = f"recipe {self.recipe} on top of the configuration {self.base!r}, decided by the data:"
        return "\n".join([head, *lines])


@dataclass(frozen=True)
class Facts:
    """What a recipe looks at, in what is learned from of the train split, and how many images validation has.

    Attributes:
        images, good, boxed, unboxed: numbers of training images.
        sizes_hw: (n, 2) of the training images, in pixels, without what preprocessing crops.
        boxes_hw: (m, 2) heights and widths of the training boxes, in original pixels.
        boxes_image: (m,) the row in `sizes_hw` of the image that each box lies in.
        types: how many training images each type of defect has.
        validation: number of validation images.
        layout: what the training images share.
    """

    images: int
    good: int
    boxed: int
    unboxed: int
    sizes_hw: NDArray[np.int64]
    boxes_hw: NDArray[np.float64]
    boxes_image: NDArray[np.int64]
    types: Mapping[str, int]
    validation: int
    layout: Layout

    @property
    def pixels(self) -> float:
        """Median of the images' pixels."""
        return float(np.median(self.sizes_hw.prod(axis=1)))

    @property
    def small_side(self) -> float | None:
        """Pixels below which a tenth of the boxes' shorter sides lies; None without boxes."""
        if not len(self.boxes_hw):
            return None
        return float(np.quantile(self.boxes_hw.min(axis=1), SMALL_TENTH))

    def padding(self, pixels: int) -> float:
        """How many times the largest image's pixels a batch takes for each, in which every image has its place.

        Args:
            pixels: of an image as the network sees it, at most.
        """
        seen = self.sizes_hw * np.minimum((pixels / self.sizes_hw.prod(axis=1)) ** 0.5, 1.0)[:, None]
        return float(seen.max(axis=0).prod() / seen.prod(axis=1).max())

    @property
    def most_boxes(self) -> int:
        """In one image; 0 without boxes."""
        return int(np.bincount(self.boxes_image, minlength=1).max())

    def windows(self, side: float) -> float:
        """How many windows of that side an image has, the mean; across a strip narrower than one there is one."""
        return float(np.maximum(self.sizes_hw / side, 1.0).prod(axis=1).mean())

    def of_boxes(self, chosen: NDArray[np.bool_]) -> "Facts":
        """The same with some of the boxes (m,), and the images that they lie in alone."""
        rows, places = np.unique(self.boxes_image[chosen], return_inverse=True)
        return replace(self, sizes_hw=self.sizes_hw[rows], boxes_hw=self.boxes_hw[chosen], boxes_image=places)


def look_at(dataset: Dataset, root: Path, given: Given | None = None) -> Facts:
    """The facts of a dataset with splits and images under `root`.

    Args:
        dataset, root: see above.
        given: of which fit.train_share, fit.seed and input.preprocess.crop_px count.

    Raises:
        InputError: no splits, an empty train split, a share or crop that leaves too little, or images of any split
            that cannot be read.
    """
    require_splits(dataset, dataset.folder)
    everything, given = dataset.split("train"), given or {}
    if not everything:
        raise InputError(f"{dataset.folder}: the train split is empty")
    require_readable(dataset, root)
    samples = take_share(everything, given.get("fit.train_share", 1.0), given.get("fit.seed", FitConfig.seed))
    preprocess = PreprocessConfig(crop_px=given.get("input.preprocess.crop_px", 0))
    windows = np.array([preprocess.window(sample.size_hw) for sample in samples])
    boxes = [sample.boxes_xyxy if sample.status == BOXED else np.zeros((0, 4)) for sample in samples]
    corners = np.concatenate(boxes)
    statuses = Counter(sample.status for sample in samples)
    return Facts(
        len(samples),
        statuses[GOOD],
        statuses[BOXED],
        len(samples) - statuses[GOOD] - statuses[BOXED],
        np.stack([windows[:, 3] - windows[:, 1], windows[:, 2] - windows[:, 0]], axis=1),
        np.stack([corners[:, 3] - corners[:, 1], corners[:, 2] - corners[:, 0]], axis=1),
        np.repeat(np.arange(len(samples)), [len(of_one) for of_one in boxes]),
        Counter(sample.type for sample in samples if sample.is_defect),
        len(dataset.split("val")),
        layout_of_samples(everything, root),  # as `data_tools.training.batches.decide_by_layout` has it
    )


def left_open(decisions: Iterable[Decision], given: Given) -> tuple[Decision, ...]:
    """The decisions about what is not given, and has an effect beside it."""
    closed = set(given)
    if given.get("input.size_hw") is not None:
        closed.add("input.max_pixels")
    if given.get("fit.epochs") is not None and given.get("fit.steps") is None:
        closed |= {"fit.steps", "fit.epoch_steps"}
    return tuple(one for one in decisions if one.key not in closed)


def most_pixels(facts: Facts, effort: Effort) -> int:
    """Pixels of an image as the network sees it, at most.

    The budget, or all of an image that is hardly larger: to squeeze that would blur thin lines and spare little.
    """
    hardly_larger = effort.pixels < facts.pixels <= _HARDLY_LARGER * effort.pixels
    return round(facts.pixels) if hardly_larger else effort.pixels


def decide_budget(
    facts: Facts, effort: Effort, pixels: int, looks: float = 1.0, given: Given | None = None
) -> tuple[Decision, ...]:
    """Batch, steps, steps from one validation to the next, and warm-up.

    Args:
        facts, effort: the data, and what may be spent on them.
        pixels: decided for an image; where they are more than the effort's, its steps are fewer.
        looks: how often a prediction looks at an image, its slices counted.
        given: of which fit.batch_size and the number of steps, also in epochs, count.
    """
    given = given or {}
    fitting = max(int(effort.batch_size * min(_MOST_PADDING / facts.padding(pixels), 1.0)), 1)
    batch = given.get("fit.batch_size") or min(fitting, facts.images)
    a_pass = facts.images / batch
    steps = given.get("fit.steps")
    if steps is None and given.get("fit.epochs") is not None:
        steps = given["fit.epochs"] * math.ceil(a_pass)
    if steps is None:
        spent = effort.steps * min(effort.pixels / pixels, 1.0)
        wanted = min(max(spent, effort.passes * a_pass), _MOST_GROWTH * spent)
        steps = _rounded(max(min(wanted, _MOST_PASSES * a_pass), _FEWEST_STEPS))
    epochs = _VALIDATING * steps * batch / max(facts.validation * looks, 1)
    epochs = int(np.clip(epochs, _FEWEST_EPOCHS, _MOST_EPOCHS))
    return (
        Decision(
            "fit.batch_size",
            batch,
            f"of {facts.images:,} training images"
            + ", as long ones that lie and stand are padded to squares" * (fitting < effort.batch_size),
        ),
        Decision(
            "fit.steps", steps, f"{steps * batch / facts.images:.1f} passes through {facts.images:,} training images"
        ),
        Decision(
            "fit.epoch_steps", -(-steps // epochs), f"{epochs} validations of {facts.validation:,} images, for the time"
        ),
        Decision("fit.warmup_steps", min(FitConfig.warmup_steps, round(_WARMUP_SHARE * steps)), "a tenth, or 50"),
    )


def decide_geometry(facts: Facts) -> Decision:
    """Mirrors and turns that the training images' common layout allows."""
    shared = f"training images share {facts.layout.shared:.0%} of their variance"
    return Decision("input.augment.geometry", facts.layout.geometry, shared)


def decide_difference(facts: Facts, in_windows: bool = False, reference: Path | str | None = None) -> Decision:
    """Whether the networks see how far an image is from good ones at each place, or from its template in a folder."""
    if reference is not None:
        return Decision("input.reference", PAIRED, f"each image has its template below {reference}")
    return Decision("input.reference", *decide_reference(facts.layout, facts.good, in_windows))


def _rounded(steps: float) -> int:
    """Steps to the nearest ten."""
    return max(round(steps / 10), 1) * 10


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_short(one) for one in value) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
