"""The detector's settings as the data decide them."""

from pathlib import Path

from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import images_root_of
from data_tools.loading.input_config import SliceConfig
from data_tools.loading.layout import JITTER_ALIGNED
from data_tools.training.recipe import (
    DEFAULT_RECIPE,
    LEAST_SPAN_PX,
    Decision,
    Effort,
    Facts,
    Plan,
    RecipeName,
    decide_budget,
    decide_difference,
    decide_geometry,
    look_at,
)

EFFORTS: dict[RecipeName, Effort] = {
    "quick": Effort("quickstart", 224 * 224, 300, 2, 8),
    "standard": Effort("standard", 256 * 256, 1200, 8, 4),
    "thorough": Effort("standard", 384 * 384, 4000, 16, 4),
}
_LEAST_OF_A_TYPE = 5
_TYPE_WEIGHT = 0.25
_AMPLE_SPAN_PX = 2 * LEAST_SPAN_PX  # what is seen larger needs no more pixels, down to half of the budget
_LEAST_SHARE = 0.5
_SQUEEZED = 2.0  # times the budget: an image that needs more pixels is seen in windows


def plan(data: Dataset, recipe: RecipeName = DEFAULT_RECIPE) -> Plan:
    """What a recipe decides for a dataset.

    Raises:
        InputError: no splits, no training images, or an unreadable one.
    """
    effort = EFFORTS[recipe]
    facts = look_at(data, images_root_of(data, data.folder or Path(".")))
    size = _decide_size(facts, effort)
    return Plan(
        effort.base,
        (
            *size,
            *decide_budget(facts, effort, _looks(facts, size)),
            decide_geometry(facts),
            decide_difference(facts, in_windows=any(one.key == "input.slices.side_px" for one in size)),
            *_decide_pasting(facts),
            _decide_types(facts),
        ),
    )


def _decide_size(facts: Facts, effort: Effort) -> tuple[Decision, ...]:
    """Whole images or windows, and the pixels of each."""
    small, native = facts.small_side, f"half of the images have {facts.pixels:,.0f} pixels"
    if small is None:
        return (Decision("input.max_pixels", effort.pixels, f"no boxes; {native}"),)
    scale = min(LEAST_SPAN_PX / small, 1.0)
    squeezed = small * min((effort.pixels / facts.pixels) ** 0.5, 1.0)
    if facts.pixels * scale**2 > _SQUEEZED * effort.pixels:
        seen = round(effort.pixels**0.5)
        side = round(seen / scale)
        why = f"a tenth of the box sides is below {small:.0f} px, {squeezed:.1f} px in an image squeezed whole"
        return (
            Decision("input.max_pixels", effort.pixels, f"of the whole image, which is seen too; {native}"),
            Decision("input.slices.side_px", side, why),
            Decision("input.slices.seen_px", seen, f"the finest windows are seen at {seen / side:.2f} of their size"),
            Decision("model.prediction.views", [1.0], "overlapping windows are looks enough"),
        )
    pixels = effort.pixels
    if facts.pixels > effort.pixels:
        ample = facts.pixels * (_AMPLE_SPAN_PX / small) ** 2
        pixels = round(min(max(ample, _LEAST_SHARE * effort.pixels), effort.pixels))
    shown = small * min((pixels / facts.pixels) ** 0.5, 1.0)
    why = f"a tenth of the box sides, below {small:.0f} px, is seen below {shown:.1f} px; {native}"
    return (Decision("input.max_pixels", pixels, why),)


def _looks(facts: Facts, size: tuple[Decision, ...]) -> float:
    """How often a prediction looks at an image: once, and at each of its slices of all levels."""
    sides = [one.value for one in size if one.key == "input.slices.side_px"]
    finest: float = sum(facts.pixels / (side * (1 - SliceConfig.overlap)) ** 2 for side in sides)
    looks = 1 + finest * 4 / 3  # each coarser level has a quarter of the last one's
    return looks


def _decide_pasting(facts: Facts) -> tuple[Decision, ...]:
    """Pasting needs good images to lay defects on; where a place has a meaning, they stay near their own."""
    if not facts.good or not facts.boxed:
        return (Decision("paste.share", 0.0, "no good images to lay defects on" if facts.boxed else "no boxes"),)
    aligned = facts.layout.is_aligned
    why = "a place in the image is a place on the part" if aligned else "every place is alike"
    return (Decision("paste.jitter", JITTER_ALIGNED if aligned else 1.0, why),)


def _decide_types(facts: Facts) -> Decision:
    told = sum(count >= _LEAST_OF_A_TYPE for count in facts.types.values())
    if told < 2:
        return Decision("model.losses.type", 0.0, f"{told} types with {_LEAST_OF_A_TYPE} training images or more")
    return Decision("model.losses.type", _TYPE_WEIGHT, f"{told} types that the features learn to tell")
