"""Predictions put beside the images that they are of, and refused where they are of others."""

from collections.abc import Sequence

from data_tools.core.agreement import require_of_dataset, without_prediction
from data_tools.core.errors import InputError
from data_tools.core.printable import first_of
from data_tools.core.records import Prediction, PredictionSet, Sample


def align(
    samples: Sequence[Sample], predictions: PredictionSet, label: str, num_classes: int
) -> tuple[Prediction, ...]:
    """The predictions in the order of the samples.

    Raises:
        InputError: an image without prediction, a foreign image, another file name or size, or a class that the data
            do not have.
    """
    by_id = {prediction.image_id: prediction for prediction in predictions.predictions}
    ids = [sample.image_id for sample in samples]
    missing = without_prediction(predictions, samples)
    foreign = sorted(by_id.keys() - set(ids))
    faults = [
        f"{len(some):,} {what} (ids {first_of(some)})"
        for some, what in (
            (missing, "images of the split have no prediction"),
            (foreign, "predictions fit no image of it" if missing else "predictions fit no image of the split"),
        )
        if some
    ]
    if faults:
        raise InputError(f"{label}: {', and '.join(faults)}. Are dataset and split those that were predicted?")
    require_of_dataset(predictions, samples, num_classes, label)
    return tuple(by_id[image_id] for image_id in ids)
