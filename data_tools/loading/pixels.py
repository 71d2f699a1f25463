"""From a sample's pixels to what a network sees, without torch: the one way of training, prediction and bundles."""

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.loading.image_inputs import PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.pairs import template_reader
from data_tools.loading.readable import annotated_otherwise
from data_tools.loading.reference import Reference, shown_of
from data_tools.loading.resizing import resized
from data_tools.loading.template_difference import template_difference
from data_tools.loading.transforms import Preprocessing

# mean and standard deviation of a standardised image, about those of photographs; the last keeps faint noise faint
_MEAN, _SPREAD, _LEAST_SPREAD = 0.45, 0.2, 0.02


def load_gray(sample: Sample, read: PixelReader) -> NDArray[np.uint8]:
    """(h, w) gray levels of a sample.

    Raises:
        InputError: unreadable, or of another size than the annotated one.
    """
    image = read(sample)
    if image.shape != sample.size_hw:
        raise InputError(annotated_otherwise(sample, image.shape))
    return image


def as_input(image: NDArray[np.uint8], standardize: bool) -> NDArray[np.float32]:
    """(h, w) float32 in 0..1, or about that where it is standardised."""
    pixels = image.astype(np.float32) / np.float32(255)
    return standardized(pixels) if standardize else pixels


def seen_planes(
    sample: Sample, read: PixelReader, config: InputConfig, reference: Reference | None
) -> tuple[NDArray[np.float32], ...]:
    """What prediction shows of the whole image to a network: preprocessed, resized, not augmented.

    (h, w) float32 gray levels, and where there is a reference, or a template is read too, the difference from it.

    Raises:
        InputError: see `load_gray`, also of the template; or the image is too small for the crop.
    """
    size_hw, whole = config.target_hw(sample.size_hw), preprocessed(sample, read, config)
    image = resized(whole, size_hw)
    seen, read_template = as_input(image, config.standardize), template_reader(read)
    if read_template is not None:
        return seen, template_difference(image, resized(preprocessed(sample, read_template, config), size_hw))
    return (seen,) if reference is None else (seen, reference.difference(image, shown_of(whole)))


def preprocessed(sample: Sample, read: PixelReader, config: InputConfig) -> NDArray[np.uint8]:
    """(h, w) gray levels of the whole image, not yet resized; errors as of `seen_planes`."""
    image, _, _ = Preprocessing(config.preprocess)(load_gray(sample, read), np.zeros((0, 4)))
    return image


def standardized(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gray levels (h, w) in 0..1 shifted and stretched to mean 0.45 and standard deviation 0.2.

    Contrast is raised tenfold at most, and a flat image becomes 0.45 throughout. numpy does it in one thread; torch
    would share each of these short steps among threads that must first be woken.
    """
    changed: NDArray[np.float32] = pixels - np.float32(pixels.mean(dtype=np.float64))
    spread = np.sqrt(np.square(changed).mean())
    changed *= _SPREAD / max(spread, _LEAST_SPREAD)
    changed += _MEAN
    return changed
