"""Images of more than 8 bits: which of their levels a set uses, and the set rewritten with these stretched to 8 bits.

The range is the set's, never an image's own, so that images stay comparable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.gray_levels import FULL_BITS, GrayLevels, gray_levels, range_text, used_bits
from data_tools.files.images import bits_of, read_gray, read_levels, resolve_under
from data_tools.formats.images.parallel import map_images
from data_tools.formats.registry import Findings

_LOOKED_AT = 200
_BYTE = 8
_DIM = 64  # of 255
_MOST_CUT = 0.02  # of an image's pixels; hot and dead ones are fewer

GrayRange = tuple[float, float]


@dataclass(frozen=True)
class _Copy:
    """What came of one copy: whether it was stretched, which share of its pixels was cut, and its brightest gray."""

    deep: bool
    cut: float
    brightest: int


def warning_about_levels(samples: Sequence[Sample], root: Path) -> str | None:
    """What to say of a set whose deep images use few of their bits, or have no known range; None without such.

    Some 200 images are looked at.

    Raises:
        InputError: none of them has a known range.
    """
    step = max(len(samples) // _LOOKED_AT, 1)
    names = [sample.path for sample in samples[::step]]
    levels = [one for one in map_images(partial(_levels_of, root), names, "gray levels") if one is not None]
    wide = [one for one in levels if one.kind == "wide"]
    if wide:
        advice = (
            f"{len(wide)} of {len(names)} images that were looked at have floating-point pixels, or more than 16 bits, "
            f"with no known range (they hold {range_text(wide)}): --gray_range {range_text(wide, ',')} says it"
        )
        if len(wide) == len(names):
            raise InputError(advice)
        return advice
    bits = used_bits(levels)
    if bits >= FULL_BITS:
        return None
    said = f"images of 16 bits use {bits} of 16 bits (gray values {range_text(levels)}), so most of their gray levels"
    if any(one.kind == "color" for one in levels):
        return f"{said} are lost: save them as 16-bit gray, and convert with --gray_range LO,HI"
    advice = f"--gray_range {range_text(levels, ',')} stretches the set's range, into copies of 8 bits"
    return f"{said} would be lost: {advice}"


def stretched_copies(
    samples: Sequence[Sample], root: Path, gray_range: GrayRange, folder: Path, findings: Findings
) -> list[Sample]:
    """Write each image as 8-bit PNG with the range stretched to 0..255 and what lies outside cut; their samples.

    Images of 8 bits are written as they are read. Those that cannot be read are listed and left out.

    Raises:
        InputError: two images that would have one name, or none that can be stretched.
    """
    written: dict[str, str] = {}
    jobs = []
    for sample in samples:
        name = Path(sample.path).with_suffix(".png").as_posix()
        if name in written:
            raise InputError(f"{sample.path} and {written[name]}: would both be copied to {name}; rename one")
        written[name] = sample.path
        jobs.append((sample.path, name))
    copied, deep = [], list[_Copy]()
    outcomes = map_images(partial(_stretch, root, folder, gray_range), jobs, "images")
    for sample, (_, name), outcome in zip(samples, jobs, outcomes, strict=True):
        if isinstance(outcome, str):
            findings.reject(root / sample.path, None, sample.path, outcome)
            continue
        copied.append(replace(sample, path=name))
        deep += [outcome] if outcome.deep else []
    cut = sum(one.cut > _MOST_CUT for one in deep)
    if not copied:
        raise InputError(f"--gray_range: no image can be stretched; {findings.rejects[-1].reason}")
    if not deep:
        findings.warnings["images, none of more than 8 bits, so that --gray_range changes no gray value"] += len(copied)
    elif max(one.brightest for one in deep) < _DIM:
        findings.warnings["images that use less than a quarter of --gray_range: it is too wide"] += len(deep)
    if cut:
        findings.warnings[f"images of which more than {_MOST_CUT:.0%} lies outside of --gray_range, and is cut"] += cut
    return copied


def _levels_of(root: Path, name: str) -> GrayLevels | None:
    try:
        return gray_levels(resolve_under(root, name))
    except InputError:
        return None  # listed elsewhere


def _stretch(root: Path, folder: Path, gray_range: GrayRange, job: tuple[str, str]) -> _Copy | str:
    """Write one copy; why that cannot be done where it cannot."""
    source, name = job
    low, high = gray_range
    try:
        path = resolve_under(root, source)
        levels = read_levels(path)
        if levels is None and bits_of(path) > _BYTE:
            return "color of 16 bits, of which 8 are read, cannot be stretched; save as 16-bit gray"
        if levels is not None and not np.isfinite(levels).all():
            return "holds values that are not finite"
        cut = 0.0 if levels is None else float(np.mean((levels < low) | (levels > high)))
        pixels = read_gray(path) if levels is None else _stretched(levels, low, high)
    except InputError as error:
        return str(error).removeprefix(f"{root / source}: ")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(target, format="PNG")
    return _Copy(levels is not None, cut, int(pixels.max()))


def _stretched(levels: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    return np.round(np.clip((levels - low) / (high - low), 0, 1) * 255).astype(np.uint8)
