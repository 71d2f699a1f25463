"""What is judged: one approach's predictions aligned with the truth, with all that the metrics take from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.heatmaps import are_cut_from_maps, boxes_to_map
from data_tools.core.printable import is_shown
from data_tools.core.records import BOXED, GOOD, Prediction, PredictionSet, Sample
from data_tools.files.checksums import FileMark
from data_tools.judging.alignment import align
from data_tools.judging.map_boxes import choose_fraction, with_boxes
from data_tools.judging.suspicions import suspicions
from data_tools.metrics.error_types import best_f1_threshold
from data_tools.metrics.froc import FROC_RULES, Froc, froc_by_rule
from data_tools.metrics.operating_point import DEFAULT_RULE, Rule
from data_tools.metrics.peak_distance import Distances, peak_distances

OPERATING_TPR = DEFAULT_RULE.tpr
"""Share of the validation defects that is caught where nobody asks for another operating point."""

Pairs = tuple[tuple[Sample, ...], tuple[Prediction, ...]]


@dataclass(frozen=True)
class Entry:
    """One run to judge.

    Attributes:
        label: unique among the entries.
        predictions: one for each image of the split.
        validation: those for the validation split, which choose every threshold; None where there are none.
        proposals: region proposals as the boxes of records, for proposal recall; None where there are none.
        approach: runs of one approach that differ by their seed share this name; by default the label.
        ms_per_image: that predicting took; None for what the header of the predictions says.
        source: the files that predictions and validation were read from, by these names; empty where not from files.

    Raises:
        InputError: a label or an approach that `require_name` refuses.
    """

    label: str
    predictions: PredictionSet
    validation: PredictionSet | None = None
    proposals: PredictionSet | None = None
    approach: str | None = None
    ms_per_image: float | None = None
    source: Mapping[str, FileMark] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (self.label, self.approach):
            if name is not None:
                require_name(name, "the name of an approach")


def require_name(name: str, what: str) -> None:
    """Refuse a name that would break a table, or steer the terminal that shows it.

    Raises:
        InputError: it is empty or blank, or holds a character that is not shown.
    """
    if not name.strip() or not all(map(is_shown, name)):
        raise InputError(f"{what}: {name!r} is blank, or holds characters that are not shown; give another")


@dataclass(frozen=True, eq=False)
class Judged:
    """One run as the metrics see it; no field says who made it.

    Attributes:
        samples: the truth of the split.
        predictions: in the order of the samples.
        validation: the same for the validation split; None where there are no predictions for it.
        training: the train split, for box sizes and the mean position.
        proposals: region proposals in the order of the samples, or None.
        categories: names of the classes; their ids are 1, 2, ...
        seed: of resampling and of the random baselines.
        box_map_engine: of `data_tools.metrics.coco_engines.ENGINES`.
        rule: what chooses the threshold.
        ms_per_image: that predicting took, reading included, on the machine that did it; None where nobody timed it.
    """

    samples: tuple[Sample, ...]
    predictions: tuple[Prediction, ...]
    validation: Pairs | None
    training: tuple[Sample, ...]
    proposals: tuple[Prediction, ...] | None
    categories: tuple[str, ...]
    seed: int
    box_map_engine: str
    rule: Rule = DEFAULT_RULE
    ms_per_image: float | None = None

    @property
    def num_classes(self) -> int:
        """Class ids are 1..num_classes."""
        return len(self.categories)

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """(n,) image scores."""
        return np.array([prediction.score for prediction in self.predictions], dtype=np.float64)

    @cached_property
    def positive(self) -> NDArray[np.bool_]:
        """(n,) whether an image shows a defect."""
        return np.array([sample.is_defect for sample in self.samples], dtype=bool)

    @cached_property
    def good(self) -> NDArray[np.bool_]:
        """(n,) whether an image is good."""
        return np.array([sample.status == GOOD for sample in self.samples], dtype=bool)

    @cached_property
    def boxed_rows(self) -> NDArray[np.int64]:
        """(m,) places of the boxed images."""
        return np.flatnonzero([sample.status == BOXED for sample in self.samples])

    @cached_property
    def boxed(self) -> list[Sample]:
        """The m boxed images."""
        return [self.samples[i] for i in self.boxed_rows]

    @cached_property
    def boxed_predictions(self) -> list[Prediction]:
        """Their predictions."""
        return [self.predictions[i] for i in self.boxed_rows]

    @cached_property
    def distances(self) -> Distances:
        """Of the boxed images."""
        return peak_distances(self.boxed, [prediction.peak_xy for prediction in self.boxed_predictions])

    @cached_property
    def no_threshold(self) -> str | None:
        """Why validation cannot choose a threshold; None where it can."""
        if self.validation is None:
            return "no validation predictions"
        positive = [sample.is_defect for sample in self.validation[0]]
        if not any(positive):
            return "no defect images in validation"
        if self.rule.needs_good and all(positive):
            return "no good images in validation, so that an overkill has no cost there"
        return None

    @cached_property
    def threshold(self) -> float | None:
        """The image score that the rule chooses on validation; None where it cannot."""
        if self.validation is None or self.no_threshold is not None:
            return None
        samples, predictions = self.validation
        return self.rule.threshold([p.score for p in predictions], [sample.is_defect for sample in samples])

    @cached_property
    def gives_boxes(self) -> bool:
        """Whether the run speaks in boxes: it gives some, or it gives no maps either and has found nothing."""
        return any(len(p.boxes_xyxy) for p in self._every) or all(p.heatmap is None for p in self._every)

    @cached_property
    def names_types(self) -> bool:
        """Whether its boxes say of which type a defect is: boxes cut from maps do not, unless there is one type."""
        return self.num_classes < 2 or (self.gives_boxes and not are_cut_from_maps(self._every))

    @property
    def _every(self) -> tuple[Prediction, ...]:
        return self.predictions + (() if self.validation is None else self.validation[1])

    @cached_property
    def box_threshold(self) -> tuple[float | None, str]:
        """The box score that is best on validation, or without it on the judged images themselves; and on which."""
        if self.validation is None:
            return best_f1_threshold(self.samples, self.predictions), "the judged images, so optimistic"
        return best_f1_threshold(*self.validation), "validation"

    @cached_property
    def fraction(self) -> float | None:
        """Where to cut the maps of a run without boxes, as the boxes of validation choose; None if they cannot."""
        if self.gives_boxes or self.validation is None:
            return None
        return choose_fraction(*self.validation)

    @cached_property
    def in_boxes(self) -> "Judged | None":
        """The run in the currency of boxes: as it is, or with boxes cut from its maps; None where no cut is known."""
        if self.gives_boxes:
            return self
        if self.fraction is None:
            return None
        predictions = tuple(with_boxes(prediction, self.fraction) for prediction in self.predictions)
        validation = None
        if self.validation is not None:
            validation = self.validation[0], tuple(with_boxes(p, self.fraction) for p in self.validation[1])
        return replace(self, predictions=predictions, validation=validation)

    @cached_property
    def froc_curves(self) -> dict[str, Froc | None]:
        """Of `in_boxes`, by the rule of what a hit is; None where undefined, as without boxes."""
        boxes = self.in_boxes
        return dict.fromkeys(FROC_RULES) if boxes is None else froc_by_rule(boxes.samples, boxes.predictions)

    def map_of(self, prediction: Prediction) -> NDArray[np.float32] | None:
        """A prediction in the currency of maps: its own, or where the run has none anywhere one made of its boxes."""
        if self._has_maps:
            return prediction.heatmap
        if not len(prediction.boxes_xyxy):
            return None
        scores = np.clip(prediction.box_scores, 0.0, 1.0)
        return boxes_to_map(prediction.boxes_xyxy, scores, prediction.size_hw, prediction.size_hw)

    @cached_property
    def _has_maps(self) -> bool:
        return any(prediction.heatmap is not None for prediction in self.predictions)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What makes the predictions look like ones of other images or in another convention."""
        of_validation = () if self.validation is None else suspicions(*self.validation)
        return (*suspicions(self.samples, self.predictions), *(f"on validation: {one}" for one in of_validation))

    @property
    def currencies(self) -> dict[str, Any]:
        """Whether boxes and maps are the run's own or converted, and the cut that validation chose."""
        if self.gives_boxes:
            boxes = "own" if any(len(p.boxes_xyxy) for p in self.predictions) else "none"
        else:
            boxes = "from maps" if self.fraction is not None else "none: no boxed validation images to choose a cut on"
        maps = "own" if self._has_maps else "from boxes"
        return {"boxes": boxes, "box_fraction": self.fraction, "maps": maps}


def judge(
    samples: tuple[Sample, ...],
    validation: tuple[Sample, ...],
    training: tuple[Sample, ...],
    entry: Entry,
    categories: tuple[str, ...],
    seed: int,
    box_map_engine: str,
    rule: Rule = DEFAULT_RULE,
) -> Judged:
    """Align everything that an entry brings with the truth.

    Raises:
        InputError: a set of predictions does not fit its images.
    """
    chosen_on, num_classes = None, len(categories)
    if entry.validation is not None:
        chosen_on = validation, align(validation, entry.validation, f"{entry.label} (validation)", num_classes)
    proposals = None
    if entry.proposals is not None:
        proposals = align(samples, entry.proposals, f"{entry.label} (proposals)", num_classes)
    predictions = align(samples, entry.predictions, entry.label, num_classes)
    milliseconds = entry.predictions.header.ms_per_image if entry.ms_per_image is None else entry.ms_per_image
    return Judged(
        samples, predictions, chosen_on, training, proposals, categories, seed, box_map_engine, rule, milliseconds
    )
