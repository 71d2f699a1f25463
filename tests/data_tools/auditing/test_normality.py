import numpy as np
import pytest

from data_tools.auditing.normality import Normality
from data_tools.core.cell_features import CellFeatures


def cells_of(images: list[np.ndarray], grids: list[tuple[int, int]]) -> CellFeatures:
    starts = np.concatenate([[0], np.cumsum([len(one) for one in images])])
    return CellFeatures(np.concatenate(images).astype(np.float16), starts, np.array(grids))


def test_distances_by_hand() -> None:
    """One feature, two places with values 9, 11 and -4, 4: means 10 and 0, variances 1 and 16, ridge 5 % of 8.5."""
    images = [np.array([[9.0], [-4.0]]), np.array([[11.0], [4.0]])]
    usual = Normality(cells_of(images, [(1, 2)] * 2), [0, 1])
    found = usual.distances(np.array([[13.0], [8.0]], dtype=np.float32))
    assert found == pytest.approx([3 / np.sqrt(1.425), 8 / np.sqrt(16.425)], rel=1e-4)


def test_images_of_several_sizes_share_one_gaussian() -> None:
    rng = np.random.default_rng(0)
    images = [rng.standard_normal((n, 3)) * (1, 1, 10) for n in (4, 6) * 50]
    usual = Normality(cells_of(images, [(2, 2), (2, 3)] * 50), range(100))
    along, across = usual.distances(np.array([[0, 0, 20], [0, 20, 0]], dtype=np.float32))
    assert along < 3 < across  # two spreads against twenty, less what the ridge takes


def test_correlated_features_are_whitened() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4000, 1))
    rows = np.concatenate([x, x + 0.5 * rng.standard_normal((4000, 1))], axis=1)
    usual = Normality(cells_of(list(rows[:, None]), [(1, 1)] * 4000), range(4000))
    with_the_trend, against_it = (usual.distances(np.array([v], dtype=np.float32))[0] for v in ((2, 2), (2, -2)))
    assert against_it > 2.5 * with_the_trend


def test_fewer_images_than_features_give_finite_distances() -> None:
    rng = np.random.default_rng(0)
    images = [rng.standard_normal((1, 50)) for _ in range(3)]
    usual = Normality(cells_of(images, [(1, 1)] * 3), [0])
    assert np.isfinite(usual.distances(np.ones((1, 50), dtype=np.float32))).all()
    assert usual.distances(images[0].astype(np.float16).astype(np.float32))[0] == pytest.approx(0, abs=1)
