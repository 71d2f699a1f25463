"""How far an image is from the picture of a perfect part that was brought for it alone.

A median of many good images knows how much they vary at each place. One template knows nothing of that, so the unit is
made of what can be told from the pair: the noise that most pixels differ by, and at an edge what half a pixel of
misplacement does there.
"""

import numpy as np
from numpy.typing import NDArray

from data_tools.loading.reference import (
    LEAST_SPREAD,
    MAD_TO_SIGMA,
    MOST_DIFFERENCE,
    Floats,
    overlap_of,
    shift_of,
    shown_of,
)

_OUTLYING = 4.5  # times the median of what is left: three deviations of noise
_MOST_GAIN = 2.0  # times the contrast, or a part of it: what differs more is another part and no other light


def template_difference(image: NDArray[np.uint8], template: NDArray[np.uint8]) -> Floats:
    """How far an image, or a window of it, is from its template at each place.

    The template is moved by whole pixels, at most 8, to where the image has the part. The image's light is fitted to
    it, contrast by least squares and brightness by the median, both of which a small defect leaves alone.

    Args:
        image: (h, w) gray levels, preprocessed.
        template: (h, w), of the same place.

    Returns:
        (h, w) float32 in -1..1: spreads above (+) or below (-) the template, cut at 8 and divided by 8; 0 at the edge
        where the moved template says nothing. A spread is the noise of the pair, at least a tenth of the template's
        standard deviation, and beside an edge what half a pixel changes.
    """
    if image.shape != template.shape:
        raise ValueError(f"an image {image.shape} and its template {template.shape} must be of one size")
    shown, values = shown_of(template), image.astype(np.float32)
    wanted = shown.standardized(template)
    everywhere: tuple[slice, ...] = (slice(None), slice(None))
    ours, theirs = everywhere, everywhere
    residual = _residual(values, wanted, shown.scale)
    shift = shift_of(values, np.fft.rfft2(wanted))
    if shift != (0, 0):
        in_image, in_template = overlap_of(values.shape, shift)
        moved = _residual(values[in_image], wanted[in_template], shown.scale)
        if np.abs(moved).mean() < np.abs(residual[in_image]).mean():
            ours, theirs, residual = in_image, in_template, moved
    noise = MAD_TO_SIGMA * float(np.median(np.abs(residual)))
    spread = np.maximum(_half_a_pixel(wanted)[theirs], max(noise, LEAST_SPREAD))
    made = np.zeros_like(values)
    made[ours] = (residual / spread / MOST_DIFFERENCE).clip(-1, 1)
    return made


def _residual(values: Floats, wanted: Floats, scale: float) -> Floats:
    """Image (h, w) minus template, in the template's units of `scale` gray levels, with the image's light taken out.

    The contrast is fitted twice, the second time without what fits worst, as a defect does.
    """
    left = _apart(values, wanted, _gain(values, wanted, scale))
    size = np.abs(left)
    kept = size <= _OUTLYING * np.median(size)
    return _apart(values, wanted, _gain(values[kept], wanted[kept], scale))


def _gain(values: Floats, wanted: Floats, scale: float) -> float:
    """Gray levels of the image in a unit of the template, by least squares; the template's own where it is flat."""
    centred = wanted - wanted.mean()
    variance = float((centred**2).mean())
    gain = float((values * centred).mean()) / variance if variance > 0 else scale
    return float(np.clip(gain, scale / _MOST_GAIN, scale * _MOST_GAIN))


def _apart(values: Floats, wanted: Floats, gain: float) -> Floats:
    apart = values / np.float32(gain) - wanted
    left: Floats = apart - np.median(apart)
    return left


def _half_a_pixel(wanted: Floats) -> Floats:
    """(h, w) how much half a pixel of misplacement down or up and right or left changes at most."""
    half = np.zeros_like(wanted)
    for axis in (0, 1):
        steps = np.abs(np.diff(wanted, axis=axis))
        before, behind = ([(0, 0), (0, 0)] for _ in range(2))
        before[axis], behind[axis] = (1, 0), (0, 1)
        half += np.maximum(np.pad(steps, before), np.pad(steps, behind)) / 2
    return half
