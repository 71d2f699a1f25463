"""All looks at an image, in the sizes of the views and in slices, joined to one set of detections.

How one look is carried out, by torch or by an exported graph, is given.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from data_tools.core.records import Prediction, Sample
from data_tools.loading.image_inputs import PixelReader, reader_of
from data_tools.loading.input_config import InputConfig
from detect.detections import SizedDetections
from detect.slicing import join_with_slices
from detect.to_prediction import ScoreRule, to_prediction
from detect.views import agree

BATCH_SIZE = 8
Look = Callable[[Sequence[Sample], Path | PixelReader, InputConfig, str], list[SizedDetections]]
"""Detections of each sample, in order: of samples whose pixels lie under a folder or are read by a function, seen as
the configuration says; the last argument labels the progress bar."""


def look_everywhere(
    look: Look,
    views: Sequence[float],
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    label: str,
) -> list[SizedDetections]:
    """Detections of each sample: of the whole, and of its slices where the input has them, each in all views."""
    whole = look_in_views(look, views, samples, pixels, config, label)
    if config.slices.side_px is None:
        return whole

    def look_at_slices(parts: Sequence[Sample], read: PixelReader, side: int) -> list[SizedDetections]:
        return look_in_views(
            look, views, parts, read, config.of_windows(side), label and f"{label}, slices of {side} px"
        )

    read = reader_of(pixels)
    return join_with_slices(samples, whole, config, look_at_slices, read)


def look_in_views(
    look: Look,
    views: Sequence[float],
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    label: str,
) -> list[SizedDetections]:
    """Detections of whole images, from a look in each of the sizes `views`, see `detect.views.agree`."""
    looks = [look(samples, pixels, replace(config, scale=config.scale * view), label) for view in views]
    return [agree(of_sample) for of_sample in zip(*looks, strict=True)]


def to_predictions(
    samples: Sequence[Sample], detections: Sequence[SizedDetections], config: InputConfig, rule: ScoreRule
) -> list[Prediction]:
    """What was found in each sample, in original pixels, in order."""
    pairs = zip(samples, detections, strict=True)
    return [to_prediction(sample, raw, size, rule, config.preprocess) for sample, (raw, size) in pairs]
