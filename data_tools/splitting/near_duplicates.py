"""Images that show the same thing: other shots, exposures, crops or encodings of one part.

Devices of one kind in one jig look alike without being the same, so plain similarity would join them all. What counts
is how an image differs from the others: thumbnails are standardised, centred on the data's mean and whitened along the
data's own principal components, which makes unrelated images nearly orthogonal. Candidates come from banded random
hyperplanes (Charikar, STOC 2002), so that no matrix of all pairs is ever made.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int64]
Floats = NDArray[np.float32]

_DIMENSIONS = 64
_FEW = 64  # images below this number say too little about their own variation to whiten it
_SAME_RAW = 0.98
_RECALL = 0.99
_NEIGHBOURS = 32
_LONG_CHAIN = 30


@dataclass(frozen=True)
class Signatures:
    """Unit vectors whose inner product says how much two images are the same.

    Attributes:
        vectors: (n, d) float32; zeros for a flat image, which resembles nothing.
        raw: (n, 256) standardised thumbnails that must agree as well, or None where the vectors suffice.
        similar: inner product above which two images had better stay together.
        same: inner product above which they certainly show the same thing.
    """

    vectors: Floats
    raw: Floats | None
    similar: float
    same: float


def signatures(thumbnails: Floats) -> Signatures:
    """Signatures of (n, 256) thumbnails.

    With 512 images or more, the 64 strongest components are used; with fewer, n/8 of them and the thumbnails
    themselves must also correlate above 0.98; with fewer than 64, centring has to do.
    """
    standard = centred_units(thumbnails)
    if len(standard) < 3:
        return Signatures(standard, None, _SAME_RAW, _SAME_RAW)
    alive = np.linalg.norm(standard, axis=1) > 0
    centred = np.where(alive[:, None], standard - standard[alive].mean(axis=0) if alive.any() else 0, 0)
    centred = centred.astype(np.float32)
    if len(standard) < _FEW:
        return Signatures(_unit(centred), standard, 0.9, _SAME_RAW)
    dimensions = min(_DIMENSIONS, len(standard) // 8)
    variances, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    strongest = np.argsort(-variances)[:dimensions]
    strongest = strongest[variances[strongest] > 1e-9 * max(float(variances.max()), 1e-12)]
    whitened = centred @ (axes[:, strongest] / np.sqrt(variances[strongest])).astype(np.float32)
    return Signatures(_unit(whitened), None if dimensions == _DIMENSIONS else standard, 0.7, 0.9)


def near_duplicates(image_signatures: Signatures, threshold: float) -> tuple[Pairs, Floats]:
    """(m, 2) pairs of images with a similarity above `threshold`, and their (m,) similarities.

    Every pair is looked at below 512 images; above, a pair at the threshold is met with a probability of 0.99. Of many
    images that are all the same, each is paired with some others, which is enough to join them.
    """
    total = len(image_signatures.vectors)
    candidates: Iterable[Pairs] = (
        [np.stack(np.triu_indices(total, 1), axis=1)]
        if total < 512
        else _banded_pairs(image_signatures.vectors, threshold)
    )
    kept: list[Pairs] = [np.zeros((0, 2), dtype=np.int64)]
    similarities: list[Floats] = [np.zeros(0, dtype=np.float32)]
    for pairs in candidates:
        similarity = _inner(image_signatures.vectors, pairs)
        good = similarity > threshold
        if image_signatures.raw is not None:
            good &= _inner(image_signatures.raw, pairs) > _SAME_RAW
        kept.append(pairs[good])
        similarities.append(similarity[good])
    pairs, first = np.unique(np.concatenate(kept), axis=0, return_index=True)
    return pairs, np.concatenate(similarities)[first]


def without_long_chains(pairs: Pairs, similarity: Floats, total: int) -> Pairs:
    """The pairs without the weak links that hold more than 30 images together.

    Similarity is not transitive: a few chance links would chain thousands of images. In a component of more than 30
    images the required similarity rises step by step to 0.95; many true copies of one image stay together.
    """
    for required in np.arange(0.75, 0.951, 0.05):
        component = component_numbers(pairs, total)
        long = np.bincount(component)[component[pairs[:, 0]]] > _LONG_CHAIN
        weak = long & (similarity <= required)
        pairs, similarity = pairs[~weak], similarity[~weak]
    return pairs


def component_numbers(pairs: Pairs, total: int) -> NDArray[np.int32]:
    """(total,) the number, from 0, of each image's connected component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(total, total))
    numbers: NDArray[np.int32] = connected_components(links, directed=False)[1]
    return numbers


def _banded_pairs(vectors: Floats, threshold: float) -> Iterator[Pairs]:
    """Pairs that fall on the same side of every hyperplane of some band; one array a band.

    A band has as many hyperplanes as leave about eight images in a bucket, and there are as many bands as the wanted
    recall takes. Within a bucket each image meets the next 32 in a random order.
    """
    total, dimensions = vectors.shape
    planes = max(6, int(np.ceil(np.log2(total / 8))))
    agree = (1.0 - np.arccos(threshold) / np.pi) ** planes
    bands = int(np.ceil(np.log(1 - _RECALL) / np.log1p(-agree)))
    rng = np.random.default_rng(0)
    weights = 1 << np.arange(planes, dtype=np.int64)
    alive = np.flatnonzero(np.linalg.norm(vectors, axis=1) > 0)
    for _ in range(bands):
        normals = rng.standard_normal((dimensions, planes)).astype(np.float32)
        items = rng.permutation(alive)
        keys = (vectors[items] @ normals > 0) @ weights
        order = np.argsort(keys, kind="stable")
        items, keys = items[order], keys[order]
        met = []
        for step in range(1, _NEIGHBOURS + 1):
            here = np.flatnonzero(keys[step:] == keys[:-step])
            if not len(here):
                break
            met.append(np.sort(np.stack([items[here], items[here + step]], axis=1), axis=1))
        if met:
            yield np.concatenate(met)


def _inner(vectors: Floats, pairs: Pairs) -> Floats:
    parts = [
        np.einsum("ij,ij->i", vectors[block[:, 0]], vectors[block[:, 1]])
        for block in np.array_split(pairs, max(1, len(pairs) // 100_000))
    ]
    joined: Floats = np.concatenate(parts)
    return joined


def centred_units(rows: Floats) -> Floats:
    """(n, d) float32: each of n rows without its mean, at length 1; a row of equal values is 0."""
    return _unit(rows - rows.mean(axis=1, keepdims=True))


def _unit(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = np.where(norms > 1e-6, rows / np.maximum(norms, 1e-6), 0).astype(np.float32)
    return unit
