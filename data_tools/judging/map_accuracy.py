"""Map accuracy: are the boxes around a map's hot regions right?"""

from typing import Any

from data_tools.judging.judged import Judged
from data_tools.judging.metric import Metric, MetricRow
from data_tools.metrics.max_box_acc import box_accuracy, max_box_acc


def map_accuracy(judged: Judged) -> dict[str, Any]:
    """Section "max_box_acc": MaxBoxAcc and V2 of the run's own maps; None without maps."""
    accuracy = box_accuracy(judged.samples, judged.predictions)
    if accuracy is None:
        return {"max_box_acc": None}
    chosen_on = None if judged.validation is None else box_accuracy(*judged.validation)
    return {"max_box_acc": max_box_acc(accuracy, chosen_on)}


METRIC = Metric(
    name="max_box_acc",
    compute=map_accuracy,
    rows=(
        MetricRow(
            "MaxBoxAcc, validation cut",
            ("max_box_acc", "validation", "max_box_acc"),
            "Share of boxed images whose map's largest region is right at IoU 0.5, the map cut as validation chooses.",
            short=True,
        ),
        MetricRow(
            "MaxBoxAcc, oracle cut",
            ("max_box_acc", "oracle", "max_box_acc"),
            "MaxBoxAcc with the cut that is best on the judged images: the published figure, an upper bound.",
        ),
        MetricRow(
            "MaxBoxAccV2, validation",
            ("max_box_acc", "validation", "max_box_acc_v2"),
            "Share of boxed images of which any region of the map is right, the mean over IoU 0.3, 0.5 and 0.7.",
        ),
        MetricRow(
            "MaxBoxAccV2, oracle",
            ("max_box_acc", "oracle", "max_box_acc_v2"),
            "MaxBoxAccV2 with the cuts that are best on the judged images: an upper bound.",
        ),
    ),
)
