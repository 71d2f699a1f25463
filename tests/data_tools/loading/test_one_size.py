from hypothesis import given
from hypothesis import strategies as st

from data_tools.loading.one_size import batches_of_one_size, in_order
from data_tools.loading.samplers import PlainBatches

SIZES = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=40)


def test_batches_of_one_size_by_hand() -> None:
    sizes = [(8, 8), (8, 9), (8, 8), (8, 8), (8, 9)]
    assert batches_of_one_size(sizes, 2) == [[0, 2], [3], [1, 4]]


@given(SIZES, st.integers(1, 5), st.integers(1, 4))
def test_each_image_is_in_one_batch_and_said_of_in_its_place(
    sizes: list[tuple[int, int]], batch_size: int, processes: int
) -> None:
    hands = [PlainBatches(sizes, batch_size, rank, processes) for rank in range(processes)]
    dealt = [[place for _, place in batch] for hand in hands for batch in hand]
    assert sorted(place for batch in dealt for place in batch) == list(range(len(sizes)))
    for batch in dealt:
        assert 1 <= len(batch) <= batch_size
        assert len({sizes[place] for place in batch}) == 1
    assert max(map(len, hands)) - min(map(len, hands)) <= 1
    assert in_order((batch, (sizes[place] for place in batch)) for batch in dealt) == sizes
