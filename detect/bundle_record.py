"""What a detector's bundle says beside its graphs: input, decoding and scoring."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from data_tools.commands.settings import settings_from
from data_tools.core.anchors import STRIDES
from data_tools.core.fields import Fields
from data_tools.loading import reference_text
from data_tools.loading.input_config import InputConfig
from data_tools.loading.reference import Reference
from data_tools.runtime.bundle import Bundle
from detect.config import PredictionConfig
from detect.to_prediction import ScoreRule

LEVELS = tuple(f"p{place}" for place in range(2, 2 + len(STRIDES)))
POOLED = LEVELS[:-1]  # boxes are pooled from all but the coarsest
PAD_TO = STRIDES[len(POOLED) - 1]
FEATURES = "features"
FEATURES_IN = ("images",)
FEATURES_OUT = (*POOLED, "image_logit", *(f"objectness_{p}" for p in LEVELS), *(f"deltas_{p}" for p in LEVELS))
HEAD_IN = (*POOLED, *(f"boxes_{p}" for p in POOLED))
HEAD_OUT = ("logits", "deltas")
Precision = Literal["fp32", "int8"]
"""Of backbone and pyramid; all else is fp32."""


def head_name(place: int) -> str:
    """Of the graph of the box head at that place in the row, from 0."""
    return f"box_head_{place + 1}"


@dataclass(frozen=True)
class ProposalRule:
    """Which anchors become proposals.

    Attributes:
        kept: proposals an image.
        before: best anchors of each level that suppression looks at.
        nms_iou: overlap above which the weaker of two is dropped.
        least_side: of a proposal, in input pixels.
    """

    kept: int
    before: int
    nms_iou: float
    least_side: float


@dataclass(frozen=True, eq=False)
class DetectorRecord:
    """How a detector's graphs are fed and what their outputs mean.

    Attributes:
        input: what the network sees.
        prediction: what becomes of its boxes.
        score_rule: how an image is scored.
        proposals: see `ProposalRule`.
        cell_anchors: of each level (n, 4) anchors around the corner of its first cell, in input pixels.
        box_units: of each box head, that its four deltas are divided by.
        precision: see `Precision`.
        reference: what each image is compared with; None where the network sees images alone.
    """

    input: InputConfig
    prediction: PredictionConfig
    score_rule: ScoreRule
    proposals: ProposalRule
    cell_anchors: tuple[NDArray[np.float32], ...]
    box_units: tuple[tuple[float, ...], ...]
    precision: Precision = "fp32"
    reference: Reference | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in bundle.json."""
        return {
            "input": self.input.in_prediction(),
            "prediction": asdict(self.prediction),
            "score_rule": self.score_rule,
            "proposals": asdict(self.proposals),
            "cell_anchors": [one.tolist() for one in self.cell_anchors],
            "box_units": self.box_units,
            "precision": self.precision,
            "reference": reference_text.to_json(self.reference),
        }


def record_of(bundle: Bundle) -> DetectorRecord:
    """The record of a bundle.

    Raises:
        InputError: a value is missing or does not fit; the message names the file and the key.
    """
    fields = bundle.record
    rule = fields.group("proposals")
    levels, heads = fields.items("cell_anchors"), fields.items("box_units")
    fields.require(len(levels) == len(LEVELS), "cell_anchors", f"a list of {len(LEVELS)} levels")
    return DetectorRecord(
        settings_from(InputConfig, fields.group("input").values, f"{fields.place}, input"),
        settings_from(PredictionConfig, fields.group("prediction").values, f"{fields.place}, prediction"),
        fields.choice("score_rule", get_args(ScoreRule)),
        ProposalRule(
            rule.integer("kept", 1),
            rule.integer("before", 1),
            rule.number("nms_iou", 0, 1),
            rule.number("least_side", 0),
        ),
        tuple(np.array(_rows(fields, "cell_anchors", level), dtype=np.float32) for level in levels),
        tuple(_rows(fields, "box_units", heads, above=0)),
        fields.choice("precision", get_args(Precision)),
        reference_text.reference_in(fields),
    )


def _rows(fields: Fields, key: str, rows: Any, above: float = -math.inf) -> list[tuple[float, ...]]:
    """A list of at least one row of four numbers, of what stands under a key."""
    of_four = isinstance(rows, list) and rows and all(isinstance(row, list) and len(row) == 4 for row in rows)
    fields.require(bool(of_four), key, "made of lists of four numbers")
    return [Fields({key: row}, fields.place).numbers(key, above, 4) for row in rows]
