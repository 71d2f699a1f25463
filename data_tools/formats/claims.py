"""What annotation files say, before anything is believed: readers make claims, `assembly` makes samples of them.

A reader only parses. Which image a claim is about, whether its boxes can be kept, and whether an image is good is
decided in one place for all formats.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_tools.formats.shapes.rectangles import Box
from data_tools.formats.words.vocabulary import PREDICTING_WORDS

PREDICTIONS = (
    "boxes with scores are what a model says, no truth; data_tools.import_predictions reads them, and where they have "
    "been reviewed, leave the scores out"
)

SCORES = (
    *("score", "scores", "confidence", "conf", "prob", "probability"),
    *("boxscore", "detectionscore", "predictionscore", "predscore", "detscore"),
)
"""Names of scores, in small letters without signs; see `is_score`."""

_OF_A_SCORE = frozenset((*SCORES, "probabilities", "certainty", "likelihood", "objectness"))
_OF_WHAT = PREDICTING_WORDS | frozenset(  # or of whom: "image_quality_score" is of something else
    (
        *("class", "classes", "label", "category", "box", "bbox", "object", "obj", "detection", "det", "defect"),
        *("model", "classifier", "detector", "network", "algorithm"),
        *("anomaly", "max", "mean", "value", "percent", "pct", "level"),
    )
)
_CERTAIN = (1, 100)
_NOT_A_LETTER = re.compile(r"[^a-z]")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def is_score(name: str, value: Any) -> bool:
    """Whether a value under a name is a score, by which something is what a model says.

    Scores of 1 and 100, of what a person drew, are none, however the name is spelled: `pred_score`, `Confidence (%)`.
    """
    if not _names_a_score(name) or isinstance(value, bool):
        return False
    try:
        number = float(value.strip().rstrip("%") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        return False
    return math.isfinite(number) and number not in _CERTAIN


@lru_cache(maxsize=1 << 10)
def _names_a_score(name: str) -> bool:
    words = {word.lower() for word in _WORD.findall(name)}
    is_one = bool(words & _OF_A_SCORE) and words <= _OF_A_SCORE | _OF_WHAT
    return is_one or _NOT_A_LETTER.sub("", name.lower()) in SCORES


@dataclass(frozen=True)
class Shape:
    """One annotated area.

    Attributes:
        type: the defect type as the file names it.
        box_xyxy: x1, y1, x2, y2, half-open, in pixels of the original image; not yet clipped, ordered or checked.
        line: in the claim's file, from 1; None where lines mean nothing.
        note: a change made in reading that has to be listed, such as "rotated by 90 degrees: the hull is taken".
        problem: why the area cannot be used; then the box is not looked at. The image is still a defect.
        part: which of the file's areas this is, where it has no lines, such as "shape 3".
        beside: names and values of what else is said of the area: where they contradict its type, it is left out, and
            proves nothing.
        shares: whether `box_xyxy` counts in shares of the image's width and height instead of pixels.
    """

    type: str
    box_xyxy: Box = (0.0, 0.0, 0.0, 0.0)
    line: int | None = None
    note: str = ""
    problem: str = ""
    part: str = ""
    shares: bool = False
    beside: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Claim:
    """What one place of one file says about one image. Several claims about an image are joined.

    Attributes:
        source, line: where it stands; line from 1, None where lines mean nothing.
        image: name or path of the image as the file gives it, with or without suffix.
        own_name: the name that the annotation's own place gives, such as the stem of a file an image: it counts where
            the name inside is stale. "" where the format has no such place.
        folder: of the annotation file relative to the images, for names relative to it.
        declared_hw: height and width that the file gives; None without.
        shapes: the annotated areas.
        defect_type: a defect without an area, by type: the image is unboxed unless some claim has boxes; "" without.
        good: the evidence that the image is good, where this claim says so explicitly ("empty label file"); "" where
            it does not. A claim without shapes, defect_type and good says nothing.
        by_absence: whether `good` says no more than that this file has no annotation of the image: then another that
            has some is no contradiction.
        part, lot: the part of a split, and the lot, wafer or device, that this place says the image is of; "" without.
        problem: why nothing of this place can be used, although it speaks of the image, which is never good then.
    """

    source: Path
    image: str
    line: int | None = None
    own_name: str = ""
    folder: str = ""
    declared_hw: tuple[int, int] | None = None
    shapes: tuple[Shape, ...] = ()
    defect_type: str = ""
    good: str = ""
    problem: str = ""
    by_absence: bool = False
    part: str = ""
    lot: str = ""
