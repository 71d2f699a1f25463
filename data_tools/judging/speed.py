"""Speed: how long an image takes, where the run was timed."""

from typing import Any

from data_tools.judging.judged import Judged
from data_tools.judging.metric import LOWER, Metric, MetricRow, Style


def speed(judged: Judged) -> dict[str, Any]:
    """Section "speed"; null where nobody timed the predictions. There is no interval: it is one run of one machine."""
    return {"speed": {"ms_per_image": judged.ms_per_image}}


METRIC = Metric(
    name="speed",
    compute=speed,
    rows=(
        MetricRow(
            "ms an image",
            ("speed", "ms_per_image"),
            "Milliseconds that predicting an image took, reading included, on the machine that did it.",
            Style.ONE_DIGIT,
            LOWER,
            over_seeds=True,
        ),
    ),
)
