import numpy as np
import pytest

from data_tools.splitting.near_duplicates import near_duplicates, signatures, without_long_chains


def looks(scenes: int, copies: int, seed: int = 0) -> np.ndarray:
    """Thumbnails of devices that share one strong pattern: copies of a scene differ by exposure and noise alone."""
    rng = np.random.default_rng(seed)
    common = 200 * rng.standard_normal(256)
    own = 20 * rng.standard_normal((scenes, 1, 256))
    gain = rng.uniform(0.8, 1.2, (scenes, copies, 1))
    seen = gain * (common + own) + rng.standard_normal((scenes, copies, 256))
    return seen.reshape(-1, 256).astype(np.float32)


@pytest.mark.parametrize("scenes", [10, 60, 400])
def test_copies_are_found_among_devices_that_look_alike(scenes: int) -> None:
    thumbnails = looks(scenes, 3)
    plain = np.corrcoef(thumbnails)
    assert plain.min() > 0.9  # so plain similarity would join all
    found = signatures(thumbnails)
    pairs, similarity = near_duplicates(found, found.similar)
    expected = {(3 * i + a, 3 * i + b) for i in range(scenes) for a, b in ((0, 1), (0, 2), (1, 2))}
    met = set(map(tuple, pairs.tolist()))
    assert len(met & expected) >= 0.97 * len(expected)
    assert len(met - expected) <= 0.01 * len(expected)
    assert (similarity > found.similar).all()


def test_banded_hashing_meets_nearly_all_pairs_that_exhaustion_finds() -> None:
    found = signatures(looks(300, 3, seed=1))
    pairs, _ = near_duplicates(found, found.similar)
    exhaustive = np.argwhere(np.triu(found.vectors @ found.vectors.T, 1) > found.similar)
    assert len(exhaustive) > 500
    assert len(pairs) >= 0.97 * len(exhaustive)


def test_flat_and_few_images_resemble_nothing() -> None:
    assert len(near_duplicates(signatures(np.full((5, 256), 7, dtype=np.float32)), 0.5)[0]) == 0
    assert len(near_duplicates(signatures(np.zeros((1, 256), dtype=np.float32)), 0.5)[0]) == 0


def test_a_chain_of_weak_links_is_cut_and_copies_stay() -> None:
    chain = np.stack([np.arange(99), np.arange(1, 100)], axis=1)
    copies = np.stack([np.arange(100, 149), np.arange(101, 150)], axis=1)
    short = np.array([[150, 151]])
    pairs = np.concatenate([chain, copies, short])
    similarity = np.concatenate([np.full(99, 0.72), np.full(49, 0.99), [0.72]]).astype(np.float32)
    kept = without_long_chains(pairs, similarity, 152)
    assert kept.tolist() == np.concatenate([copies, short]).tolist()
