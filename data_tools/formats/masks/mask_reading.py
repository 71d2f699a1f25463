"""What the masks of a set say: which values are background, and whether the others are one defect, types or instances.

It is decided over the whole set, because a single mask cannot tell: a 1 is the defect, the first of several types, or
a gray so dark that nobody meant it. "Empty" means background alone. What a reading does not understand is refused with
its values, never taken for background.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.formats.masks.mask_values import COLOUR, VOIDS, Codes, MaskStats, steps_of
from data_tools.formats.shapes.regions import label
from data_tools.formats.words.folders import is_good
from data_tools.formats.words.names import BACKGROUNDS, UNJUDGED
from data_tools.formats.words.remarks import is_false_call

Kind = Literal["two values", "soft edges", "one type a value", "one defect a value"]

_NEAR = 32  # of 255: a compressed or smoothed mask strays so far from black and white
_SHARP, _MASK_LIKE = 0.97, 0.9
MOST_TYPES = 64
_NOISY, _SPECKS = 6, 10
_FEW = 2  # values between black and white: where they stand apart from white, they are no gradations of an edge
_SMALLEST = 10  # pixels: JPEG of 20 % and more makes smaller areas of gray where there was none
_GRADED = 0.25  # of the pairs of neighbouring pixels that are no background
_SHOWN = 6
_ENCLOSED, _THIN = 0.9, 0.5  # of the pixels around what is labelled, and of those a few pixels farther out
_HIGHEST = (255, 65535)
_VOIDS = (*UNJUDGED, "void", "unlabeled", "unlabelled", "border")


@dataclass(frozen=True)
class MaskReading:
    """How the masks of a set are read.

    Attributes:
        kind: see the module.
        background: the code of background; of "soft edges" 0 or the highest value.
        highest: 255, or 65535 of deep files: what "soft edges" are judged against.
        values: the codes that are defects; empty for "soft edges", and for "one defect a value", where any is.
        void: codes that say nothing: outlines, and what nobody judged.
        names: of the codes of types, where the set gives them.
        plain: further codes that are no defects.
    """

    kind: Kind
    background: int
    highest: int = 255
    values: tuple[int, ...] = ()
    void: tuple[int, ...] = ()
    names: tuple[tuple[int, str], ...] = ()
    plain: tuple[int, ...] = ()

    def describe(self) -> str:
        """One line for people."""
        if self.kind == "soft edges":
            dark = "dark on light" if self.background else "light on dark"
            return f"masks of {dark} with soft edges, cut at half of {self.highest}"
        named = ", ".join(map(self.name_of, self.values[:_SHOWN])) + (", ..." if len(self.values) > _SHOWN else "")
        void = "; {} taken for void and left out".format(", ".join(map(code_name, self.void)))
        return (
            f"masks: {self.kind} ({named or 'any'}), background {code_name(self.background)}{void if self.void else ''}"
        )

    def name_of(self, code: int) -> str:
        """The type of a code."""
        return dict(self.names).get(code) or code_name(code)

    def numbers(self, codes: Codes) -> NDArray[np.int64]:
        """(h, w): 0 on background; else 1, or of "one type a value" and "one defect a value" the code.

        Raises:
            InputError: a value that the set's other masks do not explain, or nothing but void beside background.
        """
        if self.void or self.plain:
            void = np.isin(codes, self.void)
            codes = np.where(void | np.isin(codes, self.plain), self.background, codes)
            if void.any() and not (codes != self.background).any():
                raise InputError(f"nothing but void ({_listed(self.void)}) beside background: not judged by anybody")
        if self.kind == "soft edges":
            return self._cut(codes)
        defect = codes != self.background
        unknown: list[int] = np.setdiff1d(codes[defect], self.values).tolist()
        if self.kind == "one defect a value":
            unknown = unknown if _is_graded(steps_of(codes, self.background)) else []
        if unknown:
            raise InputError(
                f"mask values {_listed(unknown)}: neither background ({code_name(self.background)}) "
                f"nor {_listed(self.values) or 'a defect as other masks of the set have it'}"
            )
        return np.where(defect, 1 if self.kind == "two values" else codes + 1, 0)

    def _cut(self, codes: Codes) -> NDArray[np.int64]:
        near = _NEAR * self.highest // 255
        if (codes >= COLOUR).any():
            raise InputError("mask with colours among masks of black and white")
        strays = (codes > near) & (codes < self.highest - near)
        if strays.mean() > 1 - _MASK_LIKE:
            raise InputError(f"{strays.mean():.0%} of the pixels are neither black nor white: a picture, not a mask")
        depth = self.highest - codes if self.background else codes
        cut = depth > self.highest // 2
        if not cut.any() and depth.max() > near:
            raise InputError(
                f"mask values up to {int(depth.max())} of {self.highest} from background: neither background nor defect"
            )
        pale = _pale_pixels(depth > near, cut)
        if pale:
            raise InputError(
                f"gray areas of {pale} pixels that reach no half of {self.highest}, beside others that do: neither "
                "background nor the edge of a defect; save what is a defect as white on black, or types as PNG"
            )
        return cut.astype(np.int64)


def choose_reading(masks: Sequence[MaskStats], named: Collection[str] = ()) -> MaskReading:
    """The reading that explains a set of masks.

    Args:
        masks: of the set.
        named: what gets new names: values among it are of types, and count no defects.

    Raises:
        InputError: none does, or two do; the message says what the masks hold.
    """
    plausible = [one for one in masks if one.counts]
    if not plausible:
        raise InputError("masks/: none of the masks is one: they hold thousands of values each")
    void = _void(plausible)
    plausible = [stripped for one in plausible if (stripped := _without(one, void)).counts]
    if not plausible:
        raise InputError(f"masks/: hold nothing but void ({_listed(void)})")
    reading = _choose(plausible, named)
    return replace(reading, void=tuple(sorted(void)))


def with_values_said(reading: MaskReading, type_map: Mapping[str, str]) -> MaskReading:
    """The reading, with the values that get names: good things and background are no areas, what is unjudged is void.

    Args:
        reading: of a set.
        type_map: new names by the old ones, in small letters.

    Raises:
        InputError: no value is left that could be a defect, or the masks have no values that could have names.
    """
    reading = _with_highest_said(reading, type_map) if not reading.names else reading
    codes = reading.values or (*range(1, _HIGHEST[0] + 1), reading.highest)
    said = {code: type_map.get(reading.name_of(code).lower(), "").strip().lower() for code in codes}
    plain = {code for code, name in said.items() if name in BACKGROUNDS or (name and is_good(name))}
    void = {code for code, name in said.items() if name in UNJUDGED or is_false_call(name)} - plain
    if not plain | void:
        return reading
    shown = ", ".join(f"{reading.name_of(code)}: {said[code]}" for code in sorted(plain | void))
    if not reading.values:
        raise InputError(f"masks/: --type_map says {{{shown}}}, but of masks of {reading.kind} no value has a name")
    values = tuple(code for code in reading.values if code not in plain | void)
    if not values and not void:
        raise InputError(
            f"masks/: --type_map says {{{shown}}}, and no other value than background is left: all is good?"
        )
    return replace(reading, values=values, plain=(*reading.plain, *sorted(plain)), void=(*reading.void, *sorted(void)))


def _with_highest_said(reading: MaskReading, type_map: Mapping[str, str]) -> MaskReading:
    """The reading, where the highest value beside numbers of types is one too, or what is not judged, as is said.

    Args:
        reading: of a set without names.
        type_map: new names by the old ones; a name for what is not judged makes the value void.

    Raises:
        InputError: nothing says which of both it is.
    """
    top = reading.values[-1] if len(reading.values) > 1 else 0
    if reading.kind != "one type a value" or top not in _HIGHEST or reading.values[-2] > MOST_TYPES:
        return reading
    said = type_map.get(str(top), "")
    if not said:
        raise InputError(
            f"masks/: hold {top} beside {_listed(reading.values[:-1])}: a type, or what is not judged? "
            f"--type_map '{{{top}: ignore}}', or a name of its own, says it"
        )
    if said.lower() not in _VOIDS:
        return reading
    return replace(reading, values=reading.values[:-1], void=(*reading.void, top))


def reading_by_names(names: dict[int, str]) -> MaskReading:
    """The reading of masks whose colours have names: those for background, void and good things are no types."""
    calm = {code: name.lower() for code, name in names.items()}
    background = next((code for code, name in calm.items() if name in BACKGROUNDS), 0)
    void = {*VOIDS} - names.keys() | {code for code, name in calm.items() if name in _VOIDS}
    plain = {code for code, name in calm.items() if (name in BACKGROUNDS or is_good(name)) and code != background}
    types = {code: name for code, name in names.items() if code not in {background, *void, *plain}}
    kind: Kind = "one type a value"
    shown = tuple(sorted(types.items()))
    return MaskReading(kind, background, 255, tuple(sorted(types)), tuple(sorted(void)), shown, tuple(sorted(plain)))


def _choose(plausible: Sequence[MaskStats], named: Collection[str]) -> MaskReading:
    highest = 65535 if any(max(one.counts) > 255 and one.deep for one in plausible) else 255
    like = [one for one in plausible if _is_mask_like(one, highest)]
    values = Counter[int]()
    for one in like:
        values.update(one.counts)
    if not values:
        raise InputError("masks/: what lies beside the images are pictures of many gray levels, no masks")
    soft = _is_soft(like, values, highest)
    background = _background(like, values, soft, highest)
    if soft:
        return MaskReading("soft edges", background, highest)
    others = tuple(sorted(value for value in values if value != background))
    if len(others) <= 1:
        return MaskReading("two values", background, highest, others)
    if _is_graded(*(one.steps for one in like)):
        raise InputError(
            f"masks/: hold {len(others)} values that run into each other, such as {_listed(others)}: graded masks, "
            "neither types nor soft edges; save what is a defect as white on black"
        )
    if not {*map(code_name, others)} & {*named} and _are_instances(like, background):
        return MaskReading("one defect a value", background, highest)
    if len(others) > MOST_TYPES:
        raise InputError(f"masks/: hold {len(others)} values, such as {_listed(others)}: neither types nor soft edges")
    return MaskReading("one type a value", background, highest, others)


def _void(masks: Sequence[MaskStats]) -> set[int]:
    """The codes by which a set outlines what it labels: they enclose all the others, and are thin."""
    near, near_void, far, far_void = (sum(one.outline[i] for one in masks) for i in range(4))
    encloses = near > 0 and near_void >= _ENCLOSED * near and far_void < _THIN * max(far, 1)
    return {code for code in VOIDS if any(code in one.counts for one in masks)} if encloses else set()


def _without(one: MaskStats, void: set[int]) -> MaskStats:
    if not void:
        return one
    counts, border, regions = (
        {code: n for code, n in by_code.items() if code not in void}
        for by_code in (one.counts, one.border, one.regions)
    )
    return replace(one, counts=counts, border=border, regions=regions)


def code_name(code: int) -> str:
    """A code as people write it: 7, or #fa3253 for a colour."""
    return f"#{code - COLOUR:06x}" if code >= COLOUR else str(code)


