"""Images that show the same thing, and what their labels say of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_tools.auditing.findings import WARNING, Finding
from data_tools.auditing.review import DEFECT, Suspect
from data_tools.core.records import GOOD, Sample
from data_tools.splitting.near_duplicates import Floats, near_duplicates, signatures, without_long_chains

Pairs = NDArray[np.int64]
_SHOWN = 24


def twins(thumbnails: Floats | None, rows: Sequence[int]) -> tuple[Pairs, NDArray[np.bool_]]:
    """(m, 2) places of images that certainly show the same thing, the most alike first; which (m,) grouping cuts.

    Those are the weaker ones of a chain of many images, see `without_long_chains`.

    Args:
        thumbnails: (n, 256) of the readable images, or None.
        rows: (n,) place in the dataset's samples of each thumbnail.
    """
    if thumbnails is None or len(thumbnails) < 2:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=bool)
    signed = signatures(thumbnails)
    pairs, similarity = near_duplicates(signed, signed.same)
    held = set(map(tuple, without_long_chains(pairs, similarity, len(thumbnails)).tolist()))
    pairs = pairs[np.argsort(-similarity, kind="stable")]
    cut = np.array([tuple(pair) not in held for pair in pairs.tolist()], dtype=bool)
    return np.asarray(rows, dtype=np.int64)[pairs], cut


def ids_two_by_two(pairs: Sequence[tuple[int, int]], samples: Sequence[Sample]) -> tuple[int, ...]:
    """Ids of some of the pairs' images; pairs without a common image show more of the data."""
    shown: list[int] = []
    for pair in pairs:
        ids = [samples[i].image_id for i in pair]
        if len(shown) < _SHOWN and not set(ids) & set(shown):
            shown += ids
    return tuple(shown)


def contradicted(pairs: Pairs, samples: Sequence[Sample]) -> list[Suspect]:
    """The images of which most of those that show the same, itself among them, have the other label.

    The share with its own label is the confidence in it. One against one, as before and after a defect or a part beside
    its template, tells nothing.
    """
    others: dict[int, list[int]] = {}
    for a, b in pairs.tolist():
        others.setdefault(a, []).append(b)
        others.setdefault(b, []).append(a)
    suspects = []
    for i, same in sorted(others.items()):
        unlike = [k for k in same if samples[k].is_defect != samples[i].is_defect]
        if 2 * len(unlike) > len(same) + 1:
            first = f"{samples[unlike[0]].path} ({samples[unlike[0]].type})"
            more = f" and {len(unlike) - 1} more" * (len(unlike) > 1)
            suggested = GOOD if samples[i].is_defect else DEFECT
            confidence = 1 - len(unlike) / (len(same) + 1)
            suspects.append(Suspect(samples[i], suggested, confidence, f"shows the same as {first}{more}"))
    return suspects


def joined(suspects: Sequence[Suspect] | None, by_twins: Sequence[Suspect], most: int) -> tuple[Suspect, ...] | None:
    """Both, the least believed first and `most` at most; None of labels that were not judged and none contradicted."""
    if suspects is None and not by_twins:
        return None
    known = {one.sample.image_id: one for one in suspects or ()}
    for one in by_twins:
        other = known.get(one.sample.image_id)
        if other is not None:
            one = replace(one, confidence=min(one.confidence, other.confidence), reason=f"{one.reason}; {other.reason}")
        known[one.sample.image_id] = one
    return tuple(sorted(known.values(), key=lambda one: one.confidence)[:most])


def unlike_labels(pairs: Pairs, samples: Sequence[Sample]) -> list[Finding]:
    """The finding that of two images of the same thing one is a defect and the other one good, if any are."""
    torn = [(a, b) for a, b in pairs.tolist() if samples[a].is_defect != samples[b].is_defect]
    if not torn:
        return []
    defect, good = torn[0] if samples[torn[0][0]].is_defect else torn[0][::-1]
    images = len({i for pair in torn for i in pair if not samples[i].is_defect})
    text = (
        f"{images} good images show the same as a defect image: {len(torn)} pairs, such as {samples[good].path} (good) "
        f"and {samples[defect].path} ({samples[defect].type}); one label of a pair is wrong, unless the defect came "
        "in between"
    )
    remedy = "look at them: --html FILE shows them, --review FILE lists those whose label most of the others contradict"
    return [Finding(WARNING, "twins", text, remedy, ids_two_by_two(torn, samples))]
