"""Images that show the same thing mirrored or turned, as augmentation leaves them."""

import numpy as np

from data_tools.splitting.near_duplicates import Floats, Pairs, centred_units, near_duplicates, signatures

_SAME = 0.95


def turned_duplicates(thumbnails: Floats) -> Pairs:
    """(m, 2) pairs of images of which one is a mirror image or a quarter turn of the other.

    The means over the eight places that mirrors and turns bring onto each other do not change under them, so images
    that agree in these are candidates. A candidate counts if what tells one image from the mean of all, mirrored or
    turned, correlates above 0.95 with what tells the other.

    Args:
        thumbnails: (n, side * side).
    """
    side = round(thumbnails.shape[1] ** 0.5) if len(thumbnails) else 0
    if len(thumbnails) < 2:
        return np.zeros((0, 2), dtype=np.int64)
    grids = thumbnails.reshape(-1, side, side)
    orbit_means = np.mean(_symmetries(grids), axis=0).reshape(len(grids), -1)
    signed = signatures(orbit_means.astype(np.float32))
    candidates, _ = near_duplicates(signed, signed.similar)
    different = grids - grids.mean(axis=0)
    units = centred_units(different.reshape(len(grids), -1))
    agree = np.zeros(len(candidates), dtype=bool)
    for turned in _symmetries(different)[1:]:
        other = centred_units(turned.reshape(len(grids), -1))
        agree |= np.einsum("ij,ij->i", units[candidates[:, 0]], other[candidates[:, 1]]) > _SAME
    return candidates[agree]


def _symmetries(grids: Floats) -> list[Floats]:
    """(n, side, side) grids in all eight positions, the first as they are."""
    quarter = [np.rot90(grids, turns, axes=(1, 2)) for turns in range(4)]
    return [*quarter, *(one[:, :, ::-1] for one in quarter)]