def _is_mask_like(one: MaskStats, highest: int) -> bool:
    """Whether a mask has few values, or nearly all of its pixels are black or white."""
    return len(one.counts) <= MOST_TYPES or _sharpness(one.counts, highest) >= _MASK_LIKE or one.deep


def _sharpness(counts: dict[int, int] | Counter[int], highest: int) -> float:
    near = _NEAR * highest // 255
    sharp = sum(n for value, n in counts.items() if value <= near or highest - near <= value <= highest)
    return sharp / sum(counts.values())


def _is_soft(masks: Iterable[MaskStats], values: Counter[int], highest: int) -> bool:
    """Whether what lies between black and white is only the edge of white, or of black."""
    between = [value for value in values if 0 < value < highest]
    if not between or max(values) >= COLOUR:
        return False
    if max(values) <= _NEAR:  # black alone: compressed, if its values are scattered all over
        specks = [count for one in masks for count in one.regions.values()]
        return len(between) >= _NOISY and float(np.median(specks)) > _SPECKS
    if max(values) < highest - _NEAR * highest // 255:
        return False
    if len(values) > MOST_TYPES:
        return _sharpness(values, highest) >= _SHARP and not any(one.deep and highest > 255 for one in masks)
    near = _NEAR * highest // 255
    low = [value for value in between if value <= near]
    if 0 < len(low) < _NOISY:  # a compressed black has many values, numbers of types are few
        return False
    bright = sum(n for value, n in values.items() if value >= highest - near)
    edge = sum(values[value] for value in between if near < value < highest - near)
    bound = highest - near if len(between) <= _FEW else highest // 2 + 1
    alone = sum(near < top < bound for one in masks for top in one.pale)
    return not alone and edge < 0.5 * max(min(bright, sum(values.values()) - bright), 1)


