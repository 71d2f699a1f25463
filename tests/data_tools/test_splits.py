import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.errors import InputError
from data_tools.records import Sample
from data_tools.splits import make_splits, take_share


def samples_of(make_sample, groups: list[int], defects: list[bool]) -> list[Sample]:
    return [
        make_sample(i, [(1, 1, 5, 5)] if defect else (), group=str(group))
        for i, (group, defect) in enumerate(zip(groups, defects, strict=True), start=1)
    ]


rows = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=80)


@given(rows, st.integers(0, 5))
def test_no_group_is_divided_and_nothing_is_lost(make_sample, rows: list[tuple[int, bool]], seed: int) -> None:
    samples = samples_of(make_sample, [g for g, _ in rows], [d for _, d in rows])
    splits = make_splits(samples, seed=seed)
    where = {i: name for name in ("train", "val", "test") for i in splits.ids(name)}
    assert sorted(where) == [sample.image_id for sample in samples]
    for group in {sample.group for sample in samples}:
        assert len({where[s.image_id] for s in samples if s.group == group}) == 1
    assert make_splits(samples[::-1], seed=seed) == splits


def test_each_status_gets_its_share(make_sample) -> None:
    samples = samples_of(make_sample, [i // 3 for i in range(600)], [i % 5 == 0 for i in range(600)])
    splits = make_splits(samples, seed=1)
    for name, share in (("train", 0.7), ("val", 0.15), ("test", 0.15)):
        ids = set(splits.ids(name))
        assert len(ids) == pytest.approx(600 * share, abs=6)
        assert sum(s.is_defect for s in samples if s.image_id in ids) == pytest.approx(120 * share, abs=3)


def test_a_zero_share_stays_empty_and_the_seed_matters(make_sample) -> None:
    samples = samples_of(make_sample, list(range(50)), [i % 2 == 0 for i in range(50)])
    splits = make_splits(samples, (0.8, 0.2, 0.0), seed=0)
    assert splits.test == ()
    assert splits.train != make_splits(samples, (0.8, 0.2, 0.0), seed=1).train


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)])
def test_shares_must_add_up(make_sample, shares: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="add up to 1"):
        make_splits([make_sample()], shares)


def test_a_share_takes_whole_groups_of_every_kind(make_sample) -> None:
    samples = [make_sample(i, [(1, 1, 5, 5)] if i % 2 else [], group=f"g{(i - 1) // 4}") for i in range(1, 81)]
    part = take_share(samples, 0.8, seed=1)
    assert len(part) == 64
    assert sum(sample.is_defect for sample in part) == 32
    left = {sample.group for sample in samples} - {sample.group for sample in part}
    assert len(left) == 4
    assert take_share(samples, 0.8, seed=1) == part
    assert take_share(samples, 1.0) == tuple(samples)


@pytest.mark.parametrize("share", [0.0, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(make_sample, share: float) -> None:
    with pytest.raises(InputError, match="train_share"):
        take_share([make_sample(1)], share)
