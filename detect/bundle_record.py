"""What a detector's bundle says beside its graphs: input, decoding and scoring."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from data_tools.commands.settings import settings_from
from data_tools.core.anchors import STRIDES
from data_tools.core.checks import real_number, require_number, whole_number
from data_tools.core.errors import InputError
from data_tools.loading import reference_text
from data_tools.loading.input_config import InputConfig
from data_tools.loading.reference import Reference
from data_tools.runtime.bundle import RECORD, Bundle
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

    def __post_init__(self) -> None:
        require_number("proposals.kept", self.kept, 1)
        require_number("proposals.before", self.before, 1)
        require_number("proposals.nms_iou", self.nms_iou, 0, 1)
        require_number("proposals.least_side", self.least_side, 0)


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
    source, values = str(bundle.folder / RECORD), bundle.record
    try:
        if values["score_rule"] not in get_args(ScoreRule):
            raise ValueError(f"score_rule {values['score_rule']!r}: not of {', '.join(get_args(ScoreRule))}")
        if values["precision"] not in get_args(Precision):
            raise ValueError(f"precision {values['precision']!r}: not of {', '.join(get_args(Precision))}")
        return DetectorRecord(
            settings_from(InputConfig, _mapping(values, "input"), f"{source}, input"),
            settings_from(PredictionConfig, _mapping(values, "prediction"), f"{source}, prediction"),
            values["score_rule"],
            _proposals(_mapping(values, "proposals")),
            tuple(np.array(_rows(one, "cell_anchors"), dtype=np.float32) for one in _of_levels(values)),
            _units(values["box_units"]),
            values["precision"],
            reference_text.from_json(values.get("reference")),
        )
    except KeyError as error:
        raise InputError(f"{source}: key {error} is missing") from error
    except InputError as error:
        raise InputError(str(error) if str(error).startswith(source) else f"{source}: {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{source}: {error}") from error


def _mapping(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(values[key], dict):
        raise ValueError(f"{key} must be an object")
    part: Mapping[str, Any] = values[key]
    return part


def _proposals(values: Mapping[str, Any]) -> ProposalRule:
    return ProposalRule(
        whole_number(values["kept"], "proposals.kept"),
        whole_number(values["before"], "proposals.before"),
        real_number(values["nms_iou"], "proposals.nms_iou"),
        real_number(values["least_side"], "proposals.least_side"),
    )


def _of_levels(values: Mapping[str, Any]) -> Sequence[Any]:
    anchors = values["cell_anchors"]
    if not isinstance(anchors, list) or len(anchors) != len(LEVELS):
        raise ValueError(f"cell_anchors must be a list of {len(LEVELS)} levels")
    return anchors


def _units(values: Any) -> tuple[tuple[float, ...], ...]:
    units = tuple(tuple(row) for row in _rows(values, "box_units"))
    if not all(unit > 0 for row in units for unit in row):
        raise ValueError("box_units must be above 0")
    return units


def _rows(values: Any, key: str) -> list[list[float]]:
    """A list of at least one row of four numbers."""
    if not isinstance(values, list) or not values or not all(isinstance(row, list) and len(row) == 4 for row in values):
        raise ValueError(f"{key} must hold lists of four numbers")
    return [[real_number(value, key) for value in row] for row in values]
