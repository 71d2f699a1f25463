"""The most telling images: where the approaches differ most in where they look, and a false alarm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data_tools.core.geometry import diagonal
from data_tools.core.printable import printable
from data_tools.report.outcomes import NEAR_PX, ImageOutcome
from data_tools.report.overlays import describe_distance

COUNT = 3
_ALARM = "of the good images that are flagged"
_END = "Of equals the lowest id. Only the best box of each approach is drawn."
RULE = (
    "Chosen by rule: the defect on which the distances of the approaches differ most, one of them within "
    f"{NEAR_PX:.0f} px of it and, if possible, all with a peak; the next such one, if possible with another approach "
    "as the nearest (where no approach is near a defect, the farthest peaks); and "
    f"{_ALARM}, if possible not by all, the one that scores highest among all images. {_END}"
)
RULE_ALONE = f"Chosen by rule: the peaks farthest from a defect, and {_ALARM} the one that scores highest. {_END}"


@dataclass(frozen=True, eq=False)
class Telling:
    """An image, and a clause on what it tells."""

    image: ImageOutcome
    why: str


def most_telling(images: Sequence[ImageOutcome]) -> list[Telling]:
    """At most three images, by `RULE`; of a single approach by `RULE_ALONE`.

    Args:
        images: all judged images.
    """
    alarm = _false_alarm(images)
    alarms = [] if alarm is None else [alarm]
    apart = sorted((image for image in images if _gap(image) > 0), key=_most_apart)
    if apart:
        others = [image for image in apart[1:] if _nearest(image) != _nearest(apart[0]) and image.worst_px != np.inf]
        chosen = [apart[0], *(others or apart[1:])[:1]]
    else:
        chosen = sorted((image for image in images if image.worst_px), key=_farthest)[: COUNT - len(alarms)]
    return [*(Telling(image, _distances(image)) for image in chosen), *alarms]


def _capped(image: ImageOutcome) -> list[float]:
    """Distances in ascending order, where an abstention is as far as the image is wide and high."""
    farthest = diagonal(image.sample.size_hw)
    return sorted(min(distance, farthest) for distance in image.distances.values())


def _gap(image: ImageOutcome) -> float:
    """Pixels between the farthest and the nearest peak; 0 where no approach is near, or there is but one."""
    distances = _capped(image)
    return distances[-1] - distances[0] if distances and distances[0] <= NEAR_PX else 0.0


def _most_apart(image: ImageOutcome) -> tuple[bool, float, int]:
    """An abstention shows no place, so it comes last."""
    return image.worst_px == np.inf, -_gap(image), image.sample.image_id


def _farthest(image: ImageOutcome) -> tuple[bool, float, int]:
    """By the farthest peak; an abstention comes last here, too."""
    return image.worst_px == np.inf, -_capped(image)[-1], image.sample.image_id


def _nearest(image: ImageOutcome) -> str:
    return min(image.distances, key=lambda label: image.distances[label])


def _distances(image: ImageOutcome) -> str:
    told = ", ".join(f"{label} {describe_distance(distance)}" for label, distance in image.distances.items())
    return f"{printable(image.sample.type)}: {told}"


def _false_alarm(images: Sequence[ImageOutcome]) -> Telling | None:
    alarms = [image for image in images if not image.sample.is_defect and any(image.flagged.values())]
    alarms = [image for image in alarms if not all(image.flagged.values())] or alarms
    if not alarms:
        return None
    ranks = {label: _ranks(images, label) for label in images[0].predictions}

    def rank(image: ImageOutcome) -> float:
        return max(ranks[label](image.predictions[label].score) for label, flag in image.flagged.items() if flag)

    highest = min(alarms, key=lambda image: (-rank(image), image.sample.image_id))
    by = " and ".join(label for label, flag in highest.flagged.items() if flag)
    return Telling(highest, f"a good image, flagged by {by}")


def _ranks(images: Sequence[ImageOutcome], label: str) -> Callable[[float], float]:
    """The share of images that score lower: scores of two approaches have no common scale."""
    ordered = np.sort([image.predictions[label].score for image in images])
    return lambda score: float(np.searchsorted(ordered, score) / len(ordered))
