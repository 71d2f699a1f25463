"""The baseline's settings as the data decide them: by its images and labels, never by its boxes."""

from pathlib import Path

from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import images_root_of
from data_tools.training.recipe import (
    DEFAULT_RECIPE,
    Decision,
    Effort,
    Plan,
    RecipeName,
    decide_budget,
    decide_difference,
    decide_geometry,
    look_at,
)

EFFORTS: dict[RecipeName, Effort] = {
    "quick": Effort("quickstart", 224 * 224, 200, 3, 16),
    "standard": Effort("standard", 256 * 256, 800, 8, 16),
    "thorough": Effort("standard", 384 * 384, 2500, 16, 16),
}


def plan(data: Dataset, recipe: RecipeName = DEFAULT_RECIPE) -> Plan:
    """What a recipe decides for a dataset; boxes do not enter, so that the baseline stays one of labels alone.

    Raises:
        InputError: no splits, no training images, or an unreadable one.
    """
    effort = EFFORTS[recipe]
    facts = look_at(data, images_root_of(data, data.folder or Path(".")))
    size = Decision("input.max_pixels", effort.pixels, f"the budget; half of the images have {facts.pixels:,.0f}")
    return Plan(effort.base, (size, *decide_budget(facts, effort), decide_geometry(facts), decide_difference(facts)))
