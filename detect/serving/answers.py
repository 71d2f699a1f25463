"""What the service answers, as OpenAPI describes it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from data_tools.core.records import Prediction
from data_tools.files.predictions import to_line
from data_tools.metrics.operating_threshold import Threshold

NO_THRESHOLD = "the model has no threshold; start the service with --threshold"


class Model(BaseModel):
    """Which model has answered."""

    run: str = Field(description="name of the run's or bundle's folder")
    sha256: str | None = Field(description="of the run's manifest, or of the bundle's list of checksums")


class Answer(BaseModel):
    """What was found in an image; places are in pixels of the image as sent, x to the right, y down."""

    image_id: int = Field(description="number of the request since the service was started")
    file_name: str
    size_hw: tuple[int, int]
    score: float = Field(description="higher is more defective")
    decision: Literal["defect", "good"] | None = Field(description="null without a threshold")
    decision_reason: str | None = Field(description="why there is no decision; null where there is one")
    threshold: float | None = Field(description="a defect has a score of at least that")
    boxes_xyxy: list[tuple[float, float, float, float]] = Field(description="half-open, best first")
    box_scores: list[float]
    box_labels: list[int] = Field(description="class ids from 1")
    peak_xy: tuple[float, float] | None = Field(description="centre of the best box")
    model: Model
    milliseconds: float = Field(description="from the arrival of the request")
    overlay_png: str | None = Field(None, description="on request: the image with boxes and peak, PNG in base64")


class Refusal(BaseModel):
    """Why there is no answer."""

    detail: str


class State(BaseModel):
    """How the service is."""

    status: str


def answer_of(
    prediction: Prediction, threshold: Threshold, model: Model, milliseconds: float, overlay_png: str | None
) -> Answer:
    """The record of a prediction, as files hold it, with the decision."""
    record: dict[str, Any] = to_line(prediction)
    del record["heatmap"]
    decision = threshold.decide(prediction.score)
    return Answer.model_validate(
        record
        | {
            "decision": decision,
            "decision_reason": NO_THRESHOLD if decision is None else None,
            "threshold": threshold.value,
            "model": model,
            "milliseconds": round(milliseconds, 1),
            "overlay_png": overlay_png,
        }
    )
