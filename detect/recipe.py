"""The detector's settings as the data decide them."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.printable import counted
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import images_root_of
from data_tools.loading.input_config import SliceConfig
from data_tools.training.recipe import (
    DEFAULT_RECIPE,
    LEAST_SPAN_PX,
    SMALL_TENTH,
    Decision,
    Effort,
    Facts,
    Given,
    Plan,
    RecipeName,
    decide_budget,
    decide_difference,
    decide_geometry,
    left_open,
    look_at,
    most_pixels,
)
from detect.config import PredictionConfig, SamplingConfig

EFFORTS: dict[RecipeName, Effort] = {
    "quick": Effort("quickstart", 224 * 224, 300, 2, 8),
    "standard": Effort("standard", 256 * 256, 1200, 8, 4),
    "thorough": Effort("standard", 384 * 384, 4000, 16, 4),
}
_SIDE, _SEEN = "input.slices.side_px", "input.slices.seen_px"
_LEAST_OF_A_TYPE = 5
_TYPE_WEIGHT = 0.25
_AMPLE_SPAN_PX = 2 * LEAST_SPAN_PX  # what is seen larger needs no more pixels, down to half of the budget
_LEAST_SHARE = 0.5
_MANY_WINDOWS = 8  # pasting pays in images of two windows and harms in those of thirty; between them nothing was tried
_TIMES_THE_BOXES = 2  # so many are kept, and again as many looked at: other images may have more, and some are wrong
_ENLARGED = 4  # times, in windows that are advised for the smallest defects
_SQUEEZED = 2.0  # times the budget: an image that needs more pixels is seen in windows
_FAR_LARGER = 4.0  # times the pixels of half of the images: such a one is squeezed to less than half of their scale
_HARDLY_SMALLER = 0.5  # of the finest windows' scale: smaller, there would be another level of windows between


def plan(
    data: Dataset, recipe: RecipeName = DEFAULT_RECIPE, given: Given | None = None, reference: Path | str | None = None
) -> Plan:
    """What a recipe decides for a dataset.

    Args:
        data: with splits.
        recipe: how much effort.
        given: settings of the user's by dotted key, which are not decided, and with which the decisions go.
        reference: folder of a template for each image; None for none.

    Raises:
        InputError: no splits, no training images, or an unreadable one.
    """
    effort, given = EFFORTS[recipe], given or {}
    facts = look_at(data, images_root_of(data, data.folder or Path(".")), given)
    size = _decide_size(facts, effort, given)
    side = given.get(_SIDE, next((one.value for one in size if one.key == _SIDE), None))
    looks = _looks(facts, side, given.get("input.slices.overlap", SliceConfig.overlap))
    decisions = (
        *size,
        *decide_budget(facts, effort, size[0].value, looks, given),
        decide_geometry(facts),
        decide_difference(facts, in_windows=side is not None, reference=reference),
        *_decide_pasting(facts, given, 0.0 if side is None else facts.windows(side)),
        _decide_types(facts),
        *_decide_boxes(facts),
    )
    return Plan(recipe, effort.base, left_open(decisions, given))


def _decide_size(facts: Facts, effort: Effort, given: Given | None = None) -> tuple[Decision, ...]:
    """The pixels of an image, and whether it is seen whole or in windows."""
    given = given or {}
    small, native = facts.small_side, _native(facts)
    if given.get(_SIDE) is not None:
        return _decide_windows(facts, effort, given, 1.0, "", facts.pixels)
    if small is None:
        return (Decision("input.max_pixels", most_pixels(facts, effort), f"no boxes; {native}"),)
    scale = min(LEAST_SPAN_PX / small, 1.0)
    squeezed = small * min((effort.pixels / facts.pixels) ** 0.5, 1.0)
    whole_alone = _SIDE in given or given.get("input.reference") == "on"
    if facts.pixels * scale**2 > _SQUEEZED * _pixels_of_whole(effort, given) and not whole_alone:
        why = f"a tenth of the box sides is below {small:.0f} px, {squeezed:.1f} px in an image squeezed whole"
        why += _how_to_enlarge(small, effort)
        return _decide_windows(facts, effort, given, scale, why, facts.pixels)
    hidden = _hidden(facts, effort, given)
    if hidden.mean() > SMALL_TENTH and not whole_alone:
        larger = facts.of_boxes(hidden)
        why = (
            f"{hidden.mean():.0%} of the boxes lie in {len(larger.sizes_hw):,} larger images, half of which have "
            f"{larger.pixels:,.0f} pixels, and are below {LEAST_SPAN_PX:.0f} px in these squeezed whole"
        )
        scale = min(LEAST_SPAN_PX / (larger.small_side or LEAST_SPAN_PX), 1.0)
        return _decide_windows(facts, effort, given, scale, why, larger.pixels)
    pixels = most_pixels(facts, effort)
    if facts.pixels > effort.pixels:
        ample = facts.pixels * (_AMPLE_SPAN_PX / small) ** 2
        pixels = round(min(max(ample, _LEAST_SHARE * effort.pixels), pixels))
    shown = small * min((pixels / facts.pixels) ** 0.5, 1.0)
    why = f"a tenth of the box sides, below {small:.0f} px, is seen below {shown:.1f} px; {native}"
    why += _how_to_enlarge(small, effort)
    return (Decision("input.max_pixels", pixels, why),)


def _how_to_enlarge(small: float, effort: Effort) -> str:
    """What shows boxes that are smaller than a cell of the finest feature map in the images themselves."""
    if small >= LEAST_SPAN_PX / 2:
        return ""
    seen = round(effort.pixels**0.5)
    return (
        f"; so small ones are hardly learned: --{_SIDE} {max(round(seen / _ENLARGED), 32)} --{_SEEN} {seen} shows them "
        f"{_ENLARGED} times as large, in far more time"
    )


def _hidden(facts: Facts, effort: Effort, given: Given) -> NDArray[np.bool_]:
    """(m,) whether a box lies in a far larger image than half of them, and would be hidden in that squeezed whole."""
    sides = facts.boxes_hw.min(axis=1)
    pixels = facts.sizes_hw[facts.boxes_image].prod(axis=1)
    needed = pixels * np.minimum(LEAST_SPAN_PX / sides, 1.0) ** 2
    squeezed = needed > _SQUEEZED * _pixels_of_whole(effort, given)
    hidden: NDArray[np.bool_] = squeezed & (pixels > _FAR_LARGER * facts.pixels)
    return hidden


def _decide_windows(
    facts: Facts, effort: Effort, given: Given, scale: float, why: str, pixels: float
) -> tuple[Decision, ...]:
    """Windows that are seen at a scale, or of the side that is given, then at most at their own size.

    What the whole look shows hardly smaller than the finest windows do counts as much as they, as another view would;
    `pixels` has the image that the windows are for.
    """
    seen = given.get(_SEEN) or round(effort.pixels**0.5)
    side = given.get(_SIDE) or max(round(seen / scale), 32)
    seen = given.get(_SEEN) or min(seen, side)
    squeezed = min((_pixels_of_whole(effort, given) / pixels) ** 0.5, 1.0)
    ratio = squeezed / (seen / side)
    return (
        Decision("input.max_pixels", effort.pixels, f"of the whole image, which is seen too; {_native(facts)}"),
        Decision(_SIDE, side, why),
        Decision(_SEEN, seen, f"the finest windows are seen at {seen / side:.2f} of their size"),
        Decision(
            "input.slices.scores",
            "mean" if ratio > _HARDLY_SMALLER else "highest",
            f"the whole image is seen at {ratio:.2f} of the finest windows' scale",
        ),
        Decision("model.prediction.views", [1.0], "overlapping windows are looks enough"),
    )


def _native(facts: Facts) -> str:
    return f"half of the images have {facts.pixels:,.0f} pixels"


def _pixels_of_whole(effort: Effort, given: Given) -> float:
    """Of a whole image as it is seen: those of the effort, or more where more are given."""
    size_hw, pixels = given.get("input.size_hw"), given.get("input.max_pixels", effort.pixels)
    if size_hw is not None:
        pixels = size_hw[0] * size_hw[1]
    return math.inf if pixels is None else max(pixels, effort.pixels)


def _looks(facts: Facts, side: int | None, overlap: float) -> float:
    """How often a prediction looks at an image: once, and at each of its slices, of coarser levels a third as many."""
    return 1.0 if side is None else 1 + 4 / 3 * facts.windows(side * (1 - overlap))


def _decide_pasting(facts: Facts, given: Given, windows: float) -> tuple[Decision, ...]:
    """Pasting needs good images to lay defects on; where a place has a meaning, they stay near their own.

    An image of many windows shows parts and what they lie on, and a patch may come to lie beside them; windows show
    each defect in many places as it is. `windows` is how many of the finest ones an image has, 0 if it is seen whole.
    """
    if given.get("paste.share") == 0:
        return ()
    if not facts.good or not facts.boxed:
        return (Decision("paste.share", 0.0, "no good images to lay defects on" if facts.boxed else "no boxes"),)
    if windows >= _MANY_WINDOWS and "paste.share" not in given:
        return (
            Decision("paste.share", 0.0, f"{windows:.0f} windows an image show defects in many places as they are"),
        )
    why = "a place in the image is a place on the part" if facts.layout.is_aligned else "every place is alike"
    return (Decision("paste.jitter", facts.layout.jitter, why),)


def _decide_boxes(facts: Facts) -> tuple[Decision, ...]:
    """Boxes an image that are kept, and looked at before, where training images have more than others need."""
    kept = _TIMES_THE_BOXES * facts.most_boxes
    if kept <= PredictionConfig.detections:
        return ()
    proposals = max(_TIMES_THE_BOXES * kept, SamplingConfig.proposals)
    return (
        Decision("model.prediction.detections", kept, f"up to {facts.most_boxes:,} boxes in a training image"),
        Decision("model.sampling.proposals", proposals, f"up to {facts.most_boxes:,} boxes in a training image"),
    )


def _decide_types(facts: Facts) -> Decision:
    told = sum(count >= _LEAST_OF_A_TYPE for count in facts.types.values())
    why = f"{counted(told, 'type')} with {_LEAST_OF_A_TYPE} training images or more"
    if told < 2:
        return Decision("model.losses.type", 0.0, why)
    return Decision("model.losses.type", _TYPE_WEIGHT, f"{why}, so that to tell types teaches the features")