def _background(masks: Sequence[MaskStats], values: Counter[int], soft: bool, highest: int) -> int:
    """The code of background: what most of the images' borders hold; 0 where that is not clear but plausible."""
    border = Counter[int]()
    for one in masks:
        border.update(one.border)
    total = sum(border.values())
    if soft:
        light = sum(n for value, n in border.items() if value > highest // 2) / max(total, 1)
        if 0.4 < light < 0.6:
            raise InputError(
                "masks/: half of the images' borders are white and half black: which one is background cannot be told"
            )
        background = highest if light >= 0.6 else 0
        _require_most(background, values, highest)
        return background
    if len(values) == 1 and 0 not in values:
        (value,) = values
        raise InputError(
            f"masks/: hold the value {code_name(value)} alone: whether that is background or defect cannot be told"
        )
    most, count = border.most_common(1)[0]
    if most == 0 or (0 in values and border[0] > 0.5 * total):
        return 0
    if count < 0.6 * total:
        raise InputError(
            f"masks/: no value of {_listed(values)} holds most of the images' borders: which one is background "
            "cannot be told"
        )
    _require_most(most, values, highest)
    return most


def _require_most(background: int, values: Counter[int], highest: int) -> None:
    """Refuse a background other than black that little more than the images' borders has, as where masks are framed.

    Raises:
        InputError: it holds less than half of the pixels.
    """
    near = _NEAR * highest // 255 if background == highest else 0
    like = sum(count for value, count in values.items() if abs(value - background) <= near)
    if background and 2 * like < values.total():
        raise InputError(
            f"masks/: {code_name(background)} holds most of the images' borders, but less than half of the pixels: "
            "which value is background cannot be told; are the masks framed?"
        )


def _pale_pixels(gray: NDArray[np.bool_], cut: NDArray[np.bool_]) -> int:
    """Number of pixels in areas of gray of which the cut leaves nothing, those that compression makes aside."""
    if (gray & ~cut).sum() < _SMALLEST:
        return 0
    numbers = label(gray)
    pixels = np.bincount(numbers.ravel())
    lost = pixels >= _SMALLEST
    lost[0] = False
    lost[np.unique(numbers[cut])] = False
    return int(pixels[lost].sum())


def _is_graded(*steps: tuple[int, int]) -> bool:
    """Whether values change from pixel to pixel, as in maps of probabilities; types and instances have flat areas."""
    return sum(differ for _, differ in steps) > _GRADED * sum(pairs for pairs, _ in steps)


def _are_instances(masks: Sequence[MaskStats], background: int) -> bool:
    """Whether each number is one region: 1, 2, ... in each mask, or more numbers in all than there can be types."""
    if background != 0 or any(count != 1 for one in masks for count in one.regions.values()):
        return False
    numbered = [sorted(value for value in one.counts if value) for one in masks]
    if len({value for numbers in numbered for value in numbers}) > MOST_TYPES:
        return True
    counted = all(numbers == list(range(1, len(numbers) + 1)) for numbers in numbered)
    return counted and any(len(numbers) > 1 for numbers in numbered)


def _listed(values: Iterable[int]) -> str:
    known = sorted(values)
    return ", ".join(map(code_name, known[:_SHOWN])) + (
        f", and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    )
