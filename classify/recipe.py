"""The baseline's settings as the data decide them: by its images and labels, never by its boxes."""

from pathlib import Path

from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import images_root_of
from data_tools.training.recipe import (
    DEFAULT_RECIPE,
    Decision,
    Effort,
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

EFFORTS: dict[RecipeName, Effort] = {
    "quick": Effort("quickstart", 224 * 224, 200, 3, 16),
    "standard": Effort("standard", 256 * 256, 800, 8, 16),
    "thorough": Effort("standard", 384 * 384, 2500, 16, 16),
}


def plan(
    data: Dataset, recipe: RecipeName = DEFAULT_RECIPE, given: Given | None = None, reference: Path | str | None = None
) -> Plan:
    """What a recipe decides for a dataset; boxes do not enter, so that the baseline stays one of labels alone.

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
    pixels = most_pixels(facts, effort)
    size = Decision("input.max_pixels", pixels, f"the budget; half of the images have {facts.pixels:,.0f}")
    budget = decide_budget(facts, effort, pixels, given=given)
    difference = decide_difference(facts, reference=reference)
    return Plan(recipe, effort.base, left_open((size, *budget, decide_geometry(facts), difference), given))
