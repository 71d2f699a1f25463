from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, UNBOXED, Dataset, Splits
from data_tools.splitting.label_budget import drawing_order, parse_counts, with_budget

BOX = (10, 10, 30, 30)


@pytest.fixture(scope="module")
def dataset(make_sample) -> Dataset:
    """Training 1..20 of four groups, of which even images are boxed and 19 is unboxed; validation and test boxed."""
    samples = [make_sample(i, [BOX] if i % 2 == 0 else [], group=f"g{i % 8}") for i in range(1, 19)]
    samples += [make_sample(19, status="unboxed", group="g1"), make_sample(20, [BOX, (50, 50, 60, 60)], group="g0")]
    samples += [make_sample(i, [BOX], group=f"h{i}") for i in (21, 22)]
    return Dataset(tuple(samples), ("defect",), None, Splits(0, "", tuple(range(1, 21)), (21,), (22,)))


def test_counts() -> None:
    assert parse_counts("5,10,25,50,100,all", 60) == ([5, 10, 25, 50, 60], [100])
    assert parse_counts("all", 7) == ([7], [])
    assert parse_counts(" 7 , 2,7,all", 7) == ([2, 7], [])
    for text in ("", "5,,10", "0", "-5", "5.5", "some", "1e3"):
        with pytest.raises(InputError, match="neither a positive number nor 'all'"):
            parse_counts(text, 60)
    for text, available in (("100", 60), ("all", 0)):
        with pytest.raises(InputError, match=f"only {available} images with boxes"):
            parse_counts(text, available)


def test_the_order_holds_every_boxed_training_image_once_and_follows_the_seed(dataset: Dataset) -> None:
    training = dataset.split("train")
    boxed = {sample.image_id for sample in training if sample.status == BOXED}
    orders = [drawing_order(training, seed) for seed in range(5)]
    assert all(len(order) == len(boxed) and set(order) == boxed for order in orders)
    assert drawing_order(training[::-1], 3) == orders[3]
    assert len({tuple(order) for order in orders}) > 1


@given(sizes=st.lists(st.integers(0, 6), min_size=1, max_size=8), seed=st.integers(0, 1000))
def test_every_beginning_is_spread_over_the_groups(make_sample, sizes: list[int], seed: int) -> None:
    groups = [f"g{i}" for i, size in enumerate(sizes) for _ in range(size)]
    samples = {i: make_sample(i, [BOX], group=group) for i, group in enumerate(groups, start=1)}
    order = drawing_order(list(samples.values()), seed)
    for count in range(1, len(order) + 1):
        taken = [samples[i].group for i in order[:count]]
        most = max(taken.count(group) for group in taken)
        # a group gives another image only once every group has given as many, or all that it has
        assert all(taken.count(f"g{i}") >= min(size, most - 1) for i, size in enumerate(sizes))


def test_a_budget_takes_boxes_of_training_images_and_nothing_else(dataset: Dataset) -> None:
    order = drawing_order(dataset.split("train"), 0)
    kept: list[set[int]] = []
    for count in range(1, len(order) + 1):
        smaller = with_budget(dataset, order, count)
        kept.append({sample.image_id for sample in smaller.split("train") if sample.status == BOXED})
        assert len(kept[-1]) == count
        for before, after in zip(dataset.samples, smaller.samples, strict=True):
            assert (after.image_id, after.group, after.type) == (before.image_id, before.group, before.type)
            assert after.is_defect == before.is_defect
            if before.image_id in kept[-1] or before.status != BOXED or before.image_id > 20:
                assert after is before
            else:
                assert after.status == UNBOXED
    assert all(fewer < more for fewer, more in pairwise(kept))
