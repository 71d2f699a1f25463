"""In which order samples are loaded: keys `(epoch, index)`, the same for any number of processes."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from data_tools.core.errors import InputError
from data_tools.loading.one_size import batches_of_one_size

Key = tuple[int, int]


_WINDOW_BATCHES = 6


class BalancedSampler(Sampler[Key]):
    """An epoch's keys in seeded random order, each class repeated or thinned to its share.

    Args:
        positive: for each sample, whether it belongs to the positive class.
        positive_share: share of positive samples in an epoch; None keeps the natural distribution, and each sample
            comes exactly once.
        seed: of the order.
        sizes_hw: of each sample as loaded. Batches then hold images of similar shape, which saves padding.
        batch_size: images a step, of all processes together.
        rank, processes: this process takes its part of each batch, the batches staying what they are for one process.
        batches: of an epoch; None takes as many as there are samples for, leaving out what would not fill one. With
            more, samples come again; with fewer, each epoch draws its own.

    Raises:
        InputError: the processes cannot share a batch evenly.

    Attributes:
        epoch: decides the order; whoever iterates sets it.
        start: how many of the epoch's keys to leave out at its beginning, because they have been done.
    """

    def __init__(
        self,
        positive: Sequence[bool],
        positive_share: float | None,
        seed: int,
        sizes_hw: Sequence[tuple[int, int]] = (),
        batch_size: int = 1,
        rank: int = 0,
        processes: int = 1,
        batches: int | None = None,
    ) -> None:
        if batch_size % processes:
            raise InputError(f"fit.batch_size {batch_size} is shared by {processes} processes: give a multiple of it")
        if processes > 1 and batches is None and len(positive) < batch_size:
            raise InputError(
                f"{len(positive)} training images do not fill a batch of {batch_size}, which several "
                "processes need; lower fit.batch_size"
            )
        self.rank, self.share = rank, batch_size // processes
        self.positive = np.asarray(positive, dtype=bool)
        self.positive_share, self.seed, self.epoch, self.start = positive_share, seed, 0, 0
        self.sizes_hw, self.batch_size = np.asarray(sizes_hw, dtype=np.float64).reshape(-1, 2), batch_size
        self.total = len(self.positive) if batches is None else batches * batch_size

    def __len__(self) -> int:
        return self._in_batches() * self.share // self.batch_size

    def __iter__(self) -> Iterator[Key]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = self._order(rng)
        if len(np.unique(self.sizes_hw, axis=0)) > 1:
            order = self._by_shape(order, rng)
        places = np.arange(self.start, self._in_batches())
        mine = places[places % self.batch_size // self.share == self.rank]
        yield from ((self.epoch, int(index)) for index in order[mine])

    def _in_batches(self) -> int:
        """How many keys fill whole batches; all of them if they do not even fill one."""
        return self.total // self.batch_size * self.batch_size or self.total

    def _order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        total = self.total
        yes, no = np.flatnonzero(self.positive), np.flatnonzero(~self.positive)
        if self.positive_share is None or not len(yes) or not len(no):
            return _rounds(rng, np.arange(len(self.positive)), total)
        n_yes = round(total * self.positive_share)
        picked = _rounds(rng, yes, n_yes), _rounds(rng, no, total - n_yes)
        # spread both classes evenly, so that every batch holds its share of each
        places = np.concatenate([(np.arange(len(part)) + rng.random()) / max(len(part), 1) for part in picked])
        return np.concatenate(picked)[np.argsort(places, kind="stable")]

    def _by_shape(self, order: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Sort by width within windows of several batches, then shuffle the batches."""
        window = _WINDOW_BATCHES * self.batch_size
        parts = [order[start : start + window] for start in range(0, len(order), window)]
        # a little noise, so that the same images do not always meet
        keys = self.sizes_hw[:, 1] * np.exp(rng.normal(0, 0.05, len(self.sizes_hw)))
        ordered = np.concatenate([part[np.argsort(keys[part], kind="stable")] for part in parts])
        whole = len(ordered) // self.batch_size * self.batch_size
        batches = rng.permutation(ordered[:whole].reshape(-1, self.batch_size))
        return np.concatenate([batches.ravel(), ordered[whole:]])


class PlainBatches(Sampler[list[Key]]):
    """Every sample once, in batches of one size; of several processes each takes whole batches in turn.

    Args:
        sizes_hw: of each sample as the network sees it.
        batch_size: samples a batch, at most.
        rank, processes: which of them are this process's.
    """

    def __init__(self, sizes_hw: Sequence[tuple[int, int]], batch_size: int, rank: int = 0, processes: int = 1) -> None:
        self.mine = batches_of_one_size(sizes_hw, batch_size)[rank::processes]

    def __len__(self) -> int:
        return len(self.mine)

    def __iter__(self) -> Iterator[list[Key]]:
        yield from ([(0, index) for index in batch] for batch in self.mine)


def _rounds(rng: np.random.Generator, values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """`count` of the values in random order: all of them as often as fits, then a random rest without repetition."""
    whole = [rng.permutation(values) for _ in range(count // len(values))]
    return np.concatenate([*whole, rng.permutation(values)[: count % len(values)]]).astype(np.int64)
