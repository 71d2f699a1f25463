"""Leaks: properties of the files that tell the label by themselves, and images that the splits divide.

A property is judged by its cross-validated AUC: within folds that keep groups whole, each of its values (each tenth of
a number's range) gets the smoothed share of defects that it has in the other folds, and this share is the score. So a
lot that happens to hold only defects tells nothing about the next lot, while a token such as APG_ITIS does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from data_tools.auditing.findings import NOTE, UNSAFE, WARNING, Finding
from data_tools.auditing.twins import Pairs, ids_two_by_two
from data_tools.core.records import SPLIT_NAMES, Dataset, Sample
from data_tools.files.image_facts import ImageFact
from data_tools.metrics.auc import roc_auc
from data_tools.splitting.grouping import LOTS_IN_ORDER, LOTS_NAMED, named_links
from data_tools.splitting.names import lots_of
from data_tools.splitting.near_duplicates import Floats
from data_tools.splitting.turned import turned_duplicates

_LINKED = {
    "copies": "copies of one picture, by their names,",
    "parts of an item": "parts of one item, by their names,",
    "views of an item": "views of one item, by their names,",
    "folder of a device": "images of one device's folder",
    "same name in several parts": "images of one name that look alike",
    "capture number": "images taken one after the other, by the numbers in their names,",
}
FLAGGED_AUC, UNSAFE_AUC = 0.75, 0.9
_FOLDS, _BINS, _PRIOR = 5, 10, 2.0
_FEWEST_IMAGES, _FEWEST_GROUPS = 10, 5
_MOST_TOKENS = 100
_SPLIT_AT = re.compile(r"([^A-Za-z0-9]+)")


@dataclass(frozen=True)
class Property:
    """One property of the files and how well it tells defects from good images.

    Attributes:
        name: for people, such as "file name contains 'APG_ITIS'".
        kind: "name" (no network sees it), "file" (a network may see it and no defect causes it), or "look" (a network
            sees it, and a defect may cause it).
        auc: cross-validated, 0.5 is chance; None where there are too few images or groups of a class.
        detail: what the property is like for defects and for good images.
    """

    name: str
    kind: str
    auc: float | None
    detail: str


def label_leaks(samples: Sequence[Sample], facts: Mapping[int, ImageFact]) -> tuple[list[Property], list[Finding]]:
    """Properties, the most telling first, and the findings about those with an AUC above 0.75.

    Args:
        samples: all of a dataset.
        facts: by image id; only samples with facts are judged by what takes the image.
    """
    positive = np.array([s.is_defect for s in samples], dtype=bool)
    groups = np.array([s.group for s in samples])
    why_not = too_few(positive, groups, _FEWEST_IMAGES, _FEWEST_GROUPS)
    if why_not:
        return [], [Finding(NOTE, "leaks", f"whether file properties tell the label was not checked: {why_not}")]
    folds = _folds(positive, groups)
    sizes = [f"{s.size_hw[0]} x {s.size_hw[1]}" for s in samples]
    properties = _token_properties(samples, positive, folds)
    properties.append(_category("image size (height x width)", sizes, positive, folds))
    if len(facts) == len(samples):
        properties += _fact_properties([facts[s.image_id] for s in samples], positive, folds)
    properties.sort(key=lambda one: -(one.auc or 0))
    return properties, [_finding(one) for one in properties if one.auc is not None and one.auc > FLAGGED_AUC]


def straddling(
    dataset: Dataset, thumbnails: Floats | None, rows: Sequence[int], alike: Pairs, cut: NDArray[np.bool_]
) -> list[Finding]:
    """Findings about images that belong together and stand in different splits.

    Args:
        dataset: with its splits; without, nothing is divided.
        thumbnails: (n, 256) of the readable images, or None.
        rows: (n,) place in the dataset's samples of each thumbnail.
        alike, cut: of `twins`. What grouping by "auto" has cut, it would cut again, and so is a warning after it.
    """
    if dataset.splits is None:
        return []
    split_of = {i: name for name in SPLIT_NAMES for i in dataset.splits.ids(name)}
    samples = dataset.samples
    where = [split_of.get(sample.image_id) for sample in samples]
    findings = _divided("group", [s.group for s in samples], samples, where, UNSAFE)
    # who names a rule of their own may know better than the names' habits
    level = WARNING if not dataset.splits.group_by.startswith(("none", "auto", "lot", "as given")) else UNSAFE
    paths = [s.path for s in samples]
    lots = lots_of(paths)
    if lots is not None:
        findings += _divided("lot", lots, samples, where, level)
    else:
        complete = thumbnails is not None and len(rows) == len(samples)
        links, _ = named_links(paths, thumbnails if complete else None)
        for name, pairs in links.items():
            findings += _divided_pairs(_LINKED[name], pairs, samples, where, UNSAFE if name == "copies" else level)
    cut = cut & dataset.splits.group_by.startswith("auto")
    by_lot = _LOT_REMEDY if dataset.splits.group_by in (LOTS_IN_ORDER, LOTS_NAMED) else None
    findings += _divided_pairs("near-duplicates", alike[~cut], samples, where, UNSAFE, by_lot)
    noun = "near-duplicates among many images that look alike"
    findings += _divided_pairs(noun, alike[cut], samples, where, WARNING, _CUT_REMEDY)
    if thumbnails is not None and len(thumbnails) > 1:
        turned = np.asarray(rows, dtype=np.int64)[turned_duplicates(thumbnails)]
        noun = "images that are others mirrored or turned"
        findings += _divided_pairs(noun, turned, samples, where, UNSAFE, by_lot)
    return findings


def cross_validated_auc(
    values: NDArray[np.int64], positive: NDArray[np.bool_], folds: Sequence[NDArray[np.int64]]
) -> float | None:
    """AUC of the smoothed share of defects that each value has outside the fold; (n,) values from 0."""
    scores = np.zeros(len(values))
    total = int(values.max()) + 1
    hits = np.bincount(values, positive, total)
    counts = np.bincount(values, minlength=total)
    for fold in folds:
        inside = values[fold]
        seen = counts - np.bincount(inside, minlength=total)
        defects = hits - np.bincount(inside, positive[fold], total)
        base = (positive.sum() - positive[fold].sum()) / max(len(positive) - len(fold), 1)
        share = (defects + _PRIOR * base) / (seen + _PRIOR)
        # folds differ a little in their base rate, which is no property of the values
        scores[fold] = share[inside] - base
    return roc_auc(scores, positive)


def name_tokens(path: str) -> set[str]:
    """Parts of the file name without its suffix, and neighbouring parts with what stands between: B, C, B_C of B_C."""
    parts = _SPLIT_AT.split(PurePosixPath(path).stem)
    words = {part for part in parts[::2] if part}
    pairs = {"".join(parts[i : i + 3]) for i in range(0, len(parts) - 2, 2) if parts[i] and parts[i + 2]}
    return words | pairs


def _token_properties(
    samples: Sequence[Sample], positive: NDArray[np.bool_], folds: Sequence[NDArray[np.int64]]
) -> list[Property]:
    holders: dict[str, list[int]] = {}
    for i, sample in enumerate(samples):
        for token in name_tokens(sample.path):
            holders.setdefault(token, []).append(i)
    fewest = max(_FEWEST_IMAGES, len(samples) // 100)
    by_images: dict[bytes, str] = {}
    for token, images in holders.items():
        if fewest <= len(images) <= len(samples) - fewest:
            key = np.array(images).tobytes()
            by_images[key] = max(by_images.get(key, ""), token, key=lambda name: (len(name), name))
    telling = []
    for token in by_images.values():
        has = np.zeros(len(samples), dtype=np.int64)
        has[holders[token]] = 1
        shares = has[positive].mean(), has[~positive].mean()
        telling.append((abs(shares[0] - shares[1]), token, has, shares))
    telling.sort(key=lambda row: (-row[0], row[1]))
    return [
        Property(
            f"file name contains {token!r}",
            "name",
            cross_validated_auc(has, positive, folds),
            f"in {_percent(shares[0])} of the defects and {_percent(shares[1])} of the good images",
        )
        for _, token, has, shares in telling[:_MOST_TOKENS]
    ]


def _fact_properties(
    facts: Sequence[ImageFact], positive: NDArray[np.bool_], folds: Sequence[NDArray[np.int64]]
) -> list[Property]:
    pixels = np.array([fact.size_hw[0] * fact.size_hw[1] for fact in facts], dtype=np.float64)
    file_bytes = np.array([fact.file_bytes for fact in facts], dtype=np.float64)
    numbers = (
        ("file size in bytes", "look", file_bytes),
        ("bytes a pixel (compression)", "look", file_bytes / pixels),
        ("mean gray value", "look", np.array([fact.mean for fact in facts])),
        ("spread of gray values", "look", np.array([fact.spread for fact in facts])),
        ("mean gray value of the border", "look", np.array([fact.border for fact in facts])),
    )
    encodings, modes = [fact.encoding for fact in facts], [f"{fact.mode} {fact.bits} bit" for fact in facts]
    return [
        *(_number(name, kind, values, positive, folds) for name, kind, values in numbers),
        _category("encoding (format, sum of the JPEG tables)", encodings, positive, folds),
        _category("pixel format", modes, positive, folds),
    ]


def _number(
    name: str, kind: str, values: NDArray[np.float64], positive: NDArray[np.bool_], folds: Sequence[NDArray[np.int64]]
) -> Property:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    auc = cross_validated_auc(np.searchsorted(edges, values, side="right"), positive, folds)
    yes, no = np.median(values[positive]), np.median(values[~positive])
    return Property(name, kind, auc, f"median {_short(yes)} for defects and {_short(no)} for good images")


def _category(
    name: str, values: Sequence[str], positive: NDArray[np.bool_], folds: Sequence[NDArray[np.int64]]
) -> Property:
    kinds, codes = np.unique(np.array(values), return_inverse=True)
    auc = cross_validated_auc(codes, positive, folds)
    often = [str(kinds[np.bincount(codes[flags], minlength=len(kinds)).argmax()]) for flags in (positive, ~positive)]
    return Property(name, "file", auc, f"most often {often[0]} for defects and {often[1]} for good images")


def _finding(one: Property) -> Finding:
    assert one.auc is not None
    level = UNSAFE if one.kind == "file" and one.auc > UNSAFE_AUC else WARNING
    reason, remedy = {
        "name": (
            "no network sees a file name, but whatever made it knew the label",
            "do not sort or sample by it; ask whether defects and good images were taken in the same way",
        ),
        "file": ("a network may see it and no defect causes it", "take or save both classes in the same way"),
        "look": (
            "a network sees it; a defect may cause it, or another exposure or program",
            "compare good images and defects of one lot; if they were taken in different ways, take them anew",
        ),
    }[one.kind]
    return Finding(
        level, "leaks", f"{one.name} alone predicts the label with AUC {one.auc:.2f}: {one.detail}; {reason}", remedy
    )


def _divided(
    noun: str, keys: Sequence[str], samples: Sequence[Sample], where: Sequence[str | None], level: str
) -> list[Finding]:
    members: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        if where[i] is not None:
            members.setdefault(key, []).append(i)
    torn = {key: rows for key, rows in members.items() if len({where[i] for i in rows}) > 1}
    if not torn:
        return []
    images, (first, rows) = sum(len(rows) for rows in torn.values()), next(iter(torn.items()))
    other = next(i for i in rows if where[i] != where[rows[0]])
    text = (
        f"{len(torn)} of {len(members)} {noun}s stand in more than one split ({images} images), such as {first}: "
        f"{samples[rows[0]].path} in {where[rows[0]]}, {samples[other].path} in {where[other]}"
    )
    return [Finding(level, "leaks", text, _REMEDY, (samples[rows[0]].image_id, samples[other].image_id))]


def _divided_pairs(
    noun: str,
    pairs: NDArray[np.int64],
    samples: Sequence[Sample],
    where: Sequence[str | None],
    level: str,
    remedy: str | None = None,
) -> list[Finding]:
    torn = [(a, b) for a, b in pairs.tolist() if where[a] and where[b] and where[a] != where[b]]
    if not torn:
        return []
    a, b = torn[0]
    images = len({i for pair in torn for i in pair})
    text = (
        f"{noun} stand in different splits: {len(torn)} pairs of {images} images, such as {samples[a].path} in "
        f"{where[a]} and {samples[b].path} in {where[b]}"
    )
    return [Finding(level, "leaks", text, remedy or _REMEDY, ids_two_by_two(torn, samples))]


_REMEDY = "group and split anew: python -m data_tools.splits DATASET --group-by auto --replace"
_LOT_REMEDY = "--group-by auto goes by lots and leaves these; if they are copies of one picture, leave one out"
_CUT_REMEDY = "--group-by auto leaves these apart; if they are shots of one part, group by a REGEX on their names"


def too_few(positive: NDArray[np.bool_], groups: NDArray[np.str_], images: int, in_groups: int) -> str:
    """Says of which class there are fewer images, or groups of them, than so many; "" where there are enough."""
    for noun, flags in (("defects", positive), ("good images", ~positive)):
        if flags.sum() < images or len(set(groups[flags])) < in_groups:
            return f"{int(flags.sum())} {noun} in {len(set(groups[flags]))} groups are too few"
    return ""


def _folds(positive: NDArray[np.bool_], groups: NDArray[np.str_]) -> list[NDArray[np.int64]]:
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    return [fold for _, fold in folds.split(positive, positive, groups)]


def _short(value: float) -> str:
    """About four digits, without an exponent where the number is large."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _percent(share: float) -> str:
    return f"{share:.1%}"
