"""Images of more than 8 bits: which of their levels a set uses, and the set rewritten with these stretched to 8 bits.

The range is the set's, never an image's own, so that images stay comparable.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.images import read_gray, read_levels, resolve_under
from data_tools.formats.parallel import map_images
from data_tools.formats.registry import Findings

_LOOKED_AT = 200
_FULL = 16

GrayRange = tuple[float, float]


def warning_about_levels(samples: Sequence[Sample], root: Path) -> str | None:
    """What to say of a set whose deep images use few of their bits; None where there is nothing to say.

    Some 200 images are looked at.
    """
    step = max(len(samples) // _LOOKED_AT, 1)
    ranges = map_images(partial(_range_of, root), [sample.path for sample in samples[::step]], "gray levels")
    deep = [one for one in ranges if one is not None]
    if not deep:
        return None
    low, high = min(one[0] for one in deep), max(one[1] for one in deep)
    bits = int(np.ceil(np.log2(max(high, 1) + 1)))
    if bits >= _FULL:
        return None
    return (
        f"images of 16 bits use {bits} of 16 bits (gray values {low:g} to {high:g}), so most of their gray levels "
        f"would be lost: --gray_range {low:g},{high:g} stretches the set's range, into copies of 8 bits"
    )


def stretched_copies(
    samples: Sequence[Sample], root: Path, gray_range: GrayRange, folder: Path, findings: Findings
) -> list[Sample]:
    """Write each image as 8-bit PNG with the range stretched to 0..255 and what lies outside cut; their samples.

    Images of 8 bits are written as they are read. Those that cannot be read are listed and left out.

    Raises:
        InputError: two images that would have one name.
    """
    written: dict[str, str] = {}
    jobs = []
    for sample in samples:
        name = Path(sample.path).with_suffix(".png").as_posix()
        if name in written:
            raise InputError(f"{sample.path} and {written[name]}: would both be copied to {name}; rename one")
        written[name] = sample.path
        jobs.append((sample.path, name))
    copied = []
    reasons = map_images(partial(_stretch, root, folder, gray_range), jobs, "images")
    for sample, (_, name), reason in zip(samples, jobs, reasons, strict=True):
        if reason is None:
            copied.append(replace(sample, path=name))
        else:
            findings.reject(root / sample.path, None, sample.path, reason)
    return copied


def _range_of(root: Path, name: str) -> GrayRange | None:
    try:
        levels = read_levels(resolve_under(root, name))
    except InputError:
        return None  # listed elsewhere
    return None if levels is None or not np.isfinite(levels).all() else (float(levels.min()), float(levels.max()))


def _stretch(root: Path, folder: Path, gray_range: GrayRange, job: tuple[str, str]) -> str | None:
    """Write one copy; why that cannot be done, or None."""
    source, name = job
    low, high = gray_range
    try:
        path = resolve_under(root, source)
        levels = read_levels(path)
        if levels is not None and not np.isfinite(levels).all():
            return "holds values that are not finite"
        pixels = read_gray(path) if levels is None else _stretched(levels, low, high)
    except InputError as error:
        return str(error).removeprefix(f"{root / source}: ")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(target, format="PNG")
    return None


def _stretched(levels: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    return np.round(np.clip((levels - low) / (high - low), 0, 1) * 255).astype(np.uint8)
