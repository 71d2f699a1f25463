"""Raw network output -> `Prediction` in original pixels: the one place where the detector's output is converted."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import best_centre
from data_tools.core.records import Prediction, Sample
from data_tools.loading.transforms import PreprocessConfig
from data_tools.metrics.auc import compare_auc
from detect.detections import Detections, placed

ScoreRule = Literal["best_box", "image_head", "mean_logit"]
SCORE_RULES: tuple[ScoreRule, ...] = get_args(ScoreRule)
DEFAULT_RULE: ScoreRule = "mean_logit"
SIGNIFICANT = 0.05
_LEAST = 1e-4


def image_score(raw: Detections, rule: ScoreRule) -> float:
    """The defect score of an image in 0..1.

    "best_box" is the highest box score; "image_head" the probability of the image-level head; "mean_logit" the
    probability at the mean of both logits.
    """
    best = float(raw.scores.max()) if len(raw.scores) else 0.0
    if rule == "best_box":
        return best
    if rule == "image_head":
        return _sigmoid(raw.image_logit)
    bounded = min(max(best, _LEAST), 1.0 - _LEAST)
    return _sigmoid(0.5 * (math.log(bounded / (1.0 - bounded)) + raw.image_logit))


def to_prediction(
    sample: Sample, raw: Detections, input_hw: tuple[int, int], rule: ScoreRule, preprocess: PreprocessConfig
) -> Prediction:
    """Boxes from input pixels to the sample's original pixels; the peak is the centre of the best box.

    Args:
        sample: the image.
        raw: its detections, best first.
        input_hw: height and width at which the network saw the image, before padding.
        rule: see `image_score`.
        preprocess: what was done to the image before.
    """
    boxes = placed(raw.boxes_xyxy, input_hw, preprocess.window(sample.size_hw))
    return of_boxes(sample, image_score(raw, rule), boxes, raw.scores.astype(np.float64), raw.labels)


def of_boxes(
    sample: Sample,
    score: float,
    boxes_xyxy: NDArray[np.float64],
    box_scores: NDArray[np.float64],
    box_labels: NDArray[np.int64],
) -> Prediction:
    """The record of an image's score and of boxes in its pixels, which are cut to the image; the peak is the best's."""
    height, width = sample.size_hw
    boxes = np.clip(boxes_xyxy, 0.0, np.array([width, height, width, height], dtype=np.float64))
    return Prediction(
        image_id=sample.image_id,
        file_name=sample.path,
        size_hw=sample.size_hw,
        score=score,
        boxes_xyxy=boxes,
        box_scores=box_scores,
        box_labels=box_labels,
        peak_xy=best_centre(boxes, box_scores),
    )


def score_rules(training: Sequence[Sample]) -> tuple[ScoreRule, ...]:
    """The rules that can score an image, given the training images: without good ones the image head knows nothing."""
    return SCORE_RULES if len({sample.is_defect for sample in training}) > 1 else ("best_box",)


def choose_rule(
    samples: Sequence[Sample], raws: Sequence[Detections], rules: Sequence[ScoreRule] = SCORE_RULES
) -> ScoreRule:
    """The mean of both logits, unless another rule's AUC on (validation) samples is significantly higher.

    Two noisy scores are mostly better together, and a small validation set cannot tell rules apart: DeLong's paired
    test at 5 % must speak for the other one.
    """
    if DEFAULT_RULE not in rules:
        return rules[0]
    positive = [sample.is_defect for sample in samples]
    scores = {rule: [image_score(raw, rule) for raw in raws] for rule in rules}
    chosen, gain = DEFAULT_RULE, 0.0
    for rule in rules:
        compared = compare_auc(scores[rule], scores[DEFAULT_RULE], positive)
        if compared is None or compared.z is None:  # one class, or scores without any spread: nothing can be said
            continue
        if compared.p_value < SIGNIFICANT and compared.difference > gain:
            chosen, gain = rule, compared.difference
    return chosen


def _sigmoid(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(logit, -60.0), 60.0)))
